"""Emission lines of star-forming galaxies from the tables of Levesque, Kewley & Larson (2010, AJ 139, 712).

    scaling "sfr":     L_line = k (1 - f_esc) <SFR>_10Myr  r_line(Z, q),    r relative to Halpha
    scaling "energy":  L_line = (1 - f_esc) L_ion  s_line(Z, q),            s relative to the sum of all lines

k: L(Halpha) for 1 Msun/yr, a choice with a source (``SFR_TO_HALPHA_LSUN``); f_esc: escape fraction; L_ion:
stellar luminosity below 911.75 A. The tables have 5 metallicities x 7 ionisation parameters q (cm/s) x 47
lines, interpolated linearly in log10 Z and log10 q, clipped to the table. Unless q is given it follows the
metallicity, q(Z) = 2.8e7 (Z / 0.012)^-1.3 cm/s (Orsi et al. 2014).

ProSpect 1.11 distributes the tables divided by wavelength: its Halpha/Hbeta is 2.12-2.25 and Lyman
alpha/Halpha up to 60, where the same tables in its manual, and case B, have 2.86 and 11. Multiplied back by
wavelength the hydrogen lines from 3750 A to 4 um agree with Storey & Hummer (1995) to 1.5% at Z >= 0.008.
``line_flux="energy"`` (default) does that; ``"prospect"`` keeps the distributed numbers, to compare with
ProSpect.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sfhsim.constants import LSUN_ERG_S
from sfhsim.elementary import log10, power
from sfhsim.errors import LibraryError, RecipeError
from sfhsim.interpolation import bracket

#: L(Halpha) in Lsun for 1 Msun/yr, by name.
SFR_TO_HALPHA_LSUN = {
    # Kennicutt (1998, ARA&A 36, 189): SFR = 7.9e-42 L(Halpha), Salpeter IMF.
    "kennicutt1998": 1.266e41 / LSUN_ERG_S,
    # Kennicutt & Evans (2012, ARA&A 50, 531): log SFR = log L(Halpha) - 41.27, Kroupa IMF.
    "kennicutt_evans2012": 1.862e41 / LSUN_ERG_S,
    # ProSpect's lumscale: Kennicutt (1998) divided by 1.53, a factor between IMFs that points the wrong way.
    "prospect": 21612724.0,
}
LINE_FLUX = ("energy", "prospect")
HALPHA_AA, HBETA_AA = 6562.8, 4861.32


def ionization_parameter(metallicity: np.ndarray | float) -> np.ndarray:
    """q(Z) = 2.8e7 (Z / 0.012)^-1.3 cm/s, same shape as ``metallicity``."""
    return 2.8e7 * power(np.asarray(metallicity, dtype=np.float64) / 0.012, -1.3)


@dataclass(frozen=True, eq=False)
class LKL10Lines:
    """The line tables; ``load_lkl10()`` makes it.

    Attributes
    ----------
    metallicity : (n_z,) mass fractions, increasing.
    ionization_q : (n_q,) cm/s, increasing.
    line_wave_aa : (n_lines,) increasing, air.
    line_names : (n_lines,) str
    per_halpha : (n_z, n_q, n_lines) L / L(Halpha).
    per_total : (n_z, n_q, n_lines) L / (sum of all lines).
    line_flux : "energy" or "prospect", see the top of the module.
    """

    metallicity: np.ndarray
    ionization_q: np.ndarray
    line_wave_aa: np.ndarray
    line_names: np.ndarray
    per_halpha: np.ndarray
    per_total: np.ndarray
    line_flux: str = "energy"

    @classmethod
    def from_distributed(cls, metallicity, ionization_q, line_wave_aa, line_names, per_halpha, line_flux):
        """From the numbers of ProSpect's ``LKL10_NormHalpha``, which are L / lambda relative to Halpha."""
        if line_flux not in LINE_FLUX:
            raise RecipeError(f"nebular line_flux must be one of {', '.join(LINE_FLUX)}, got {line_flux!r}")
        per_halpha = np.asarray(per_halpha, dtype=np.float64)
        if not (np.isfinite(per_halpha).all() and (per_halpha >= 0).all()):
            raise LibraryError("the LKL10 line table holds negative or missing values; install it again")
        if line_flux == "energy":
            per_halpha = per_halpha * (np.asarray(line_wave_aa) / HALPHA_AA)
        per_total = per_halpha / per_halpha.sum(axis=-1, keepdims=True)
        return cls(metallicity, ionization_q, line_wave_aa, line_names, per_halpha, per_total, line_flux)

    def is_clipped(self, metallicity: np.ndarray, ionization_q: np.ndarray | float | None = None) -> np.ndarray:
        """Whether each galaxy (n,) lies outside the table in Z or q; its lines are those of the border."""
        z, q = self._parameters(metallicity, ionization_q)
        outside_z = (z < self.metallicity[0]) | (z > self.metallicity[-1])
        return outside_z | (q < self.ionization_q[0]) | (q > self.ionization_q[-1])

    def line_luminosities(
        self,
        metallicity: np.ndarray,
        *,
        sfr_10myr: np.ndarray | None = None,
        ionizing_luminosity_lsun: np.ndarray | None = None,
        ionization_q: np.ndarray | float | None = None,
        escape_fraction: np.ndarray | float = 0.0,
        scaling: str = "sfr",
        sfr_to_halpha: str = "kennicutt1998",
    ) -> np.ndarray:
        """Luminosities of all lines.

        Parameters
        ----------
        metallicity : (n,) gas metallicity, mass fraction.
        sfr_10myr : (n,) Msun/yr, mean over the last 10 Myr; for ``scaling="sfr"``.
        ionizing_luminosity_lsun : (n,) Lsun below 911.75 A; for ``scaling="energy"``.
        ionization_q : scalar or (n,) cm/s, or None for q(Z).
        escape_fraction : scalar or (n,), in [0, 1].
        scaling : "sfr" or "energy"
        sfr_to_halpha : a key of ``SFR_TO_HALPHA_LSUN``.

        Returns
        -------
        (n, n_lines) Lsun at ``line_wave_aa``.

        Raises
        ------
        RecipeError
            Unknown option, missing scale, or a value out of its range.
        """
        z, q = self._parameters(metallicity, ionization_q)
        kept = 1.0 - np.asarray(escape_fraction, dtype=np.float64)
        if not ((kept >= 0) & (kept <= 1)).all():
            raise RecipeError("nebular escape_fraction must lie in [0, 1]")
        if scaling == "sfr":
            if sfr_to_halpha not in SFR_TO_HALPHA_LSUN:
                known = ", ".join(SFR_TO_HALPHA_LSUN)
                raise RecipeError(f"nebular sfr_to_halpha must be one of {known}, got {sfr_to_halpha!r}")
            scale = SFR_TO_HALPHA_LSUN[sfr_to_halpha] * _non_negative(sfr_10myr, "sfr_10myr", scaling)
            table = self.per_halpha
        elif scaling == "energy":
            scale = _non_negative(ionizing_luminosity_lsun, "ionizing_luminosity_lsun", scaling)
            table = self.per_total
        else:
            raise RecipeError(f"nebular scaling must be sfr or energy, got {scaling!r}")
        return self._interpolate(table, z, q) * (np.broadcast_to(scale * kept, z.shape))[:, None]

    def hbeta_luminosity(self, line_luminosity: np.ndarray) -> np.ndarray:
        """L(Hbeta) that the nebular continuum goes with, (n,) Lsun, from what ``line_luminosities`` gave.

        The Hbeta line itself; for ``line_flux="prospect"`` Halpha and the ratio of the two in energy.
        """
        if self.line_flux == "energy":
            return line_luminosity[:, self._index(HBETA_AA)].copy()
        return line_luminosity[:, self._index(HBETA_AA)] * (HBETA_AA / HALPHA_AA)

    def _index(self, wave_aa: float) -> int:
        return int(np.argmin(np.abs(self.line_wave_aa - wave_aa)))

    def _parameters(self, metallicity, ionization_q) -> tuple[np.ndarray, np.ndarray]:
        z = np.atleast_1d(np.asarray(metallicity, dtype=np.float64))
        q = np.ones(1) if ionization_q is None else np.asarray(ionization_q, dtype=np.float64)
        if not ((z > 0).all() and (q > 0).all()):
            raise RecipeError("nebular metallicity and ionization_q must be positive")
        if ionization_q is None:
            q = ionization_parameter(z)
        return z, np.broadcast_to(q, z.shape)

    def _interpolate(self, table, z, q) -> np.ndarray:
        i, fz = bracket(log10(self.metallicity), log10(z))
        j, fq = bracket(log10(self.ionization_q), log10(q))
        fz, fq = fz[:, None], fq[:, None]
        low = (1.0 - fq) * table[i, j] + fq * table[i, j + 1]
        high = (1.0 - fq) * table[i + 1, j] + fq * table[i + 1, j + 1]
        return (1.0 - fz) * low + fz * high


def _non_negative(value, name: str, scaling: str) -> np.ndarray:
    if value is None:
        raise RecipeError(f"nebular scaling {scaling!r} needs {name}")
    value = np.asarray(value, dtype=np.float64)
    if np.isnan(value).any() and scaling == "energy":
        raise RecipeError(
            "nebular scaling 'energy' needs a library that reaches below 911.75 A; use scaling 'sfr' or another library"
        )
    if not (np.isfinite(value) & (value >= 0)).all():
        raise RecipeError(f"{name} must be finite and not negative")
    return value
