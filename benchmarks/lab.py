"""The lab as a visitor has it: measured through a real browser, on this machine alone.

    python -m benchmarks.lab [--seconds 10] [--minutes 60] [--visitors 20] [--only frames]

ready     from the command to the first page served
frames    frames drawn a second while 1000 samples train a 2-10-1 network, full batch, fused engine,
          as fast as it goes, and the epochs trained beneath it
click     from a click on a neuron to its arithmetic, paused and while training
jump      from a click on the loss curve to a past epoch, one of 100,000
memory    of the server and of the page while it plays
visitors  one page in the browser and further ones that draw nothing, each training: the longest
          that the page stood still, its clicks, and how fairly turns were taken

What was measured is put beside what was there: results/lab.json, and results/lab.md, the table that
the documentation shows. What is to stand there is measured on a machine that does nothing else: who
trains gives way to who answers, but both stand behind other people's work.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import html
import http.client
import json
import re
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from benchmarks.machine import describe

RESULTS = Path(__file__).parent / "results"
RUN = "n=1000&held=0.0&hidden=10&optimizer=sgd:lr=0.1&epochs=1000000&speed=0"
PART = ("ready", "frames", "click", "jump", "memory", "visitors")

DRAWN = "() => getElement(Number(document.querySelector('.gn-network').id.slice(1))).timing().drawn"
WATCH = """() => {
  window.labGaps = []; let last = performance.now();
  const seen = new MutationObserver(() => {
    const now = performance.now(); window.labGaps.push(now - last); last = now;
  });
  seen.observe(document.querySelector('.gn-network'),
    {subtree: true, childList: true, attributes: true, characterData: true});
}"""
CLICK = """(unit) => new Promise((done) => {
  const title = document.querySelector('.sum-title');
  const item = document.querySelector(
    `.gn-item[data-kind=neuron][data-layer="1"][data-unit="${unit}"]`);
  const box = item.getBoundingClientRect();
  const began = performance.now();
  const seen = new MutationObserver(() => {
    const name = `Hidden neuron ${unit + 1} `;
    if (!document.querySelector('.sum-title').textContent.startsWith(name)) return;
    seen.disconnect(); requestAnimationFrame(() => done(performance.now() - began));
  });
  seen.observe(document.querySelector('.lab-arithmetic'),
    {subtree: true, childList: true, characterData: true});
  const where = {bubbles: true, pointerId: 1, clientX: box.x + box.width / 2,
                 clientY: box.y + box.height / 2};
  for (const kind of ['pointerdown', 'pointerup'])
    item.dispatchEvent(new PointerEvent(kind, where));
  item.dispatchEvent(new MouseEvent('click', where));
  setTimeout(() => { seen.disconnect(); done(null); }, 5000);
})"""
JUMP = """(share) => new Promise((done) => {
  const plot = document.querySelector('.lab-time .gn-plot');
  const box = plot.getBoundingClientRect();
  const figure = document.querySelector('.lab-time .lab-number');
  const before = figure.textContent;
  const began = performance.now();
  const seen = new MutationObserver(() => {
    if (figure.textContent === before) return;
    seen.disconnect(); requestAnimationFrame(() => done(performance.now() - began));
  });
  seen.observe(figure, {subtree: true, childList: true, characterData: true});
  const where = {bubbles: true, pointerId: 1, isPrimary: true, button: 0, buttons: 1,
                 clientX: box.x + 60 + share * (box.width - 120), clientY: box.y + box.height / 2};
  const real = plot.setPointerCapture; plot.setPointerCapture = () => {};
  plot.dispatchEvent(new PointerEvent('pointerdown', where));
  plot.dispatchEvent(new PointerEvent('pointerup', where));
  plot.setPointerCapture = real;
  setTimeout(() => { seen.disconnect(); done(null); }, 5000);
})"""


# ---------------------------------------------------------------- the server and the browser


@contextlib.contextmanager
def served() -> Iterator[tuple[str, int, float]]:
    """Address and process of the lab, and the seconds until its first page."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "glassnet", "lab", "--no-open", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().split()[-1]
            fetched(address)
            yield address, process.pid, time.perf_counter() - began
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(10)


def fetched(address: str) -> str:
    """The page of an address."""
    split = urlsplit(address)
    asked = http.client.HTTPConnection(split.hostname or "", split.port, timeout=60)
    asked.request("GET", f"/?{split.query}")
    text = asked.getresponse().read().decode()
    asked.close()
    return text


@contextlib.contextmanager
def browser() -> Iterator[Any]:
    """A Chromium."""
    from playwright.sync_api import sync_playwright

    where = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    if where is None:
        raise SystemExit("a Chromium is needed")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(
            executable_path=where, args=["--no-sandbox", "--enable-precise-memory-info"]
        )
        yield found
        found.close()


def opened(chromium: Any, address: str, query: str) -> Any:
    """A page, drawn and connected."""
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(120_000)  # for hours on a machine that others use
    page.goto(f"{address}?{query}")
    page.wait_for_selector(".gn-phase strong:not(:empty)")
    page.wait_for_function("window.socket?.connected")
    page.wait_for_timeout(500)
    return page


def epoch(page: Any) -> int:
    """Where the page is."""
    return int(page.locator(".lab-time .lab-number").first.inner_text().split()[0])


def play(page: Any) -> None:
    """Play, or pause."""
    page.locator(".lab-play").first.click()


def rss(pid: int) -> float:
    """MB of a process."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(re.findall(r"VmRSS:\s+(\d+)", text)[0]) / 1024


def heap(page: Any) -> float:
    """MB of what a page still refers to."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    used = session.send("Runtime.getHeapUsage")["usedSize"] / 2**20
    session.detach()
    return float(used)


# ---------------------------------------------------------------- what is measured


def ready() -> dict[str, Any]:
    """Seconds from the command to the first page."""
    seconds = []
    for _ in range(5):
        with served() as (_, _, one):
            seconds.append(one)
    return {"seconds": round(statistics.median(seconds), 2), "worst": round(max(seconds), 2)}


def frames(chromium: Any, address: str, seconds: float) -> dict[str, Any]:
    """Frames and epochs a second."""
    page = opened(chromium, address, RUN)
    play(page)
    page.wait_for_timeout(2000)
    first, at, began = page.evaluate(DRAWN), epoch(page), time.perf_counter()
    page.wait_for_timeout(seconds * 1000)
    drawn, reached = page.evaluate(DRAWN) - first, epoch(page) - at
    took = time.perf_counter() - began
    page.close()
    return {"frames a second": round(drawn / took, 1), "epochs a second": round(reached / took)}


def clicks(page: Any, times: int = 30) -> list[float]:
    """Milliseconds from clicks on neurons to their arithmetic."""
    found = []
    for k in range(times):
        took = page.evaluate(CLICK, (k % 8 + 1) % 8)
        if took is not None:
            found.append(took)
        page.wait_for_timeout(100)
    return found


def click(chromium: Any, address: str) -> dict[str, Any]:
    """Milliseconds of a click, paused and while it trains."""
    page = opened(chromium, address, RUN)
    paused = clicks(page)
    play(page)
    page.wait_for_timeout(1000)
    playing = clicks(page)
    page.close()
    return {"paused": told(paused), "training": told(playing)}


def jump(chromium: Any, address: str) -> dict[str, Any]:
    """Milliseconds to past epochs among 100,000."""
    page = opened(chromium, address, RUN.replace("epochs=1000000", "epochs=100000"))
    play(page)
    for _ in range(600):
        if epoch(page) >= 100_000:
            break
        page.wait_for_timeout(200)
    end, found = epoch(page), []
    page.wait_for_timeout(500)
    for k in range(30):
        took = page.evaluate(JUMP, (k * 0.381966) % 1)
        if took is not None:
            found.append(took)
        page.wait_for_timeout(150)
    page.close()
    return {"epochs": end, "milliseconds": told(found)}


def memory(chromium: Any, address: str, pid: int, minutes: float) -> dict[str, Any]:
    """MB while it plays."""
    page = opened(chromium, address, RUN)
    play(page)
    page.wait_for_timeout(10_000)
    server, own = [rss(pid)], [heap(page)]
    until = time.perf_counter() + 60 * minutes
    while time.perf_counter() < until:
        page.wait_for_timeout(min(20_000, max(1, 1000 * (until - time.perf_counter()))))
        if page.locator(".lab-play").first.inner_text().strip().endswith("Play"):
            page.keyboard.press("r")  # all its epochs are trained: the same again
            play(page)
        server.append(rss(pid))
        own.append(heap(page))
    drawn = page.evaluate(DRAWN)
    page.close()
    return {
        "minutes": minutes,
        "frames": drawn,
        "server MB": [round(one) for one in server],
        "page MB": [round(one, 1) for one in own],
    }


def visitors(chromium: Any, address: str, pid: int, count: int, seconds: float) -> dict[str, Any]:
    """One page among many visitors who all train."""
    others = Others(address, count - 1)
    others.start()
    try:
        others.here.wait(120)
        page = opened(chromium, address, RUN)
        play(page)
        page.wait_for_timeout(2000)
        page.evaluate(WATCH)
        first, began = page.evaluate(DRAWN), time.perf_counter()
        page.wait_for_timeout(seconds * 1000)
        gaps = page.evaluate("() => window.labGaps")
        rate = (page.evaluate(DRAWN) - first) / (time.perf_counter() - began)
        answers = clicks(page)
        trained = epoch(page)
        page.close()
    finally:
        others.leave.set()
        others.join(30)
    return {
        "visitors": count,
        "server MB": round(rss(pid)),
        "frames a second": round(rate, 1),
        "longest standstill ms": round(max(gaps, default=0)),
        "click": told(answers),
        "epochs of the page": trained,
        "frames of the others a second": [round(one, 1) for one in sorted(others.rates())],
    }


def told(values: list[float]) -> dict[str, float]:
    """Median and worst."""
    if not values:
        return {"median": float("nan"), "worst": float("nan"), "of": 0}
    return {
        "median": round(statistics.median(values), 1),
        "worst": round(max(values), 1),
        "of": len(values),
    }


class Others(threading.Thread):
    """Visitors without a browser: each has its page and its websocket, trains, and says "drawn"."""

    def __init__(self, address: str, count: int) -> None:
        super().__init__(daemon=True)
        self.address, self.count = address, count
        self.here, self.leave = threading.Event(), threading.Event()
        self.frames: dict[int, list[float]] = {k: [] for k in range(count)}

    def rates(self) -> list[float]:
        """Frames a second of each."""
        return [len(one) / max(one[-1] - one[0], 1e-9) for one in self.frames.values() if one]

    def run(self) -> None:
        """Come, train, leave."""
        asyncio.run(self._all())

    async def _all(self) -> None:
        came = [asyncio.Event() for _ in range(self.count)]
        tasks = [asyncio.create_task(self._one(k, came[k])) for k in range(self.count)]
        for one in came:
            await one.wait()
        self.here.set()
        while not self.leave.is_set():
            await asyncio.sleep(0.1)
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _one(self, k: int, came: asyncio.Event) -> None:
        import socketio

        text = await asyncio.to_thread(fetched, f"{self.address}?{RUN}&seed={k}")
        found = re.search(r"parseElements\(String\.raw`(.*?)`\)", text, re.DOTALL)
        name = re.search(r"'client_id': '([^']+)'", html.unescape(text))
        assert found is not None
        assert name is not None
        client = name[1]
        elements = json.loads(html.unescape(found[1]))
        network = listener(elements, "drawn")
        button = next(
            key
            for key, one in elements.items()
            if "lab-play" in one.get("class", []) and one.get("events")
        )
        talk = socketio.AsyncClient(reconnection=False)

        async def send(key: str, of: str, args: list[Any]) -> None:
            event = {"id": int(key), "client_id": client, "listener_id": of}
            await talk.emit("event", {**event, "args": [json.dumps(one) for one in args]})

        async def answer(message: dict[str, Any]) -> None:
            # a frame for the network came: say that it was drawn
            if f"({network[0]}," in message["code"] and '"frame"' in message["code"]:
                self.frames[k].append(time.perf_counter())
                await send(*network, [{"id": len(self.frames[k])}])

        talk.on("run_javascript", answer)
        query = urlencode(
            {
                "client_id": client,
                "tab_id": f"tab-{client}",
                "document_id": f"document-{client}",
                "next_message_id": 0,
                "implicit_handshake": "true",
            }
        )
        await talk.connect(
            f"{self.address}?{query}",
            headers={"Origin": self.address.rstrip("/")},
            transports=["websocket"],
            wait_timeout=30,
            socketio_path="/_nicegui_ws/socket.io",
        )
        await asyncio.sleep(0.5)
        await send(button, elements[button]["events"][0]["listener_id"], [None])
        came.set()
        while not self.leave.is_set():
            await asyncio.sleep(0.2)
        await talk.disconnect()


def listener(elements: dict[str, Any], kind: str) -> tuple[str, str]:
    """The element that listens to an event, and the listener."""
    for key, one in elements.items():
        for event in one.get("events", []):
            if event["type"] == kind:
                return key, event["listener_id"]
    raise LookupError(kind)


# ---------------------------------------------------------------- what is told


def rows(found: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """What was measured, the figure, what is asked for."""
    one = found.get("ready")
    if one:
        figure = f"{one['seconds']:.1f} s (at worst {one['worst']:.1f})"
        yield "from the command to the first page", figure, "2 s"
    one = found.get("frames")
    if one:
        rate = f"{round(one['epochs a second'], -3):,}"
        what = f"pictures a second, while {rate} epochs a second are trained beneath"
        yield what, f"{one['frames a second']:.0f}", "20, with 20,000 epochs"
    for name, words in (("paused", "while it stands"), ("training", "while it trains")):
        one = found.get("click", {}).get(name)
        if one:
            yield f"a click is answered, {words}", spread(one), "100 ms"
    one = found.get("jump")
    if one:
        what = f"to any of {one['epochs']:,} past epochs"
        yield what, spread(one["milliseconds"]), "300 ms"
    one = found.get("memory")
    if one:
        what = f"memory of the server at most, in {one['minutes']:g} minutes of play"
        yield what, f"{max(one['server MB'])} MB", "500 MB"
        pages = one["page MB"]
        yield "memory of its page, at first and at most", f"{pages[0]} and {max(pages)} MB", ""
    one = found.get("visitors")
    if one:
        many = f"{one['visitors']} visitors, each training"
        yield (
            f"{many}: the longest standstill of a page",
            f"{one['longest standstill ms']} ms",
            "1 s",
        )
        yield f"{many}: a click is answered", spread(one["click"]), ""
        yield f"{many}: memory of the server", f"{one['server MB']} MB", ""


def spread(one: dict[str, float]) -> str:
    """Median and worst, in words."""
    return f"{one['median']:.0f} ms (at worst {one['worst']:.0f})"


def written(found: dict[str, Any], folder: Path = RESULTS) -> None:
    """lab.json and lab.md, with what was measured put beside what was there."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "lab.json"
    before = json.loads(kept.read_text("utf-8"))["measured"] if kept.exists() else {}
    measured = before | found
    machine = describe() | {"command": "python -m benchmarks.lab"}
    everything = {"machine": machine, "measured": measured}
    kept.write_text(json.dumps(everything, indent=1) + "\n", "utf-8")
    lines = ["| | | asked for |", "|---|--:|--:|"]
    lines += ["| " + " | ".join(row) + " |" for row in rows(measured)]
    words = (
        "Through a real browser, server and browser together on two cores; 1000 samples, a 2-10-1 "
        f"network, full batch. The load of the machine was {machine['busy']:.0f}."
    )
    (folder / "lab.md").write_text("\n".join([*lines, "", words, ""]), "utf-8")


def main() -> None:
    """Measure, and print as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--visitors", type=int, default=20)
    parser.add_argument("--only", choices=PART, action="append")
    asked = parser.parse_args()
    parts = asked.only or PART
    found: dict[str, Any] = {}
    if "ready" in parts:
        found["ready"] = ready()
        print("ready", json.dumps(found["ready"]), flush=True)
    with served() as (address, pid, _), browser() as chromium:
        measured = {
            "frames": lambda: frames(chromium, address, asked.seconds),
            "click": lambda: click(chromium, address),
            "jump": lambda: jump(chromium, address),
            "memory": lambda: memory(chromium, address, pid, asked.minutes),
            "visitors": lambda: visitors(chromium, address, pid, asked.visitors, asked.seconds),
        }
        for name, measure in measured.items():
            if name in parts:
                found[name] = measure()
                print(name, json.dumps(found[name]), flush=True)
        print("server MB at the end", round(rss(pid)), flush=True)
    written(found)


if __name__ == "__main__":
    main()
