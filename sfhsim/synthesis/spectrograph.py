"""From rest-frame light to the pixels of the spectrograph, compiled for fixed or for varying kinematics.

Both forms own some columns: rest-frame wavelengths at which the stars, the nebular continuum and the dust are needed.

- `FixedSpectrograph`: dispersion and redshift are the same for all galaxies. Templates are broadened and resampled
  once, a column is an output pixel.
- `VaryingSpectrograph`: dispersion or redshift is drawn per galaxy. A column is a native pixel of the library, and
  each attenuated spectrum is broadened and resampled on its own.

Lines are Gaussians integrated analytically over pixels in both.
"""

from __future__ import annotations

import numpy as np

from sfhsim.constants import C_KMS, FWHM_PER_SIGMA
from sfhsim.errors import CoverageError, RecipeError
from sfhsim.instrument import (
    broaden_and_rebin,
    broaden_operator,
    broadening_sigma_aa,
    make_lsf,
    pixel_edges,
    rebin,
    rebin_operator,
)
from sfhsim.libraries.ssp_library import SSPLibrary
from sfhsim.recipe.model import Recipe
from sfhsim.synthesis.draws import Draws, ParameterPlan
from sfhsim.synthesis.products import padded, row_product

_MARGIN_SIGMA = 7.0


class _Spectrograph:
    """What both forms share: the grid, the LSF and the window of native pixels."""

    def __init__(self, recipe: Recipe, plan: ParameterPlan, library: SSPLibrary):
        spectrum, self.kinematics = recipe.spectrum, recipe.kinematics
        self.wave_aa = spectrum.wave_aa
        self.edges_aa = pixel_edges(self.wave_aa)
        options = spectrum.lsf.model_dump(exclude={"name"}, exclude_none=True)
        self.lsf = make_lsf(spectrum.lsf.name, **options)
        self.notes: list[str] = []
        low_z, high_z = plan.bounds("redshift")
        high_kms = plan.bounds("velocity_dispersion_kms")[1]
        if not np.isfinite([high_z, high_kms]).all():
            raise RecipeError("redshift and velocity_dispersion_kms need an upper limit: give the distribution a max")
        self._window = self._native_window(library, low_z, high_z, high_kms)
        self._native_wave_aa = np.asarray(library.wave_aa[self._window], dtype=np.float64)
        self.rest_range_aa = self.edges_aa[0] / (1 + high_z), self.edges_aa[-1] / (1 + low_z)
        self._template_fwhm_aa = None
        if spectrum.subtract_template_resolution:
            self._template_fwhm_aa = np.asarray(library.resolution_fwhm_aa[self._window], dtype=np.float64)
        self._library_name = library.name

    def _native_window(self, library, low_z, high_z, high_kms) -> slice:
        margin = _MARGIN_SIGMA * np.hypot(
            high_kms / C_KMS * self.edges_aa[[0, -1]],
            self.lsf.fwhm_aa(self.edges_aa[[0, -1]]) / FWHM_PER_SIGMA,
        )
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

    def __init__(self, recipe: Recipe, plan: ParameterPlan, library: SSPLibrary):
        super().__init__(recipe, plan, library)
        self.redshift = plan.constant("redshift")
        self._sigma_kms = plan.constant("velocity_dispersion_kms")
        line_kms = plan.constant("line_velocity_dispersion_kms")
        self._line_kms = self._sigma_kms if line_kms is None else line_kms
        self._rest_edges_aa = self.edges_aa / (1 + self.redshift)
        self.column_wave_aa = self.wave_aa / (1 + self.redshift)
        if self.kinematics.broaden_stars:
            sigma = self._stellar_sigma_aa(self.redshift, self._sigma_kms)
            self._operator = broaden_operator(self._native_wave_aa, sigma, self._rest_edges_aa, preserve="continuum")
        else:
            self._operator = rebin_operator(self._native_wave_aa, self._rest_edges_aa)

    def columns(self, wave_aa: np.ndarray, flux: np.ndarray) -> np.ndarray:
        """Columns (k, n_column) of spectra ``flux`` (k, n_wave) on the whole library's ``wave_aa``."""
        return (self._operator @ np.asarray(flux[:, self._window]).T).T

    def set_lines(self, line_wave_aa: np.ndarray) -> None:
        """Compile the profiles of lines at rest-frame wavelengths (n_line,)."""
        from sfhsim.nebular.profiles import line_pixel_matrix

        sigma = self._line_sigma_aa(line_wave_aa, self._line_kms, self.redshift)
        matrix = line_pixel_matrix(self._rest_edges_aa, line_wave_aa, sigma)
        self._in_view = np.flatnonzero(matrix.any(axis=1))
        self._profiles = padded(matrix[self._in_view], axes=(0,))

    def pixels(self, attenuated: np.ndarray, lines: np.ndarray | None, draws: Draws) -> np.ndarray:
        """Rest-frame flux density (n, n_pixel) from attenuated columns (n, n_column) and line luminosities."""
        if lines is None:
            return attenuated
        return attenuated + row_product(lines[:, self._in_view], self._profiles)


class VaryingSpectrograph(_Spectrograph):
    """Columns are native pixels; see the module."""

    fixed = False

    def __init__(self, recipe: Recipe, plan: ParameterPlan, library: SSPLibrary):
        super().__init__(recipe, plan, library)
        self.column_wave_aa = self._native_wave_aa

    def columns(self, wave_aa: np.ndarray, flux: np.ndarray) -> np.ndarray:
        """As `FixedSpectrograph.columns`."""
        return np.asarray(flux[:, self._window])

    def set_lines(self, line_wave_aa: np.ndarray) -> None:
        """Lines to draw, at rest-frame wavelengths (n_line,)."""
        self._line_wave_aa = np.asarray(line_wave_aa, dtype=np.float64)

    def pixels(self, attenuated: np.ndarray, lines: np.ndarray | None, draws: Draws) -> np.ndarray:
        """As `FixedSpectrograph.pixels`; each spectrum is broadened and resampled on its own."""
        redshift = draws.values["redshift"]
        edges_aa = self.edges_aa[None, :] / (1 + redshift[:, None])
        if self.kinematics.broaden_stars:
            sigma = self._stellar_sigma_aa(redshift, draws.values["velocity_dispersion_kms"])
            spectra = broaden_and_rebin(self._native_wave_aa, attenuated, sigma, edges_aa, preserve="continuum")
        else:
            spectra = rebin(self._native_wave_aa, attenuated, edges_aa)
        if lines is not None:
            self._add_lines(spectra, edges_aa, lines, draws)
        return spectra

    def _add_lines(self, spectra, edges_aa, lines, draws: Draws) -> None:
        from sfhsim.nebular.profiles import add_lines

        values = draws.values
        kms = values.get("line_velocity_dispersion_kms", values["velocity_dispersion_kms"])
        sigma = self._line_sigma_aa(self._line_wave_aa, kms, values["redshift"])
        add_lines(spectra, edges_aa, self._line_wave_aa, sigma, lines)


def compile_spectrograph(recipe: Recipe, plan: ParameterPlan, library: SSPLibrary):
    """The fixed form where dispersions and redshift are constants, else the varying one."""
    names = ["redshift", "velocity_dispersion_kms"]
    if recipe.kinematics.line_velocity_dispersion_kms is not None:
        names.append("line_velocity_dispersion_kms")
    fixed = all(plan.constant(name) is not None for name in names)
    return (FixedSpectrograph if fixed else VaryingSpectrograph)(recipe, plan, library)
