"""A page with the three drawings and a real session behind them, for the tests in a browser.

`python served.py PORT`; the query of the page says which data and which hidden layers. What the
drawings tell is written down on the page, as JSON, under the ids told-pick, told-sample and so on.
"""

import itertools
import json
import sys

from nicegui import ui

from glassnet.lab.drawings.views import CurveView, DataView, NetworkView, dress
from glassnet.lab.frame import frame, structure
from glassnet.lab.pick import Pick
from glassnet.lab.session import Session
from glassnet.lab.setting import Setting


def page(data: str = "moons", hidden: str = "8", epoch: int = 0, phase: str = "", many: int = 0):
    sizes = tuple(int(size) for size in hidden.split(","))
    setting = Setting(data=data, hidden=sizes, activations=("tanh",) * len(sizes), optimizer="sgd")
    session = Session(setting)
    session.pick = Pick("neuron", 1, 0)
    for _ in range(epoch):
        session.step_epochs()
    while phase and session.position.phase != phase:
        session.next()
    number = itertools.count(1)
    told = {}

    def tells(name: str):
        def tell(what):
            told.setdefault(name, []).append(what)
            lines[name].set_text(json.dumps(told[name]))
            if name == "pick":
                session.pick = Pick.of(what)
                show()
            if name == "epoch":
                session.go(what["epoch"])
                show()

        return tell

    dress()
    ui.dark_mode(None)
    with ui.element("main").classes("lab"):
        with ui.element("section").classes("lab-data lab-panel"):
            points = DataView(tells("sample"), tells("point"))
        with ui.element("section").classes("lab-network lab-panel"):
            network = NetworkView(tells("pick"), tells("drawn"))
        with ui.element("section").classes("lab-time lab-panel"):
            curve = CurveView(tells("epoch"))
    names = ("pick", "drawn", "sample", "point", "epoch", "timing")
    lines = {name: ui.label("").props(f"id=told-{name}") for name in names}

    def show() -> None:
        found = frame(session, next(number))
        for view in (points, network, curve):
            view.frame(found)

    async def measure() -> None:
        lines["timing"].set_text(json.dumps(await network.timing()))

    ui.button("measure", on_click=measure)
    ui.button("burst", on_click=lambda: [show() for _ in range(many)])
    for view in (points, network, curve):
        view.structure(structure(session))
    show()


if __name__ == "__main__":
    ui.page("/")(page)
    port = int(sys.argv[1])
    ui.run(host="127.0.0.1", port=port, show=False, reload=False, show_welcome_message=False)
