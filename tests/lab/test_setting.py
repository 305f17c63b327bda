"""Settings: what a link says, and what is refused."""

from dataclasses import replace

import pytest

from glassnet.core.errors import BadInput
from glassnet.lab.setting import PRESETS, SETS, Change, Setting, rates, read

SETTINGS = [
    *PRESETS.values(),
    Setting(n=500, noise=0.3, data_seed=7, held=0.5, scaled=False),
    Setting(hidden=(), activations=()),
    Setting(hidden=(4, 3, 2), activations=("relu", "leakyrelu:alpha=0.2", "gelu")),
    Setting(optimizer="adam:lr=cosine(lr=0.01,steps=2000)", batch=32, reduction="sum", l1=1e-3),
    Setting(initializer="uniform:low=0,high=1", seed=3, start=2, bias=False),
    Setting(hidden=(4, 3), activations=("tanh",) * 2, clip=1 / 3, dropout=(0.5, 0.1)),
    Setting(clip=2.0, dropout=0.25, l2=0.01),
    Setting(points=(("add", 0.1, -0.25, 1.0), ("move", 3, 0.5, 1e-17), ("delete", 0))),
]


@pytest.mark.parametrize("setting", SETTINGS, ids=range(len(SETTINGS)))
def test_a_link_brings_the_same_setting_back(setting):
    assert Setting.of_query(setting.query()) == setting


@pytest.mark.parametrize("data", SETS)
def test_a_presets_link_is_its_name_alone(data):
    assert PRESETS[data].query() == ("" if data == "moons" else f"data={data}")


def test_what_a_link_does_not_say_stands_as_in_the_preset_of_its_set():
    found = Setting.of_query("data=spiral&seed=5&who=knows")
    assert found == replace(PRESETS["spiral"], seed=5)


def test_layers_without_activations_take_tanh():
    assert Setting.of_query("hidden=3-2").activations == ("tanh", "tanh")


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("data=stars", "data='stars'"),
        ("n=1e9", "whole number"),
        ("n=1000000000", "0"),
        ("hidden=1000", "neurons in a layer"),
        ("hidden=0", "neurons in a layer"),
        ("hidden=-3", "whole number"),
        ("noise=nan", "a number"),
        ("noise=-1", "noise"),
        ("held=1", "validation share"),
        ("scaled=yes", "0 or 1"),
        ("optimizer=lbfgs", "L-BFGS"),
        ("optimizer=magic", "magic"),
        ("activations=sigmoid|tanh", "2 activations for 1"),
        ("reduction=median", "reduction"),
        ("epochs=99999999999", "epochs"),
        ("points=add", "points"),
        ("points=burn,1", "points"),
        ("seed=-1", "seed"),
        ("clip=0", "clip 0, a number above 0"),
        ("clip=-1", "clip -1"),
        ("clip=inf", "clip='inf', a number"),
        ("clip=all", "clip='all', a number"),
        ("dropout=1", "dropout 1, a share from 0 to below 1"),
        ("dropout=-0.1", "dropout -0.1"),
        ("dropout=0.1,nan", "dropout='nan'"),
        ("dropout=", "dropout=''"),
        ("dropout=0.5,0.2", "2 rates of dropout, hidden layers: 1, one for all"),
    ],
)
def test_a_bad_link_is_refused_in_one_line(query, told):
    with pytest.raises(BadInput, match=told) as refused:
        Setting.of_query(query)
    assert "\n" not in str(refused.value)


def test_another_set_brings_its_own_network_unless_one_was_chosen():
    assert Setting().with_data("spiral") == PRESETS["spiral"]
    chosen = Setting(hidden=(5,)).with_data("spiral")
    assert (chosen.hidden, chosen.activations) == ((5,), ("tanh",))
    assert chosen.optimizer == PRESETS["spiral"].optimizer
    kept = Setting(optimizer="adam:lr=0.5").with_data("xor")
    assert (kept.optimizer, kept.hidden) == ("adam:lr=0.5", (3,))


def test_rates_of_layers_that_are_gone_go_with_them():
    two = Setting(hidden=(8, 8), activations=("tanh",) * 2, dropout=(0.5, 0.2))
    assert replace(two, data="spiral").with_data("moons").dropout == 0.0
    assert two.with_data("spiral").dropout == (0.5, 0.2)
    assert Setting(dropout=0.3).with_data("spiral").dropout == 0.3


def test_layers_come_and_go_with_their_rates_of_dropout():
    three = Setting(hidden=(8, 1, 4), activations=("tanh", "relu", "gelu"), dropout=(0.5, 0.2, 0.0))
    assert three.resized(0, 2).hidden == (10, 1, 4)
    assert three.resized(0, 2).dropout == three.dropout
    two = three.resized(1, -1)
    assert (two.hidden, two.activations, two.dropout) == ((8, 4), ("tanh", "gelu"), (0.5, 0.0))
    one = two.resized(1, -4)
    assert (one.hidden, one.activations, one.dropout) == ((8,), ("tanh",), 0.5)
    none = one.resized(0, -8)
    assert (none.hidden, none.activations, none.dropout) == ((), (), 0.5)
    four = three.deeper()
    assert (four.hidden[3], four.activations[3], four.dropout) == (4, "gelu", (0.5, 0.2, 0.0, 0.0))
    assert (none.deeper().hidden, none.deeper().activations) == ((4,), ("tanh",))
    with pytest.raises(BadInput, match="129 neurons in a layer"):
        Setting(hidden=(128,)).resized(0, 1)


def test_one_rate_is_for_all_layers():
    assert rates([0.5]) == rates((0.5,)) == 0.5
    assert rates([0.5, 0.0]) == (0.5, 0.0)
    assert rates([]) == 0.0


@pytest.mark.parametrize(
    "change",
    [
        Change(120, (("optimizer", "sgd:lr=0.3"), ("batch", None), ("l2", 0.5)), ()),
        Change(3, (("clip", 0.1), ("dropout", (0.5, 0.25)))),
        Change(4, (("clip", None), ("dropout", 0.0))),
        Change(0, (), (("W1[0,2]", -1 / 3), ("b2[0]", 1e-15))),
        Change(7, (), (), (("delete", 3), ("add", 1.0, 2.0, 0.0))),
        Change(7, (("l1", 0.5),), (("b2[0]", 1e-15),), (("move", 3, 1.0, 2.0),)),
    ],
)
def test_a_change_is_text_and_back_to_the_last_bit(change):
    assert Change.of_text(change.text()) == change


@pytest.mark.parametrize("text", ["x", "3~data=xor", "3~W1[0,0]=inf", "3~optimizer", "3~batch=few"])
def test_a_bad_change_is_refused(text):
    with pytest.raises(BadInput):
        Change.of_text(text)


def test_typed_text_is_read_as_in_links():
    assert read("batch", "all") is None
    assert read("hidden", "") == ()
