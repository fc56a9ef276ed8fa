"""Nebular emission compiled for a library: line luminosities and continuum vectors per unit of mass formed."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from sfhsim.errors import CoverageError
from sfhsim.libraries.ssp_library import SSPLibrary
from sfhsim.recipe.model import Nebular
from sfhsim.synthesis.basis import low_rank_basis
from sfhsim.synthesis.draws import Draws, ParameterPlan
from sfhsim.synthesis.populations import Populations


class NebularStage(Protocol):
    """What the simulator asks of a nebular model.

    ``line_wave_aa`` (n_line,) rest-frame, air; ``continuum_vectors`` (n_k, n_node) on ``continuum_wave_aa`` (n_node,).
    """

    line_wave_aa: np.ndarray
    continuum_wave_aa: np.ndarray
    continuum_vectors: np.ndarray

    def emission(self, draws: Draws, stars: Populations) -> tuple[np.ndarray, np.ndarray]:
        """Line luminosities (n, n_line) in Lsun and coefficients (n, n_k) of the continuum vectors, per Msun formed."""
        ...


def compile_nebular(recipe: Nebular, plan: ParameterPlan, library: SSPLibrary, tolerance: float) -> NebularStage | None:
    """The nebular stage that a recipe asks for, None for no emission."""
    if recipe.model == "cloudy":
        return CloudyStage(recipe, plan, library, tolerance)
    if recipe.model == "lkl10":
        return LKL10Stage(recipe, library)
    return None


class CloudyStage:
    """Cloudy tables per SSP, for the range of log U that the recipe draws."""

    def __init__(self, recipe: Nebular, plan: ParameterPlan, library: SSPLibrary, tolerance: float):
        from sfhsim.nebular.cloudy import load_cloudy

        model = load_cloudy()
        low, high = plan.bounds("nebular.log_u")
        first = int(model.log_u_bracket(low)[0][0])
        last = int(model.log_u_bracket(high)[0][0]) + 1
        self._model, self._first_node, self._last_node = model, first, last
        rate = model.photon_rate(library.metallicity, library.age_yr, library.ionizing_photon_rate)
        glowing = np.flatnonzero(rate.max(axis=0) > 0)
        self._stop_age = int(glowing[-1]) + 1 if glowing.size else 0
        ages = library.age_yr[: self._stop_age]
        arguments = (library.metallicity, ages, rate[:, : self._stop_age])
        nodes = model.log_u_nodes[first : last + 1]
        self.line_wave_aa = np.asarray(model.line_wave_aa, dtype=np.float64)
        self._lines = np.stack([model.ssp_lines(*arguments, u) for u in nodes]).astype(np.float32)
        self.continuum_wave_aa = np.asarray(model.continuum_wave_aa, dtype=np.float64)
        if recipe.continuum and self._stop_age:
            continuum = np.stack([model.ssp_continuum(*arguments, u) for u in nodes])
            basis = low_rank_basis(continuum.reshape(-1, continuum.shape[-1]), tolerance)
            self.continuum_vectors = basis.vectors
            self._continuum = basis.coefficients.reshape(*continuum.shape[:-1], -1).astype(np.float32)
        else:
            self.continuum_vectors = np.zeros((0, self.continuum_wave_aa.size))
            self._continuum = np.zeros((*self._lines.shape[:-1], 0), dtype=np.float32)

    def emission(self, draws: Draws, stars: Populations) -> tuple[np.ndarray, np.ndarray]:
        """See `NebularStage`."""
        from sfhsim.kernels.mixing import mix_between

        node, share = self._model.log_u_bracket(draws.values["nebular.log_u"])
        # the topmost table has none above it: count it as the full share of the pair below
        node = node - self._first_node
        kept = 1.0 - draws.values["nebular.escape_fraction"]
        results = []
        for tables in (self._lines, self._continuum):
            out = np.empty((len(draws), tables.shape[-1]), dtype=np.float32)
            arguments = (stars.mass, stars.lower, stars.upper_share, self._stop_age)
            mix_between(*arguments, node, share, tables, out)
            results.append(out * kept[:, None].astype(np.float32))
        return results[0], results[1]


class LKL10Stage:
    """Levesque, Kewley & Larson (2010) lines, with the recombination continuum of the same Hbeta."""

    def __init__(self, recipe: Nebular, library: SSPLibrary):
        from sfhsim.nebular import load_lkl10
        from sfhsim.nebular.continuum import load_continuum

        self._recipe = recipe
        self._table = load_lkl10(line_flux=recipe.line_flux)
        self.line_wave_aa = np.asarray(self._table.line_wave_aa, dtype=np.float64)
        self._ionizing = None
        if recipe.scaling == "energy":
            if np.isnan(library.ionizing_luminosity_lsun).all():
                raise CoverageError(
                    f"nebular.scaling energy needs light below 911.75 A, which library {library.name!r} does not "
                    "hold: use scaling: sfr, or a library that reaches there (bc03-miles, emiles-spliced)"
                )
            self._ionizing = np.nan_to_num(library.ionizing_luminosity_lsun)[..., None].astype(np.float32)
        continuum = load_continuum()
        self.continuum_wave_aa = continuum.wave_aa
        shape = continuum.per_hbeta(recipe.electron_temperature_k, recipe.electron_density_cm3)
        self.continuum_vectors = shape[None, :] if recipe.continuum else np.zeros((0, shape.size))

    def emission(self, draws: Draws, stars: Populations) -> tuple[np.ndarray, np.ndarray]:
        """See `NebularStage`; Z is that of the youngest stars."""
        recipe = self._recipe
        if self._ionizing is None:
            scale = {"sfr_10myr": stars.sfr_10myr, "sfr_to_halpha": recipe.sfr_to_halpha}
        else:
            scale = {"ionizing_luminosity_lsun": self._ionizing_luminosity(stars)}
        lines = self._table.line_luminosities(
            stars.metallicity[:, 0],
            scaling=recipe.scaling,
            ionization_q=draws.values.get("nebular.ionization_q_cm_s"),
            escape_fraction=draws.values["nebular.escape_fraction"],
            **scale,
        )
        if not len(self.continuum_vectors):
            return lines, np.zeros((len(draws), 0))
        return lines, self._table.hbeta_luminosity(lines)[:, None]

    def _ionizing_luminosity(self, stars: Populations) -> np.ndarray:
        from sfhsim.kernels.mixing import mix

        out = np.empty((len(stars.mass), 1), dtype=np.float32)
        mix(stars.mass, stars.lower, stars.upper_share, 0, stars.mass.shape[1], self._ionizing, out)
        return out[:, 0].astype(np.float64)
