"""Numbers that are not finite: made visible in the loss, traced to a batch, saved for a look at them.

A model ignores pixels whose flux is not finite, as it must for observed spectra; in training data they are a mistake.
`poisoned` makes the loss of such a batch NaN, so that one check, of the loss, finds every kind.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from sfhmodel.errors import TrainingError
from sfhmodel.training.files import whole_run_file

_MUST_BE_FINITE = ("flux", "mass_fraction", "metallicity", "truth")
_NAMED_ROWS = 5


def poisoned(inputs: dict, truths: dict) -> tuple[dict, dict]:
    """The batch, with NaN mass fractions where its flux is not finite; of NumPy arrays, or in the graph of tf.data."""
    xp: Any = np
    if not isinstance(inputs["flux"], np.ndarray):
        from keras import ops

        xp = ops
    good = xp.all(xp.isfinite(inputs["flux"]), axis=-1, keepdims=True)
    bad_is_nan = xp.where(good, xp.ones_like(truths["mass_fraction"][:, :1], dtype="float32"), float("nan"))
    return inputs, {**truths, "mass_fraction": truths["mass_fraction"] * bad_is_nan}


def checked(batches):
    """Batches in which a flux that is not finite shows in the loss; a tf.data.Dataset stays one."""
    return batches.map(poisoned) if hasattr(batches, "map") else _each_poisoned(batches)


def _each_poisoned(batches):
    for inputs, truths in batches:
        yield poisoned(inputs, truths)


def stop(path: Path, batch: tuple[dict, dict], where: str, epoch: int, step: int, last_good: str) -> TrainingError:
    """The error of a loss that is not finite, after saving the batch (of ``inputs`` and ``truths``, unpoisoned).

    Parameters
    ----------
    path : of the npz file: ``inputs/NAME``, ``truths/NAME``, ``epoch``, ``step``.
    where : what was computed, e.g. 'training'.
    epoch, step : of the batch, counted from 1.
    last_good : what the user can go on from.
    """
    arrays: dict[str, Any] = {
        f"{kind}/{name}": np.asarray(values)
        for kind, values_by_name in zip(("inputs", "truths"), batch, strict=True)
        for name, values in values_by_name.items()
    }
    with whole_run_file(path) as temporary:
        np.savez(temporary, epoch=epoch, step=step, **arrays)
    found = _findings(arrays)
    cause = (
        f"the batch holds numbers that are not finite: {found}; mend or remove these records "
        "(`sfhsim verify` says whether the data set is damaged)"
        if found
        else "the batch itself is finite, so the training diverged: lower learning_rate or clip_norm, or use float32"
    )
    return TrainingError(
        f"the {where} loss is not finite in epoch {epoch}, step {step}; the batch is saved in {path}; {cause}. "
        f"{last_good}"
    )


def _findings(arrays: dict[str, np.ndarray]) -> str:
    """Which arrays hold what must not be, and in which rows."""
    parts = []
    for name, values in arrays.items():
        if name.split("/")[1] not in _MUST_BE_FINITE:
            continue
        rows = np.flatnonzero(~np.isfinite(values.reshape(len(values), -1)).all(axis=1))
        if rows.size:
            more = " ..." if rows.size > _NAMED_ROWS else ""
            parts.append(f"{name} in row {', '.join(map(str, rows[:_NAMED_ROWS]))}{more}")
    return "; ".join(parts)
