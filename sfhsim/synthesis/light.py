"""Attenuated light of galaxies at the columns that the instruments need, per Msun formed.

    light = T_screen [old stars + T_birth (young stars + nebular continuum)]

Columns are rest-frame wavelengths: the spectrograph's, and the photometer's with one band at 5500 A that measures A_V.
Stars older and younger than the birth clouds are mixed from low-rank bases of their own templates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from sfhsim import elementary
from sfhsim.dust import TwoComponentDust
from sfhsim.instrument import rebin_operator
from sfhsim.libraries.ssp_library import SSPLibrary
from sfhsim.linear import matmul
from sfhsim.recipe.model import Recipe
from sfhsim.synthesis.basis import low_rank_basis
from sfhsim.synthesis.blocks import block_rows, pad_columns, pad_rows, tile_columns
from sfhsim.synthesis.draws import Draws, ParameterPlan
from sfhsim.synthesis.nebular import Projection, compile_nebular, restore_nebular
from sfhsim.synthesis.populations import Populations
from sfhsim.synthesis.stored import Stored

BAND_TOLERANCE = 2.0  # times that of the pixels: a band averages over its columns
if TYPE_CHECKING:
    from sfhsim.kernels.spectra import ColumnLight

REFERENCE_BAND_AA = (5450.0, 5550.0)


@dataclass(frozen=True)
class Light:
    """Rest-frame light of n galaxies, Lsun/Angstrom (lines: Lsun) per Msun formed.

    Attributes
    ----------
    pixels : at the spectrograph's columns, an (n, n_pixel_column) array once attenuated (`attenuated`).
    bands : (n, n_band_column) float32, attenuated, at the photometer's columns.
    lines : (n, n_line) attenuated, or None without nebular emission.
    a_v_mag : (n,) attenuation of the stars at 5500 A.
    """

    pixels: ColumnLight
    bands: np.ndarray
    lines: np.ndarray | None
    a_v_mag: np.ndarray


@dataclass(frozen=True)
class CompiledTemplates:
    """Templates of the ages [first, stop) as coefficients of two bases, one per instrument.

    ``coefficients`` (n_metallicity * n_age, k_pixels + k_bands or a little more) float32; ``pixels`` (k_pixels,
    n_pixel_column) and ``bands`` (k_bands, n_band_column) float32; ``error`` the rms relative error of the worst
    template's pixels.
    """

    first: int
    stop: int
    coefficients: np.ndarray
    pixels: np.ndarray
    bands: np.ndarray
    error: float

    def mix(self, stars: Populations) -> tuple[np.ndarray, np.ndarray]:
        """Coefficients (n, k_pixels) and (n, k_bands) of a batch, float32."""
        from sfhsim.kernels.mixing import mix

        out = block_rows(len(stars.mass), self.coefficients.shape[1])
        mix(stars.mass, stars.lower, stars.upper_share, self.first, self.stop, self.coefficients, out)
        n, k = len(stars.mass), len(self.pixels)
        return out[:n, :k], out[:n, k : k + len(self.bands)]


class LightModel(Stored):
    """Compiled from a recipe, a library and the instruments.

    Attributes
    ----------
    old, young : CompiledTemplates, outside and inside the birth clouds.
    nebular : the nebular stage, or None.
    mean_light : (n_metallicity, n_age), each template's mean over the spectrograph's columns.
    """

    STORED: ClassVar[tuple[str, ...]] = ("old", "young", "mean_light")

    def __init__(self, recipe: Recipe, spectrograph, photometer):
        self._recipe, self._spectrograph, self._photometer = recipe, spectrograph, photometer
        self._dust = DustStage(recipe)

    def compile(self, plan: ParameterPlan, library: SSPLibrary, tolerance: float) -> None:
        """Bases of the library's and the nebulae's light, with the instruments compiled already."""
        self._library = library
        self._reference = rebin_operator(library.wave_aa, np.array(REFERENCE_BAND_AA)).astype(np.float32)
        inside = np.flatnonzero(library.age_yr <= self._recipe.dust.birth_cloud_age_myr * 1e6)
        # a library without stars that young keeps its youngest in the clouds
        n_young = int(inside[-1]) + 1 if inside.size else 1
        self._compile_templates(n_young, tolerance)
        self.nebular = compile_nebular(self._recipe.nebular, plan, library)
        if self.nebular is not None:
            self._compile_nebular(tolerance)
        self._lay_out()

    def state(self) -> dict:
        """As `Stored.state`, with that of the nebular stage."""
        return super().state() | {"nebular": None if self.nebular is None else self.nebular.state()}

    def restore(self, state: dict) -> None:
        """As `Stored.restore`; the instruments are restored already."""
        super().restore(state)
        for ages in (self.old, self.young):  # where they are read fastest
            object.__setattr__(ages, "coefficients", pad_columns(ages.coefficients))
        self.nebular = restore_nebular(self._recipe.nebular, state["nebular"])
        self._lay_out()

    def evaluate(self, draws: Draws, stars: Populations) -> Light:
        """The light of a batch."""
        old_pixels, old_bands = self.old.mix(stars)
        young_pixels, young_bands = self.young.mix(stars)
        stellar = _dot(old_bands, self.old.bands[:, -1]) + _dot(young_bands, self.young.bands[:, -1])
        lines = None
        if self.nebular is not None:
            lines, nebular_pixels, nebular_bands = self.nebular.emission(draws, stars)
            young_pixels = np.concatenate([young_pixels, nebular_pixels], axis=1)
            young_bands = np.concatenate([young_bands, nebular_bands], axis=1)
            birth, screen = self._dust.transmission(self.nebular.line_wave_aa, draws, np.float64)
            lines = lines * birth * screen
        pixels = self._column_light(
            old_pixels, self._old_pixels, young_pixels, self._young_pixels, self._pixel_wave_aa, draws
        )
        bands = attenuated(
            self._column_light(old_bands, self._old_bands, young_bands, self._young_bands, self._band_wave_aa, draws)
        )
        return Light(pixels, bands[:, :-1], lines, -2.5 * elementary.log10(bands[:, -1] / stellar))

    def _column_light(self, old, old_vectors, young, young_vectors, wave_aa, draws: Draws) -> ColumnLight:
        from sfhsim.kernels.spectra import ColumnLight

        coefficients = pad_rows(old), old_vectors, pad_rows(young), young_vectors
        return ColumnLight(*coefficients, *self._dust.depths(wave_aa, draws))

    def _columns(self, flux: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Spectrograph (k, n_pixel_column) and band columns (k, n_band_column) of spectra (k, n_wave)."""
        wave = self._library.wave_aa
        bands = [self._photometer.columns(wave, flux), (self._reference @ flux.T).T]
        return self._spectrograph.columns(wave, flux), np.concatenate(bands, axis=1)

    def _compile_templates(self, n_young: int, tolerance: float) -> None:
        n_z, n_age, _ = self._library.shape
        columns = [self._columns(np.asarray(self._library.flux[z])) for z in range(n_z)]
        pixels, bands = (np.stack([column[k] for column in columns]) for k in range(2))
        self.young = _compiled_templates(pixels, bands, 0, n_young, tolerance)
        self.old = _compiled_templates(pixels, bands, n_young, n_age, tolerance)
        self.mean_light = pixels.mean(axis=2, dtype=np.float64)

    def _lay_out(self) -> None:
        """Vectors in tiles, those of the nebulae below those of the young stars."""
        self._pixel_wave_aa = self._spectrograph.column_wave_aa
        self._band_wave_aa = np.append(self._photometer.column_wave_aa, np.mean(REFERENCE_BAND_AA))
        self._old_pixels, self._old_bands = tile_columns(self.old.pixels), tile_columns(self.old.bands)
        young = [self.young.pixels], [self.young.bands]
        if self.nebular is not None:
            young = [self.young.pixels, self.nebular.pixel_vectors], [self.young.bands, self.nebular.band_vectors]
        self._young_pixels, self._young_bands = (tile_columns(np.concatenate(parts)) for parts in young)

    def _compile_nebular(self, tolerance: float) -> None:
        n_band = self._photometer.column_wave_aa.size
        lines_aa, nodes_aa = self.nebular.line_wave_aa, self.nebular.continuum_wave_aa
        line_bands = self._photometer.line_columns(lines_aa)
        in_view = self._spectrograph.sees_lines(lines_aa)
        if line_bands is None:  # the photometer takes them one by one
            in_view |= self._photometer.sees_lines(lines_aa)
            line_bands = np.zeros((lines_aa.size, n_band))
        pixels, bands = self._columns(_hats(self._library.wave_aa, nodes_aa))
        bands[:, -1] = 0.0  # A_V is that of the stars
        line_bands = np.append(line_bands, np.zeros((lines_aa.size, 1)), axis=1)
        self.nebular.project(Projection(np.flatnonzero(in_view), pixels, bands, line_bands), tolerance)
        for instrument in (self._spectrograph, self._photometer):
            instrument.set_lines(self.nebular.line_wave_aa)


def attenuated(light: ColumnLight) -> np.ndarray:
    """The columns (n, m) float32 of a batch."""
    from sfhsim.kernels.spectra import attenuated_light

    out = np.empty((light.tau_birth.size, light.curve_birth.shape[1]), dtype=np.float32)
    attenuated_light(light, out)
    return out


def _hats(wave_aa: np.ndarray, node_aa: np.ndarray) -> np.ndarray:
    """Spectra (n_node, n_wave) float32 that are 1 at one node, linear to its neighbours and 0 beyond."""
    out = np.zeros((node_aa.size, wave_aa.size), dtype=np.float32)
    inside = np.flatnonzero((wave_aa >= node_aa[0]) & (wave_aa <= node_aa[-1]))
    k = np.clip(np.searchsorted(node_aa, wave_aa[inside], side="right") - 1, 0, node_aa.size - 2)
    share = (wave_aa[inside] - node_aa[k]) / (node_aa[k + 1] - node_aa[k])
    out[k, inside], out[k + 1, inside] = 1.0 - share, share
    return out


def _compiled_templates(
    pixels: np.ndarray, bands: np.ndarray, first: int, stop: int, tolerance: float
) -> CompiledTemplates:
    templates = [columns[:, first:stop].reshape(-1, columns.shape[-1]) for columns in (pixels, bands)]
    bases = [
        low_rank_basis(part, allowed, first_size=max(48, len(part) // 8))
        for part, allowed in zip(templates, (tolerance, BAND_TOLERANCE * tolerance), strict=True)
    ]
    coefficients = np.concatenate([basis.coefficients for basis in bases], axis=1)
    return CompiledTemplates(
        first,
        stop,
        pad_columns(coefficients),
        *(np.ascontiguousarray(basis.vectors, dtype=np.float32) for basis in bases),
        bases[0].rms_error,
    )


def _dot(coefficients: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """(n, k) . (k,), one term after the other."""
    return matmul(coefficients, vector[:, None])[:, 0]


class DustStage:
    """The two dust components for drawn parameters."""

    def __init__(self, recipe: Recipe):
        self._dust = TwoComponentDust(recipe.dust.birth.law, recipe.dust.screen.law)

    def transmission(self, wave_aa: np.ndarray, draws: Draws, dtype) -> tuple[np.ndarray, np.ndarray]:
        """Birth clouds and screen, each (n, m), at rest-frame wavelengths (m,)."""
        return self._dust.transmission(wave_aa, self._params(draws), n=len(draws), dtype=dtype)

    def depths(self, wave_aa: np.ndarray, draws: Draws) -> tuple[np.ndarray, ...]:
        """tau (n,) and curve (1 or n, m) float32 of the birth clouds, then of the screen."""
        depths = self._dust.depths(wave_aa, self._params(draws), n=len(draws), dtype=np.float32)
        return tuple(
            part
            for tau, curve in depths
            for part in (np.ascontiguousarray(tau), np.ascontiguousarray(curve, dtype=np.float32))
        )

    @staticmethod
    def _params(draws: Draws) -> dict[str, np.ndarray]:
        params = {}
        for name, value in draws.values.items():
            kind, _, rest = name.partition(".")
            if kind == "dust":
                component, _, parameter = rest.partition(".")
                params[f"{parameter}_{component}"] = value
        return params
