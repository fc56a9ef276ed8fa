"""Galaxies of which a part of the range is seen, for models that were trained on parts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from sfhmodel.description import MIN_COVERAGE, ModelDescription
from sfhmodel.errors import InputError

_WHOLE_EVERY = 3
_SEED = 5


def shortest_part(augmentation: dict[str, Any] | bool | None) -> float | None:
    """The least share of the pixels that an augmentation leaves by ``partial_coverage``; None where it has none."""
    if not isinstance(augmentation, dict):
        return None
    return (augmentation.get("partial_coverage") or {}).get("shortest")


def min_coverage(augmentation: dict[str, Any] | bool | None) -> float:
    """Least share of the pixels that the answers of a model are good for, trained with this augmentation."""
    return min(shortest_part(augmentation) or MIN_COVERAGE, MIN_COVERAGE)


def part_of(description: ModelDescription) -> float | None:
    """The least share of the pixels that a model was trained to see; None where it was trained on whole spectra."""
    return description.min_coverage if description.min_coverage < MIN_COVERAGE else None


def in_part(batches: Iterable[tuple[dict, Any]], shortest: float | None) -> Iterator[tuple[dict, Any]]:
    """Batches (inputs, truths), two in three galaxies through a window of at least this share of the pixels.

    Uncertainties that are set on them hold there, too. None: the batches as they are.
    """
    if shortest is None:
        yield from batches
        return
    random = np.random.default_rng(_SEED)
    for inputs, truths in batches:
        mask = np.array(inputs["mask"], dtype=np.float32)
        n, n_pixel = mask.shape
        share = np.where(np.arange(n) % _WHOLE_EVERY == 0, 1.0, random.uniform(shortest, 1.0, n))
        length = np.ceil(share * n_pixel)
        first = np.floor(random.uniform(0.0, 1.0, n) * (n_pixel - length + 1))
        pixel = np.arange(n_pixel)
        seen = (pixel >= first[:, None]) & (pixel < (first + length)[:, None])
        yield {**inputs, "mask": mask * seen}, truths


def between(
    batches: Iterable[tuple[dict, Any]], wave_aa: np.ndarray, low_aa: float, high_aa: float
) -> Iterator[tuple[dict, Any]]:
    """Batches (inputs, truths) of which only wavelengths from ``low_aa`` to ``high_aa`` are seen.

    Raises
    ------
    InputError
        There are no pixels (n_pixel,) ``wave_aa`` between.
    """
    seen = (np.asarray(wave_aa) >= low_aa) & (np.asarray(wave_aa) <= high_aa)
    if not seen.any():
        raise InputError(f"no pixels from {low_aa:g} to {high_aa:g} A: the grid is {wave_aa[0]:g}-{wave_aa[-1]:g} A")
    for inputs, truths in batches:
        yield {**inputs, "mask": np.asarray(inputs["mask"], dtype=np.float32) * seen}, truths
