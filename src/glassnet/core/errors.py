"""Errors in one line: what was got, what was wanted, what to try."""

from __future__ import annotations


class GlassnetError(Exception):
    """Anything glassnet refuses, as one line: `got`, `wanted`. `hint`.

    >>> print(GlassnetError("X has 3 columns", "the network expects 5", "Did you pass X.T?"))
    X has 3 columns, the network expects 5. Did you pass X.T?
    """

    def __init__(self, got: str, wanted: str, hint: str = "") -> None:
        line = f"{got}, {wanted}." + (f" {hint}" if hint else "")
        super().__init__(" ".join(line.split()))
        self.got, self.wanted, self.hint = got, wanted, hint

    def __reduce__(self) -> tuple[type, tuple[str, str, str]]:
        # rebuilt from its three parts, so that an error crosses processes as it is
        return type(self), (self.got, self.wanted, self.hint)


class BadInput(GlassnetError, ValueError):
    """Data or an argument that no network can be computed from."""


class BadFile(GlassnetError):
    """A file that cannot be read as what it should be, or not be written."""
