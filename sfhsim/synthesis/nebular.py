"""Nebular emission compiled for a library: line luminosities and continuum vectors per unit of mass formed."""

from __future__ import annotations

import hashlib
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

    def keep_lines(self, index: np.ndarray) -> None:
        """From now on give only these lines: the others reach no instrument."""
        ...

    def checksum(self) -> str:
        """sha256 of the tables that the emission comes from."""
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
        if recipe.continuum and self._stop_age and tolerance <= 0:
            self.continuum_vectors = np.eye(self.continuum_wave_aa.size)
            self._continuum = np.stack([model.ssp_continuum(*arguments, u) for u in nodes]).astype(np.float32)
        elif recipe.continuum and self._stop_age:
            table = np.asarray(model.continuum_relative, dtype=np.float64) * model.continuum_scale
            basis = low_rank_basis(table.reshape(-1, table.shape[-1]), tolerance, first_size=40)
            factors = basis.coefficients.reshape(*table.shape[:-1], -1)
            self.continuum_vectors = basis.vectors
            self._continuum = np.stack([model.per_ssp(factors, *arguments, u) for u in nodes]).astype(np.float32)
        else:
            self.continuum_vectors = np.zeros((0, self.continuum_wave_aa.size))
            self._continuum = np.zeros((*self._lines.shape[:-1], 0), dtype=np.float32)
        self._stack()

    def emission(self, draws: Draws, stars: Populations) -> tuple[np.ndarray, np.ndarray]:
        """See `NebularStage`."""
        from sfhsim.kernels.mixing import mix_between
        from sfhsim.synthesis.light import block_rows

        node, share = self._model.log_u_bracket(draws.values["nebular.log_u"])
        out = block_rows(len(draws), self._table.shape[1])
        arguments = (stars.mass, stars.lower, stars.upper_share, self._stop_age)
        mix_between(*arguments, node - self._first_node, share, self._n_row, self._table, out)
        emitted = out[: len(draws)] * (1.0 - draws.values["nebular.escape_fraction"])[:, None].astype(np.float32)
        return emitted[:, : self.line_wave_aa.size], emitted[:, self.line_wave_aa.size :]

    def keep_lines(self, index: np.ndarray) -> None:
        """See `NebularStage`."""
        self.line_wave_aa = self.line_wave_aa[index]
        self._lines = self._lines[..., index]
        self._stack()

    def checksum(self) -> str:
        """See `NebularStage`."""
        return _sha256(self._model.line_erg_per_photon, self._model.continuum_relative, self._model.continuum_scale)

    def _stack(self) -> None:
        """Lines and continuum side by side, the tables of the log U nodes one below the other."""
        table = np.concatenate([self._lines, self._continuum], axis=-1)
        self._n_row = table.shape[1] * table.shape[2]
        self._table = np.ascontiguousarray(table.reshape(-1, table.shape[-1]))


class LKL10Stage:
    """Levesque, Kewley & Larson (2010) lines, with the recombination continuum of the same Hbeta."""

    def __init__(self, recipe: Nebular, library: SSPLibrary):
        from sfhsim.nebular import load_lkl10
        from sfhsim.nebular.continuum import load_continuum

        self._recipe = recipe
        self._table = load_lkl10(line_flux=recipe.line_flux)
        self.line_wave_aa = np.asarray(self._table.line_wave_aa, dtype=np.float64)
        self._kept = np.arange(self.line_wave_aa.size)
        self._ionizing = None
        if recipe.scaling == "energy":
            if np.isnan(library.ionizing_luminosity_lsun).all():
                raise CoverageError(
                    f"nebular.scaling energy needs light below 911.75 A, which library {library.name!r} does not "
                    "hold: use scaling: sfr, or a library that reaches there (bc03-miles, emiles-spliced)"
                )
            self._ionizing = np.nan_to_num(library.ionizing_luminosity_lsun).reshape(-1, 1).astype(np.float32)
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
            return lines[:, self._kept], np.zeros((len(draws), 0))
        return lines[:, self._kept], self._table.hbeta_luminosity(lines)[:, None]

    def keep_lines(self, index: np.ndarray) -> None:
        """See `NebularStage`."""
        self.line_wave_aa = self.line_wave_aa[index]
        self._kept = self._kept[index]

    def checksum(self) -> str:
        """See `NebularStage`."""
        return _sha256(self._table.per_halpha, self._table.per_total, self.continuum_vectors)

    def _ionizing_luminosity(self, stars: Populations) -> np.ndarray:
        from sfhsim.kernels.mixing import mix
        from sfhsim.synthesis.light import block_rows

        out = block_rows(len(stars.mass), 1)
        mix(stars.mass, stars.lower, stars.upper_share, 0, stars.mass.shape[1], self._ionizing, out)
        return out[: len(stars.mass), 0].astype(np.float64)


def _sha256(*arrays: np.ndarray) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array))
    return digest.hexdigest()
