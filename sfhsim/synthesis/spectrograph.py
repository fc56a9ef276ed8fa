"""From rest-frame light to the pixels of the spectrograph, compiled for fixed or for varying kinematics.

Both forms own some columns: rest-frame wavelengths at which the stars, the nebular continuum and the dust are needed.

- `FixedSpectrograph`: dispersion and redshift are the same for all galaxies. Templates are broadened and resampled
  once, a column is an output pixel.
- `VaryingSpectrograph`: dispersion or redshift is drawn per galaxy. A column is a pixel of a uniform grid, that of the
  library where it is uniform, and each attenuated spectrum is broadened and resampled on its own
  (`sfhsim.kernels.convolution`). Without broadening, columns are native pixels.

Lines are Gaussians integrated analytically over pixels in both.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from sfhsim.constants import C_KMS, FWHM_PER_SIGMA
from sfhsim.errors import CoverageError, RecipeError
from sfhsim.instrument import (
    broaden_operator,
    broadening_sigma_aa,
    make_lsf,
    pixel_edges,
    rebin,
    rebin_operator,
)
from sfhsim.instrument.lsf import LineSpreadFunction
from sfhsim.libraries.ssp_library import SSPLibrary
from sfhsim.recipe.instrument_sections import BUILTIN_LSFS
from sfhsim.recipe.model import Recipe
from sfhsim.synthesis.attenuation import PanelLight, Spectra
from sfhsim.synthesis.detectors import Lines, Reading
from sfhsim.synthesis.draws import Draws, ParameterPlan
from sfhsim.synthesis.serialization import Stored, is_storable
from sfhsim.synthesis.sources import GAS_WIDTHS, line_motions

_MARGIN_SIGMA = 7.0


@dataclass(frozen=True)
class LineProfiles:
    """Profiles of the lines in view: line ``index[k]`` puts ``values[k]`` into the pixels from ``start[k]`` on."""

    index: np.ndarray
    start: np.ndarray
    values: np.ndarray


def _sparse_rows(matrix: np.ndarray) -> LineProfiles:
    """The rows (n_line, n_pixel) that are not empty, each cut to one common width around its pixels."""
    index = np.flatnonzero(matrix.any(axis=1))
    n_pixel = matrix.shape[1]
    first = np.array([np.flatnonzero(matrix[k])[0] for k in index], dtype=np.int64)
    last = np.array([np.flatnonzero(matrix[k])[-1] for k in index], dtype=np.int64)
    width = int((last - first).max()) + 1 if index.size else 1
    start = np.minimum(first, n_pixel - width)
    values = np.stack([matrix[k, s : s + width] for k, s in zip(index, start, strict=True)]) if index.size else None
    values = np.zeros((0, width)) if values is None else values
    return LineProfiles(index, start, np.ascontiguousarray(values, dtype=np.float32))


NO_PROFILES = LineProfiles(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros((0, 1), dtype=np.float32))


class _Spectrograph(Stored):
    """What both forms share: the grid, the LSF and the window of native pixels."""

    STORED: ClassVar[tuple[str, ...]] = ("column_wave_aa", "line_profiles", "notes", "rest_range_aa")
    stars_only = False

    def __init__(self, recipe: Recipe, plan: ParameterPlan):
        self._spectrum, self.kinematics, self._plan = recipe.spectrum, recipe.kinematics, plan
        self.wave_aa = recipe.spectrum.wave_aa
        self.edges_aa = pixel_edges(self.wave_aa)
        self.notes: list[str] = []

    @cached_property
    def lsf(self) -> LineSpreadFunction:
        """The recipe's."""
        return recipe_lsf(self._spectrum)

    def compile(self, library: SSPLibrary) -> None:
        """Find the library's pixels that are needed."""
        spectrum, plan = self._spectrum, self._plan
        low_z, high_z = plan.bounds("redshift")
        high_kms = plan.bounds("velocity_dispersion_kms")[1]
        if not np.isfinite([high_z, high_kms]).all():
            raise RecipeError("redshift and velocity_dispersion_kms need an upper limit: give the distribution a max")
        self._window = self._native_window(library, low_z, high_z, high_kms)
        self._native_wave_aa = np.asarray(library.wave_aa[self._window], dtype=np.float64)
        self._n_wave = library.shape[2]
        self.rest_range_aa = self.edges_aa[0] / (1 + high_z), self.edges_aa[-1] / (1 + low_z)
        self._template_fwhm_aa = None
        if spectrum.subtract_template_resolution:
            self._template_fwhm_aa = np.asarray(library.resolution_fwhm_aa[self._window], dtype=np.float64)
        self._library_name = library.name
        self.line_profiles = NO_PROFILES

    def sees_lines(self, lines: Lines) -> np.ndarray:
        """Which lines (n_line,) may reach a pixel: those in the window that broadening can draw from.

        Lines of other sources than the gas may be far broader than stars, for which that window was made.
        """
        reach = 0.0 if lines.width in GAS_WIDTHS else _MARGIN_SIGMA * self._plan.bounds(lines.width)[1] / C_KMS
        reach += max(map(abs, self._plan.bounds(lines.offset))) / C_KMS if lines.offset else 0.0
        low, high = self._native_wave_aa[[0, -1]]
        return (lines.wave_aa * (1 + reach) >= low) & (lines.wave_aa * (1 - reach) <= high)

    def line_columns(self, lines: Lines) -> None:
        """None: lines are drawn one by one."""

    def _native(self, wave_aa: np.ndarray, flux: np.ndarray) -> np.ndarray:
        """Native pixels (k, n) of the window from spectra on the library's wavelengths, or on others."""
        if len(wave_aa) == self._n_wave:
            return np.asarray(flux[:, self._window])
        return (rebin_operator(wave_aa, pixel_edges(self._native_wave_aa)) @ np.asarray(flux).T).T

    def _native_window(self, library, low_z, high_z, high_kms) -> slice:
        ends_aa = self.edges_aa[[0, -1]]
        kinematic, instrumental = high_kms / C_KMS * ends_aa, self.lsf.fwhm_aa(ends_aa) / FWHM_PER_SIGMA
        margin = _MARGIN_SIGMA * np.sqrt(kinematic**2 + instrumental**2)
        low = (self.edges_aa[0] - margin[0]) / (1 + high_z)
        high = (self.edges_aa[-1] + margin[1]) / (1 + low_z)
        wave = library.wave_aa
        if low < wave[0] or high > wave[-1]:
            raise CoverageError(
                f"the spectrum needs rest-frame {low:.0f}-{high:.0f} A, library {library.name!r} covers "
                f"{wave[0]:.0f}-{wave[-1]:.0f} A: choose another grid, redshift or library"
            )
        first, last = np.searchsorted(wave, [low, high])
        return slice(max(int(first) - 3, 0), min(int(last) + 3, wave.size))

    def _stellar_sigma_aa(self, redshift, sigma_kms) -> np.ndarray:
        sigma, clipped = broadening_sigma_aa(
            self._native_wave_aa, redshift, sigma_kms, self.lsf, self._template_fwhm_aa
        )
        if clipped.any() and not self.notes:
            wave = self._native_wave_aa[np.atleast_2d(clipped).any(axis=0)]
            self.notes.append(
                f"the templates of {self._library_name} are coarser than the spectrum should be at some of "
                f"{wave[0]:.0f}-{wave[-1]:.0f} A: they are not broadened there"
            )
        return sigma

    def _line_sigma_aa(self, line_wave_aa, sigma_kms, redshift) -> np.ndarray:
        """Rest-frame sigma of lines from dispersion and LSF in quadrature."""
        return broadening_sigma_aa(line_wave_aa, redshift, sigma_kms, self.lsf)[0]


class FixedSpectrograph(_Spectrograph):
    """Columns are output pixels; see the module."""

    fixed = True

    def compile(self, library: SSPLibrary) -> None:
        """Broaden and resample once for all galaxies."""
        super().compile(library)
        plan = self._plan
        self.redshift = plan.constant("redshift")
        self._sigma_kms = plan.constant("velocity_dispersion_kms")
        self._rest_edges_aa = self.edges_aa / (1 + self.redshift)
        self.column_wave_aa = self.wave_aa / (1 + self.redshift)
        if self.kinematics.broaden_stars:
            sigma = self._stellar_sigma_aa(self.redshift, self._sigma_kms)
            self._operator = broaden_operator(self._native_wave_aa, sigma, self._rest_edges_aa, preserve="continuum")
        else:
            self._operator = rebin_operator(self._native_wave_aa, self._rest_edges_aa)
        self._operator = self._operator.astype(np.float32)

    def columns(self, wave_aa: np.ndarray, flux: np.ndarray) -> np.ndarray:
        """See `Detector`."""
        return (self._operator @ self._native(wave_aa, flux).T).T

    def set_lines(self, lines: list[Lines]) -> None:
        """Compile the profiles of lines."""
        from sfhsim.nebular.profiles import line_pixel_matrix

        kms = [self._plan.constant(of_source.width) for of_source in lines]
        wave_aa = [own.wave_aa * (1 + self._plan.constant(own.offset) / C_KMS if own.offset else 1) for own in lines]
        sigma = [self._line_sigma_aa(moved, k, self.redshift) for moved, k in zip(wave_aa, kms, strict=True)]
        profiles = line_pixel_matrix(self._rest_edges_aa, np.concatenate(wave_aa), np.concatenate(sigma))
        self.line_profiles = _sparse_rows(profiles)

    def observe(self, reading: Reading, draws: Draws) -> tuple[PanelLight, np.ndarray]:
        """The light of its panel, where it is alone, still without the lines in view; and those (n, n_line)."""
        if reading.lines is None:
            return reading.light, np.zeros((len(draws), 0))
        return reading.light, np.ascontiguousarray(reading.lines[:, self.line_profiles.index])


class VaryingSpectrograph(_Spectrograph):
    """Columns are native pixels, or uniform ones of about their size; see the module."""

    fixed = False

    STORED: ClassVar[tuple[str, ...]] = (
        *_Spectrograph.STORED,
        *("_tables", "_native_wave_aa", "_drawn", "_drawn_lines"),
    )

    def __init__(self, recipe: Recipe, plan: ParameterPlan):
        super().__init__(recipe, plan)
        self._tables = self._rebinning = None
        self._drawn, self._drawn_lines = np.zeros(0, dtype=np.intp), []

    def compile(self, library: SSPLibrary) -> None:
        """Lay out the columns, and the tables by which each galaxy's are broadened."""
        super().compile(library)
        self.column_wave_aa = self._native_wave_aa
        if self.kinematics.broaden_stars:
            self._compile_broadening(self._plan)

    def state(self) -> dict:
        """As `Stored.state`, with the LSF where it can be stored: it is read for every galaxy's lines."""
        return super().state() | ({"lsf": self.lsf} if is_storable(self.lsf) else {})

    def restore(self, state: dict) -> None:
        """As `Stored.restore`."""
        super().restore(state)
        if "lsf" in state:
            self.lsf = state["lsf"]

    def _compile_broadening(self, plan: ParameterPlan) -> None:
        from sfhsim.synthesis import broadening as compiled

        grid = compiled.uniform_grid(self._native_wave_aa)
        redshifts, kms = plan.bounds("redshift"), plan.bounds("velocity_dispersion_kms")
        templates = grid, self._native_wave_aa, self._template_fwhm_aa, self.lsf, redshifts
        self.column_wave_aa, prior_aa = grid.wave_aa, None
        if not grid.native:
            prior_aa = compiled.prior_sigma_aa(*templates, kms[0])
            self._rebinning = compiled.column_operator(grid, self._native_wave_aa, prior_aa).astype(np.float32)
        self._tables = compiled.broadening_tables(*templates, kms[1], prior_aa)
        for redshift in redshifts:  # the slowest galaxies are those whose templates may be too coarse
            self._stellar_sigma_aa(redshift, kms[0])

    def columns(self, wave_aa: np.ndarray, flux: np.ndarray) -> np.ndarray:
        """See `Detector`."""
        native = self._native(wave_aa, flux)
        return native if self._rebinning is None else (self._rebinning @ native.T).T

    def set_lines(self, lines: list[Lines]) -> None:
        """Lines to draw."""
        seen = [np.flatnonzero(self.sees_lines(own)) for own in lines]
        first = np.cumsum([0, *(own.wave_aa.size for own in lines)])
        self._drawn = np.concatenate([start + index for start, index in zip(first[:-1], seen, strict=True)])
        self._drawn_lines = [own[index] for own, index in zip(lines, seen, strict=True)]

    def observe(self, reading: Reading, draws: Draws) -> tuple[Spectra, np.ndarray]:
        """As `FixedSpectrograph.observe`, with all lines drawn already."""
        return Spectra(self.pixels(reading.columns, reading.lines, draws)), np.zeros((len(draws), 0))

    def pixels(self, attenuated: np.ndarray, lines: np.ndarray | None, draws: Draws) -> np.ndarray:
        """Rest-frame flux density (n, n_pixel); each spectrum is broadened and resampled on its own, lines included."""
        stretch = 1 + draws.values["redshift"]
        if self.kinematics.broaden_stars:
            self._check_limits(draws)
            spectra = self._broadened(attenuated, stretch, draws.values["velocity_dispersion_kms"])
        else:
            spectra = rebin(self._native_wave_aa, attenuated, self.edges_aa / stretch[:, None])
        if lines is not None:
            self._add_lines(spectra, stretch, lines, draws)
        return spectra

    def _check_limits(self, draws: Draws) -> None:
        """The tables hold no more than the recipe can draw."""
        for name in ("redshift", "velocity_dispersion_kms"):
            low, high = self._plan.bounds(name)
            values, slack = draws.values[name], 1e-9 * (1 + abs(high))
            if not ((values >= low - slack) & (values <= high + slack)).all():
                raise RecipeError(
                    f"{name} from {values.min():g} to {values.max():g}, but the recipe's is {low:g} to {high:g}: "
                    "widen its distribution"
                )

    def _broadened(self, attenuated, stretch, sigma_kms) -> np.ndarray:
        from sfhsim.kernels.convolution import broaden_uniform

        spectra = np.empty((len(attenuated), self.wave_aa.size), dtype=np.float32)
        columns = np.ascontiguousarray(attenuated, dtype=np.float32)
        broaden_uniform(columns, sigma_kms / C_KMS, stretch, self.edges_aa, self._tables, spectra)
        return spectra

    def _add_lines(self, spectra, stretch, lines, draws: Draws) -> None:
        from sfhsim.kernels.lines import add_redshifted_lines, normal_table

        luminosity = np.ascontiguousarray(lines[:, self._drawn], dtype=np.float64)
        offsets = np.concatenate([np.repeat(own.offset, own.wave_aa.size) for own in self._drawn_lines])
        for offset in dict.fromkeys(own.offset for own in self._drawn_lines):
            drawn = [own for own in self._drawn_lines if own.offset == offset]
            light = np.ascontiguousarray(luminosity[:, offsets == offset])
            redshift, observed = draws.values["redshift"], stretch
            if offset:  # as at another redshift, at which pixels are not as much narrower as they are
                moved = 1 + draws.values[offset] / C_KMS
                observed = stretch * moved
                redshift, light = observed - 1, light / moved[:, None]
            sigma_aa = [self._line_sigma_aa(own.wave_aa, draws.values[own.width], redshift) for own in drawn]
            wave_aa, sigma_aa = np.concatenate([own.wave_aa for own in drawn]), np.concatenate(sigma_aa, axis=1)
            add_redshifted_lines(spectra, self.edges_aa, wave_aa, sigma_aa, light, observed, normal_table())


def recipe_lsf(spectrum) -> LineSpreadFunction:
    """The LSF of a recipe's section on the spectrum."""
    lsf = spectrum.lsf
    options = lsf.model_dump(exclude={"name", "options"}, exclude_none=True)
    return make_lsf(lsf.name, **(options if lsf.name in BUILTIN_LSFS else lsf.options))


def make_spectrograph(recipe: Recipe, plan: ParameterPlan) -> FixedSpectrograph | VaryingSpectrograph:
    """The fixed form where dispersions and redshift are constants, else the varying one; to be compiled."""
    names = ["redshift", "velocity_dispersion_kms", *line_motions(recipe)]
    fixed = all(plan.constant(name) is not None for name in names)
    return (FixedSpectrograph if fixed else VaryingSpectrograph)(recipe, plan)
