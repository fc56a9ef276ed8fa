"""Libraries that nobody made but somebody could have: between those of several makers, and a little beyond.

    L'(Z, t, lambda) = L(Z, t, lambda) exp[ a sum_d w_d(Z, t) ln R_d(Z, t, lambda) + s(Z, t, lambda) ]

L is the base and R_d = L_d / L what donor d makes of the same template, light per Msun formed included; w_d are the
donors' shares, 0 to 1, smooth random functions of log Z and log t (a softmax with the base as one more member); a is
drawn from 0.5 to 1.5 unless told otherwise, so that some go beyond what any maker did; s are smooth random waves of the
continuum, of the size of the differences between makers (`python -m benchmarks.libraries`). A network that learns from
many of them learns what libraries agree on.

Ratios are taken at one resolution, 4.5 A, so that what is narrower stays the base's. Beyond a donor's wavelengths its
ratio continues at the value of its last 200 A; beyond its Z and ages with those of its last ones, at ages below its
first with a shape that fades over a factor of ten.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sfhsim import elementary
from sfhsim.errors import LibraryError
from sfhsim.libraries.broadened import broadened
from sfhsim.libraries.interpolation import at_templates
from sfhsim.libraries.ssp_library import SSPLibrary
from sfhsim.names import check_name

FWHM_AA = 4.5  # MaStar's largest below 7000 A is 3.7 A
STEP_AA = 2.0
RANGE_AA = (3500.0, 9900.0)  # where ratios are taken; the resolution of the known libraries is that of MILES or near
CONTINUUM_RMS = 0.012
REACH = (0.5, 1.5)
_MARGIN_AA = 30.0
_EDGE_AA = 200.0
_CONCENTRATION = 1.5  # of the logits of shares: most worlds are near some maker, few in the middle
_NODES_DEX = 0.7  # of log Z and log t
_WAVE_NODES = 0.08  # of ln lambda: 400 A at 5000 A
_FADE_DEX = 1.0
_MOST_LOG_RATIO = 0.7  # a factor of two: beyond are templates that one of the two should not have


class Variations:
    """Many random libraries between ``base`` and ``donors``, which are compared once.

    Parameters
    ----------
    base : SSPLibrary
    donors : one or more; they may cover less.

    Raises
    ------
    LibraryError
        Without donors, or with one that covers less than 500 A of 3500-9900 A or has no age of the base's.
    """

    def __init__(self, base: SSPLibrary, donors: Sequence[SSPLibrary]):
        if not donors:
            raise LibraryError(f"name at least one donor, a library to vary '{base.name}' towards")
        self.base, self.donors = base, tuple(donors)
        self._compared = [_compared(base, donor) for donor in donors]

    def library(
        self, seed: int, *, name: str, continuum_rms: float = CONTINUUM_RMS, reach: tuple[float, float] = REACH
    ) -> SSPLibrary:
        """One of them; see `varied`."""
        _check_numbers(seed, name, continuum_rms, reach)
        base, donors = self.base, self.donors
        towards = ", ".join(donor.name for donor in donors)
        random = _SmoothRandom(base, seed)
        exponent = np.zeros(base.shape)
        for compared, share in zip(self._compared, _shares(random, len(donors), reach), strict=True):
            exponent += share[..., None] * compared.log_ratio(base)
        if continuum_rms > 0:
            exponent += continuum_rms * random.waves()
        return base.replace(
            name=name,
            flux=(np.asarray(base.flux, dtype=np.float64) * elementary.exp(exponent)).astype(np.float32),
            valid_range_aa=base.valid_range_aa,
            ionizing_photon_rate=base.ionizing_photon_rate,
            ionizing_luminosity_lsun=base.ionizing_luminosity_lsun,
            source=f"{base.name} [{base.source}] varied towards {towards}",
            licence="; ".join(dict.fromkeys([base.licence, *(donor.licence for donor in donors)])),
            citation="; ".join(dict.fromkeys([base.citation, *(donor.citation for donor in donors)])),
            notes=f"Not a maker's library: {base.name} between {towards}, seed {seed}.",
        )


def varied(
    base: SSPLibrary,
    donors: Sequence[SSPLibrary],
    seed: int,
    *,
    name: str,
    continuum_rms: float = CONTINUUM_RMS,
    reach: tuple[float, float] = REACH,
) -> SSPLibrary:
    """One random library between ``base`` and ``donors``, on the base's wavelengths, ages and metallicities.

    Of many, `Variations` makes the same in less time.

    Parameters
    ----------
    base : SSPLibrary
    donors : one or more; they may cover less.
    seed : of the random numbers, an integer from 0.
    name : what to call it.
    continuum_rms : of the logarithm of the smooth waves; 0 for none.
    reach : (low, high) of a, uniform; 1 ends where the donors are.

    Returns
    -------
    SSPLibrary
        Its ionising output is the base's.

    Raises
    ------
    LibraryError
        Without donors, with one that covers less than 500 A of 3500-9900 A or has no age of the base's, or with
        impossible numbers.
    """
    _check_numbers(seed, name, continuum_rms, reach)  # before libraries are compared
    return Variations(base, donors).library(seed, name=name, continuum_rms=continuum_rms, reach=reach)


def _check_numbers(seed: int, name: str, continuum_rms: float, reach: tuple[float, float]) -> None:
    check_name(name, "the library name", LibraryError)
    if not 0 <= continuum_rms < 0.5:
        raise LibraryError(f"{name}: continuum_rms {continuum_rms:g} must be from 0 to 0.5: it is an rms of ln flux")
    if not 0 <= reach[0] <= reach[1] <= 5:
        raise LibraryError(f"{name}: reach {reach} must be (low, high) from 0 to 5, times what donors differ by")
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**63:
        raise LibraryError(f"{name}: the seed must be an integer from 0 to 2^63 - 1, not {seed!r}")


def _shares(random: _SmoothRandom, n_donor: int, reach: tuple[float, float]) -> list[np.ndarray]:
    """(n_z, n_age) exponent of each donor."""
    logits = [_CONCENTRATION * (random.normal() + 0.5 * random.surface()) for _ in range(n_donor + 1)]
    powers = elementary.exp(np.stack(logits))
    size = reach[0] + (reach[1] - reach[0]) * random.uniform()
    return list(size * powers[1:] / powers.sum(axis=0))


@dataclass(frozen=True)
class _Compared:
    """ln of donor over base at ``wave_aa`` (m,), (n_z, n_age, m), and what it is beyond both ends (n_z, n_age)."""

    wave_aa: np.ndarray
    inside: np.ndarray
    ends: tuple[np.ndarray, np.ndarray]

    def log_ratio(self, base: SSPLibrary) -> np.ndarray:
        """(n_z, n_age, n_wave) on the base's wavelengths."""
        out = np.empty(base.shape)
        for z, age in np.ndindex(base.shape[:2]):
            left, right = (float(end[z, age]) for end in self.ends)
            out[z, age] = np.interp(base.wave_aa, self.wave_aa, self.inside[z, age], left=left, right=right)
        return out


def _compared(base: SSPLibrary, donor: SSPLibrary) -> _Compared:
    """A donor against the base."""
    low = max(RANGE_AA[0], donor.wave_aa[0] + _MARGIN_AA, base.wave_aa[0] + _MARGIN_AA)
    high = min(RANGE_AA[1], donor.wave_aa[-1] - _MARGIN_AA, base.wave_aa[-1] - _MARGIN_AA)
    if high - low < 500.0:
        raise LibraryError(
            f"'{donor.name}' and '{base.name}' share no 500 A of {RANGE_AA[0]:g}-{RANGE_AA[1]:g} A to compare: the "
            f"donor covers {donor.wave_aa[0]:g}-{donor.wave_aa[-1]:g} A"
        )
    first, last = donor.age_yr[0], donor.age_yr[-1]
    if base.age_yr[-1] < first or base.age_yr[0] > last:
        raise LibraryError(
            f"'{donor.name}' has no age of '{base.name}': {first:.3g} to {last:.3g} yr, against "
            f"{base.age_yr[0]:.3g} to {base.age_yr[-1]:.3g} yr"
        )
    wave_aa = np.arange(low, high, STEP_AA)
    own, theirs = (np.asarray(broadened(one, FWHM_AA, wave_aa).flux, dtype=np.float64) for one in (base, donor))
    # where both are lit: the donor between its own ages, the base at the ages that are compared
    age_yr = np.clip(base.age_yr, first, last)
    wanted = base.metallicity, age_yr
    ratio = at_templates(donor.metallicity, donor.age_yr, theirs, *wanted)
    ratio /= at_templates(base.metallicity, base.age_yr, own, *wanted)
    if not (np.isfinite(ratio).all() and (ratio > 0).all()):
        raise LibraryError(f"'{donor.name}' or '{base.name}' has no light somewhere in {low:g}-{high:g} A")
    log_ratio = np.clip(elementary.log(ratio), -_MOST_LOG_RATIO, _MOST_LOG_RATIO)
    level = log_ratio.mean(axis=-1, keepdims=True)
    fade = 1.0 - np.clip((np.log10(first) - np.log10(base.age_yr)) / _FADE_DEX, 0.0, 1.0)
    log_ratio = level + fade[:, None] * (log_ratio - level)
    edge = round(_EDGE_AA / STEP_AA)
    ends = log_ratio[..., :edge].mean(axis=-1), log_ratio[..., -edge:].mean(axis=-1)
    return _Compared(wave_aa, log_ratio, ends)


class _SmoothRandom:
    """Random numbers and smooth random functions of a library's axes, one after the other from one seed."""

    def __init__(self, base: SSPLibrary, seed: int):
        self._base, self._seed, self._count = base, seed, 0
        self._z = _hats(np.log10(base.metallicity), _NODES_DEX)
        self._age = _hats(np.log10(base.age_yr), _NODES_DEX)

    def normals(self, size: int) -> np.ndarray:
        """(size,) standard normal deviates."""
        from sfhsim.kernels.random import fill_normal

        out = np.empty((1, size), dtype=np.float32)
        fill_normal(np.uint64(self._seed), np.array([self._count], dtype=np.uint64), np.uint32(0), out)
        self._count += 1
        return out[0].astype(np.float64)

    def normal(self) -> float:
        """A standard normal deviate."""
        return float(self.normals(1)[0])

    def uniform(self) -> float:
        """Between 0 and 1."""
        from sfhsim.kernels.random import fill_uniform

        out = np.empty((1, 1))
        fill_uniform(np.uint64(self._seed), np.array([self._count], dtype=np.uint64), np.uint32(1), out)
        self._count += 1
        return float(out[0, 0])

    def surface(self) -> np.ndarray:
        """(n_z, n_age), normal at its nodes and linear between them."""
        nodes = self.normals(self._z.shape[1] * self._age.shape[1]).reshape(self._z.shape[1], -1)
        return np.einsum("zi,ij,aj->za", self._z, nodes, self._age, optimize=False)

    def waves(self) -> np.ndarray:
        """(n_z, n_age, n_wave) of rms 1 at the nodes, which are 400 A apart at 5000 A."""
        wave = _hats(elementary.log(self._base.wave_aa), _WAVE_NODES)
        shape = self._z.shape[1], self._age.shape[1], wave.shape[1]
        nodes = self.normals(int(np.prod(shape))).reshape(shape)
        nodes -= nodes.mean(axis=-1, keepdims=True)  # light per Msun is the donors' business
        coarse = np.einsum("zi,aj,ijk->zak", self._z, self._age, nodes, optimize=False)
        out = np.zeros((*coarse.shape[:2], wave.shape[0]))
        for k in range(wave.shape[1]):
            lit = np.flatnonzero(wave[:, k])
            out[..., lit] += coarse[..., k : k + 1] * wave[lit, k]
        return out


def _hats(x: np.ndarray, step: float) -> np.ndarray:
    """(n, n_node) weights of a linear interpolation between nodes ``step`` apart that span ``x``."""
    nodes = x[0] + step * np.arange(int(np.ceil((x[-1] - x[0]) / step)) + 1)
    return np.maximum(1.0 - np.abs(x[:, None] - nodes) / step, 0.0)
