"""The page as the server sends it: whatever a link may hold has a place in the fields."""

from collections.abc import Iterator

import pytest

from glassnet.core.network import Network
from glassnet.lab.panels.numbers import CELLS, written
from tests.lab.test_server import Lab, ended, started


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    one = started(tmp_path_factory.mktemp("page"), "server.serve(port=0)")
    yield one
    assert ended(one)[1] == ""


@pytest.mark.parametrize(
    "query",
    [
        "data=sine&loss=huber:delta=2",
        "data=sine&loss=squared",
        "data=sine&output=leakyrelu:alpha=0.2",
        "initializer=uniform:low=-1,high=1",
        "optimizer=adam:lr=0.01,beta1=0.5",
    ],
)
def test_constants_and_short_names_of_a_link_are_shown_in_their_fields(
    lab: Lab, query: str
) -> None:
    assert lab.get(f"/?{query}")[0] == 200


@pytest.mark.parametrize("sizes", [(2, 8, 1), (64, 128, 128, 10), (64, *[128] * 8, 10)])
def test_a_table_of_numbers_is_no_larger_than_a_page_can_show_at_once(
    sizes: tuple[int, ...],
) -> None:
    net = Network.mlp(*sizes)
    rows, columns = written(net)
    shown = [(min(one.n_in, rows), min(one.n_out, columns)) for one in net.layers]
    assert sum(m * n for m, n in shown) <= CELLS
    assert min(rows, columns) >= 8
