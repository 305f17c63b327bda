"""Sparse samples, as an engine sees rows: their number, some of them, their products."""

from __future__ import annotations

from typing import Any

import numpy as np


class SparseRows:
    """X (n, n_in) in SciPy's compressed rows. Batches stay sparse, products are dense."""

    def __init__(self, matrix: Any) -> None:
        self.matrix = matrix

    @property
    def shape(self) -> tuple[int, int]:
        """(n, n_in)."""
        return self.matrix.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the numbers."""
        return self.matrix.dtype

    @property
    def T(self) -> Any:
        """(n_in, n), for `x.T @ dL_dz`."""
        return self.matrix.T

    def __len__(self) -> int:
        return self.matrix.shape[0]

    def __getitem__(self, rows: Any) -> SparseRows:
        return SparseRows(self.matrix[rows])

    def __matmul__(self, W: np.ndarray) -> np.ndarray:
        return np.asarray(self.matrix @ W)  # (n, n_out)


def as_rows(X: Any) -> Any:
    """X itself, or sparse rows where it is one of SciPy's sparse matrices."""
    return SparseRows(X.tocsr()) if hasattr(X, "tocsr") else X
