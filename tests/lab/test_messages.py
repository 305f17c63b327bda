"""What the page says: for as long as it is true, and what is gone is said."""

import pytest

from glassnet.core.errors import BadInput
from glassnet.lab.frame import structure
from glassnet.lab.panels.fields import Fields
from glassnet.lab.panels.learning import beside
from glassnet.lab.session import Session
from glassnet.lab.setting import PRESETS, Setting
from tests.lab.playing import played, there


@pytest.mark.parametrize("epochs", [0, -3, 2_000_000])
def test_a_number_of_epochs_that_is_refused_leaves_all_settings_alive(epochs):
    session = played(lambda s: s.step_epochs(3))
    with pytest.raises(BadInput, match="epochs"):
        session.set(epochs=epochs)
    assert session.setting == Setting()
    session.set(epochs=500)
    session.set(l2=0.1)
    assert (session.setting.epochs, session.setting.l2) == (500, 0.1)
    assert session.position.epoch == 3


# ---------------------------------------------------------------- for as long as it is true


@pytest.mark.parametrize(
    "act",
    [
        Session.rewind,
        Session.next,
        Session.back,
        Session.step_batch,
        Session.new_start,
        Session.pin,
        lambda s: s.set(l2=0.1),
        lambda s: s.set(epochs=400),
        lambda s: s.edit("W1[0,0]", "1"),
    ],
)
def test_what_was_said_goes_as_soon_as_one_goes_on_or_changes_something(act):
    session = played(Session.play, Session(Setting(epochs=20)))
    session.play()
    assert "20 epochs are behind" in session.message
    act(session)
    assert session.message == ""


def test_why_a_run_went_wrong_stays_while_one_looks_around_and_goes_with_rewind():
    setting = Setting(data="sine", activations=("relu",), optimizer="sgd:lr=5", scaled=False)
    session = played(Session.play, Session(setting))
    fields = Fields(session)
    fields.act(lambda: session.look(log=True))
    fields.act(session.choose_sample, 3)
    assert "diverged" in session.message
    session.rewind()
    assert session.message == ""


def test_what_was_refused_is_said_until_something_is_right():
    session = Session(PRESETS["iris"])
    fields = Fields(session)
    fields.act(lambda: session.set(batch=0))
    assert "rows an update" in session.message
    fields.act(lambda: session.set(batch=None))  # as it was
    assert session.message == ""
    fields.act(session.choose_sample, 1000)
    assert "sample 1001" in session.message
    fields.act(lambda: session.look(hard=True))
    assert session.message == ""


def test_what_is_set_as_it_was_is_shown_again_as_it_is():
    session = Session()
    heard: list[str] = []
    session.subscribe(heard.append)
    session.set(batch=None)  # typed as ALL
    assert "controls" in heard


# ---------------------------------------------------------------- what is gone


@pytest.mark.parametrize("epochs", [0, 1])
@pytest.mark.parametrize(
    "act",
    [
        lambda s: s.edit("W1[0,0]", "1"),
        lambda s: s.set(optimizer="sgd:lr=0.5"),
        lambda s: s.add_point((0.0, 0.0), 1),
    ],
)
def test_a_change_in_the_midst_of_an_epoch_says_that_it_counts_from_its_start(epochs, act):
    session = Session(Setting(batch=32))
    for _ in range(epochs):
        session.step_epochs()
    for _ in range(2):
        session.step_batch()
    assert there(session)[:2] == (epochs, 2)
    act(session)
    assert there(session)[:2] == (epochs, 0)
    assert f"from the start of epoch {epochs + 1}" in session.message
    assert "2 updates" in session.message
    act(session)  # now it is at the start
    assert session.message == ""


def test_a_loss_that_is_never_below_is_said_at_the_last_epoch():
    session = played(lambda s: s.until(0.0001), Session(Setting(epochs=50)))
    loss = session.timeline.curve()[-1]
    assert session.message == f"Epoch 50: the loss is {loss:.4g}, not below 0.0001."
    assert session.player.goal is None


def test_play_without_a_loss_to_come_to_ends_without_a_word():
    session = played(Session.play, Session(Setting(epochs=50)))
    assert session.message == ""


# ---------------------------------------------------------------- formulas in words


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        (Setting(), []),
        (Setting(l2=0.1), ["Penalty on weights: g ← g + l2·W."]),
        (
            Setting(l1=0.1, l2=0.1, clip=2.0),
            ["Penalty on weights: g ← g + l1·sign W + l2·W.", "Clipped: g ← g·min(1, 2/‖g‖)."],
        ),
    ],
)
def test_what_else_an_update_does_is_said_as_formulas(setting, told):
    assert beside(setting) == told


def test_formulas_have_a_minus_and_no_hyphen():
    assert structure(Session())["formulas"] == ["a = tanh z.", "a = 1/(1 + e^(−z))."]
