"""What simulated galaxies really are, beside what a model says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np


@dataclass(frozen=True, eq=False)
class Truth:
    """Of n galaxies; ``truth[rows]`` is that of some of them.

    Attributes
    ----------
    sample_id : (n,) of the records.
    mass_fraction : (n, n_age_bin) of the mass formed.
    log10_metallicity : (n, n_age_bin) log10 Z, no lower than `sfhmodel.description.LOG10_Z_FLOOR`.
    summaries : (n, n_summary)
    a_v_mag : (n,) attenuation of the stars at 5500 A.
    snr : (n,) median over the pixels used of flux / error of what was observed; infinite without noise.
    world : (n,) name of each galaxy's world, of a mixture; None without worlds.
    """

    sample_id: np.ndarray
    mass_fraction: np.ndarray
    log10_metallicity: np.ndarray
    summaries: np.ndarray
    a_v_mag: np.ndarray
    snr: np.ndarray
    world: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.sample_id)

    def __getitem__(self, rows) -> Truth:
        return Truth(**{name: values[rows] for name, values in self.arrays().items()})

    @staticmethod
    def joined(parts: Sequence[Truth]) -> Truth:
        """One after the other."""
        return Truth(**{name: np.concatenate([getattr(p, name) for p in parts]) for name in parts[0].arrays()})

    def arrays(self) -> dict[str, np.ndarray]:
        """Each that there is, by its name."""
        arrays = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: values for name, values in arrays.items() if values is not None}

    @cached_property
    def cumulative(self) -> np.ndarray:
        """(n, n_age_bin) share of the mass formed in this bin and all younger ones."""
        return cumulative(self.mass_fraction)


def cumulative(mass_fraction: np.ndarray) -> np.ndarray:
    """C_k = sum_{j <= k} m_j along the last axis, from the youngest bin to the oldest, in float64."""
    return np.cumsum(np.asarray(mass_fraction, dtype=np.float64), axis=-1)


def truth_of(batch, truth_names: Sequence[str], world_names: Sequence[str] = ()) -> Truth:
    """Of a `sfhmodel.data.RecordBatch`.

    Parameters
    ----------
    truth_names : of the columns of its ``truth``.
    world_names : of the worlds of a mixture, in the order of the truth ``world``; none without worlds.
    """
    from keras import ops

    from sfhmodel.targets import targets_from_truths

    targets, truth, names = targets_from_truths(batch.truths, truth_names), batch.truths["truth"], list(truth_names)
    if world_names:
        world = np.asarray(world_names)[np.asarray(truth)[:, names.index("world")].astype(int)]
    return Truth(
        sample_id=np.asarray(batch.sample_id),
        a_v_mag=np.asarray(truth)[:, names.index("a_v_mag")],
        snr=signal_to_noise(batch.inputs),
        world=world if world_names else None,
        **{name: ops.convert_to_numpy(values) for name, values in targets.items()},
    )


def signal_to_noise(inputs: dict[str, np.ndarray]) -> np.ndarray:
    """(n,) median of flux / error over the pixels used; infinite where no error is known."""
    flux, error = (np.asarray(inputs[name], dtype=np.float64) for name in ("flux", "flux_error"))
    used = (np.asarray(inputs["mask"]) > 0) & np.isfinite(flux) & (error > 0)
    ratio = np.divide(flux, error, out=np.full(flux.shape, np.nan), where=used)
    known = used.any(axis=1)
    snr = np.full(len(flux), np.inf)
    snr[known] = np.nanmedian(ratio[known], axis=1)
    return snr
