"""Ids of samples: which can be asked for, and which world of a mixture each is of."""

from __future__ import annotations

import numpy as np

from sfhsim.errors import RecipeError
from sfhsim.recipe.worlds import Mixture

STREAM_WORLD = 1 << 16  # beyond those of `sfhsim.synthesis.draws`


def checked_ids(sample_ids) -> np.ndarray:
    """Ids (n,) of samples as an array of integers; RecipeError unless they are integers from 0, at least one."""
    ids = np.atleast_1d(np.asarray(sample_ids))
    if ids.ndim != 1 or not ids.size or not np.issubdtype(ids.dtype, np.integer) or ids.min() < 0:
        raise RecipeError(f"sample ids are one or more integers from 0 on, not {sample_ids!r}")
    return ids


def world_index(mixture: Mixture, sample_ids, seed: int) -> np.ndarray:
    """(n,) which world of a mixture each of the samples with these ids (n,) is of."""
    from sfhsim.kernels.random import fill_uniform

    ids = np.ascontiguousarray(checked_ids(sample_ids), dtype=np.uint64)
    uniform = np.empty((ids.size, 1))
    fill_uniform(np.uint64(seed), ids, STREAM_WORLD, uniform)
    return np.searchsorted(mixture.share_edges[:-1], uniform[:, 0], side="right")
