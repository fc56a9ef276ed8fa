"""Stellar templates compiled for the panels of detectors: coefficients side by side, and the vectors of each panel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sfhsim.synthesis.blocks import block_rows, pad_columns
from sfhsim.synthesis.detectors import Detectors
from sfhsim.synthesis.populations import Populations


@dataclass(frozen=True)
class CompiledTemplates:
    """Templates of the ages [first, stop) as coefficients of one basis a panel.

    ``coefficients`` (n_metallicity * n_age, sum of k or a little more) float32; ``vectors`` (k, n_column) float32 of
    each panel, in the order of the coefficients; ``error`` the rms relative error of the worst template's pixels.
    """

    first: int
    stop: int
    coefficients: np.ndarray
    vectors: dict[str, np.ndarray]
    error: float

    def mix(self, stars: Populations) -> dict[str, np.ndarray]:
        """Coefficients (n, k) of a batch for each panel, float32."""
        from sfhsim.kernels.mixing import mix

        out = block_rows(len(stars.mass), self.coefficients.shape[1])
        mix(stars.mass, stars.lower, stars.upper_share, self.first, self.stop, self.coefficients, out)
        return split(out[: len(stars.mass)], {name: len(vectors) for name, vectors in self.vectors.items()})


def split(coefficients: np.ndarray, sizes: dict[str, int], start: int = 0) -> dict[str, np.ndarray]:
    """Columns (n, size) of ``coefficients`` by name, side by side from ``start`` on."""
    parts = {}
    for name, size in sizes.items():
        parts[name] = coefficients[:, start : start + size]
        start += size
    return parts


def compile_templates(
    columns: dict[str, np.ndarray], detectors: Detectors, first: int, stop: int, tolerance: float
) -> CompiledTemplates:
    """Bases of the ages [first, stop) of ``columns`` (n_metallicity, n_age, n_column) of each panel."""
    bases = {}
    for name, panel in detectors.panels.items():
        part = columns[name][:, first:stop].reshape(-1, columns[name].shape[-1])
        bases[name] = panel.basis(part, panel.star_tolerance * tolerance, max(48, len(part) // 8))
    coefficients = np.concatenate([basis.coefficients for basis in bases.values()], axis=1)
    vectors = {name: np.ascontiguousarray(basis.vectors, dtype=np.float32) for name, basis in bases.items()}
    return CompiledTemplates(first, stop, pad_columns(coefficients), vectors, bases["pixels"].rms_error)
