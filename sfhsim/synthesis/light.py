"""Attenuated light of galaxies at the columns that the instruments need, per Msun formed.

    light = T_screen [old stars + T_birth (young stars + nebular continuum)]

Columns are rest-frame wavelengths: those of the spectrograph, those of the photometer, and one band at 5500 A that
measures A_V. Stars are mixed from a low-rank basis of the library's templates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sfhsim.dust import TwoComponentDust
from sfhsim.instrument import rebin_operator
from sfhsim.libraries.ssp_library import SSPLibrary
from sfhsim.recipe.model import Recipe
from sfhsim.synthesis.basis import low_rank_basis
from sfhsim.synthesis.draws import Draws, ParameterPlan
from sfhsim.synthesis.nebular import compile_nebular
from sfhsim.synthesis.populations import Populations
from sfhsim.synthesis.products import padded, row_product

REFERENCE_BAND_AA = (5450.0, 5550.0)


@dataclass(frozen=True)
class Light:
    """Rest-frame light of n galaxies, Lsun/Angstrom (lines: Lsun) per Msun formed.

    Attributes
    ----------
    pixels : (n, n_pixel_column) attenuated, at the spectrograph's columns.
    bands : (n, n_band_column) attenuated, at the photometer's columns.
    lines : (n, n_line) attenuated, or None without nebular emission.
    a_v_mag : (n,) attenuation of the stars at 5500 A.
    """

    pixels: np.ndarray
    bands: np.ndarray
    lines: np.ndarray | None
    a_v_mag: np.ndarray


class LightModel:
    """Compiled from a recipe, a library and the instruments.

    Attributes
    ----------
    rank : size of the template basis.
    basis_error : rms relative error of the worst template in it.
    n_young : ages that are inside their birth clouds.
    nebular : the nebular stage, or None.
    """

    def __init__(
        self,
        recipe: Recipe,
        plan: ParameterPlan,
        library: SSPLibrary,
        spectrograph,
        photometer,
        tolerance: float,
    ):
        self._library, self._instruments = library, (spectrograph, photometer)
        self._reference = rebin_operator(library.wave_aa, np.array(REFERENCE_BAND_AA))
        n_pixel, n_band = spectrograph.column_wave_aa.size, photometer.column_wave_aa.size
        self._pixels, self._bands = slice(0, n_pixel), slice(n_pixel, n_pixel + n_band)
        self._wave_aa = np.concatenate(
            [spectrograph.column_wave_aa, photometer.column_wave_aa, [np.mean(REFERENCE_BAND_AA)]]
        )
        self._dust = DustStage(recipe)
        young = np.flatnonzero(library.age_yr <= recipe.dust.birth_cloud_age_myr * 1e6)
        # a library without stars that young keeps its youngest in the clouds
        self.n_young = int(young[-1]) + 1 if young.size else 1
        self._compile_templates(tolerance)
        self.nebular = compile_nebular(recipe.nebular, plan, library, tolerance)
        self._compile_nebular_continuum()

    def evaluate(self, draws: Draws, stars: Populations) -> Light:
        """The light of a batch."""
        from sfhsim.kernels.mixing import mix

        weights = (stars.mass, stars.lower, stars.upper_share)
        n_age = stars.mass.shape[1]
        old, young = (np.empty((len(draws), self.rank), dtype=np.float32) for _ in range(2))
        mix(*weights, self.n_young, n_age, self._coefficients, old)
        mix(*weights, 0, self.n_young, self._coefficients, young)
        light, clouded = row_product(old, self._vectors), row_product(young, self._vectors)
        stellar = light[:, -1] + clouded[:, -1]
        lines = None
        if self.nebular is not None:
            lines, continuum = self.nebular.emission(draws, stars)
            if continuum.shape[1]:
                clouded += row_product(continuum, self._nebular_vectors)
            birth, screen = self._dust.transmission(self.nebular.line_wave_aa, draws, np.float64)
            lines = lines * birth * screen
        birth, screen = self._dust.transmission(self._wave_aa, draws, np.float32)
        clouded *= birth
        light += clouded
        light *= screen
        a_v_mag = -2.5 * np.log10(light[:, -1] / stellar)
        return Light(light[:, self._pixels], light[:, self._bands], lines, a_v_mag)

    def mean_light(self) -> np.ndarray:
        """(n_metallicity, n_age): each template's mean over the spectrograph's columns."""
        return self._mean_light

    def _columns(self, flux: np.ndarray) -> np.ndarray:
        """Columns (k, n_column) of spectra (k, n_wave) on the library's wavelengths."""
        wave = self._library.wave_aa
        parts = [instrument.columns(wave, flux) for instrument in self._instruments]
        return np.concatenate([*parts, (self._reference @ flux.T).T], axis=1)

    def _compile_templates(self, tolerance: float) -> None:
        n_z, n_age, _ = self._library.shape
        templates = np.concatenate([self._columns(np.asarray(self._library.flux[z])) for z in range(n_z)])
        basis = low_rank_basis(templates, tolerance)
        self.rank, self.basis_error = basis.rank, basis.rms_error
        self._vectors = padded(basis.vectors, axes=(0,))
        self._coefficients = np.ascontiguousarray(basis.coefficients.reshape(n_z, n_age, -1), dtype=np.float32)
        self._mean_light = templates[:, self._pixels].mean(axis=1).reshape(n_z, n_age)

    def _compile_nebular_continuum(self) -> None:
        if self.nebular is None or not len(self.nebular.continuum_vectors):
            return
        nodes = self.nebular.continuum_wave_aa
        native = np.stack(
            [np.interp(self._library.wave_aa, nodes, v, left=0.0, right=0.0) for v in self.nebular.continuum_vectors]
        )
        vectors = padded(self._columns(native), axes=(0,))
        vectors[:, -1] = 0.0  # A_V is that of the stars
        self._nebular_vectors = vectors


class DustStage:
    """Transmission of the two dust components for drawn parameters."""

    def __init__(self, recipe: Recipe):
        self._dust = TwoComponentDust(recipe.dust.birth.law, recipe.dust.screen.law)

    def transmission(self, wave_aa: np.ndarray, draws: Draws, dtype) -> tuple[np.ndarray, np.ndarray]:
        """Birth clouds and screen, each (n, m), at rest-frame wavelengths (m,)."""
        params = {}
        for name, value in draws.values.items():
            kind, _, rest = name.partition(".")
            if kind == "dust":
                component, _, parameter = rest.partition(".")
                params[f"{parameter}_{component}"] = value
        return self._dust.transmission(wave_aa, params, n=len(draws), dtype=dtype)
