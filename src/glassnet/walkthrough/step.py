"""One quantity of a trace."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np

from glassnet.core.errors import BadInput
from glassnet.core.formula import Array
from glassnet.core.network import Network
from glassnet.walkthrough import naming
from glassnet.walkthrough.expression import Expression

Part = Literal["given", "forward", "loss", "backward", "gradient", "update"]
Layout = Literal["rows", "columns"]
Names = Literal["math", "seed"]
Kind = Literal["data", "sample", "jacobian", "parameter", "number"]
"""data (n, k); sample (n,); jacobian (n, k, k); parameter, the shape of a W or b; number, ()."""


def check_shown(layout: str, names: str) -> None:
    """Whether a layout and a choice of names are known."""
    for what, got, known in (("layout", layout, Layout), ("names", names, Names)):
        if got not in get_args(known):
            wanted = f"{' or '.join(map(repr, get_args(known)))} is expected"
            raise BadInput(f"{what}={got!r}", wanted)


@dataclass(frozen=True, eq=False, repr=False)
class Step:
    """One quantity of the trace.

    name : as glassnet calls it, dL_dW2; `symbol`, `latex` and `seed_name` spell it for readers.
    words : one sentence.
    formula : made of its operands' names, with samples as rows; `columns` with samples as columns.
        None for what is given.
    operands : the names of the steps that it was made from.
    value : an array, or a number. In the layout of columns data are shown transposed.
    before : whether it belongs to the parameters from before the update, or after it.
    """

    name: str
    part: Part
    layer: int | None
    kind: Kind
    words: str
    formula: Expression | None
    columns: Expression | None
    value: Array
    net: Network = field(repr=False)
    update: int = 1

    def __repr__(self) -> str:
        return f"<{self.name}, {self.symbol}: shape {self.shape}, {self.when}>"

    def _repr_html_(self) -> str:
        from glassnet.walkthrough.html import of_step

        return of_step(self)

    @property
    def symbol(self) -> str:
        """∂L/∂W₂."""
        return naming.math(self.name)

    @property
    def latex(self) -> str:
        r"""\\frac{\\partial L}{\\partial W_{2}}."""
        return naming.latex(self.name)

    @property
    def seed_name(self) -> str:
        """error_wrt_weights_hidden_output."""
        return naming.seed(self.name, self.net)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the value, with samples as rows."""
        return np.shape(self.value)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the value."""
        return np.asarray(self.value).dtype

    @property
    def operands(self) -> tuple[str, ...]:
        """The names in its formula."""
        return tuple(self.formula.names()) if self.formula is not None else ()

    @property
    def when(self) -> str:
        """Before or after which update the number holds."""
        after = self.part == "update" and re.search(r"(^|_)(new|hat)_", self.name)
        return f"{'after' if after else 'before'} update {self.update}"

    def shown(self, layout: Layout = "rows") -> Array:
        """The value as the layout shows it: data transposed where samples are columns."""
        value = np.asarray(self.value)
        return value.T if layout == "columns" and self.kind == "data" else value

    def written(self, layout: Layout = "rows") -> Expression | None:
        """The formula in a layout."""
        return self.columns if layout == "columns" else self.formula
