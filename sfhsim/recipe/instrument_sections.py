"""Sections of a recipe that say how galaxies are observed: spectrograph, photometry, noise."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from sfhsim.recipe.distributions import Distribution, Number
from sfhsim.recipe.section import Section, constant

MOST_PIXELS, _PIXEL_BYTES = 200_000, 10_000  # a batch of 256 galaxies holds ten float32 arrays
BUILTIN_LSFS = ("none", "muse", "muse-udf10", "constant", "tabulated")


class LineSpread(Section):
    """Line spread function of the spectrograph."""

    name: str = Field(
        default="muse",
        description="muse (Bacon+ 2017, UDF polynomial), muse-udf10, constant, tabulated, none, or one you registered.",
    )
    fwhm_aa: float | None = Field(default=None, ge=1e-6, le=1e3, description="constant: FWHM in observed Angstrom.")
    resolving_power: float | None = Field(default=None, ge=10, le=1e9, description="constant: lambda / FWHM.")
    path: str | None = Field(default=None, description="tabulated: file of wavelength and FWHM in Angstrom.")
    options: dict[str, Number | str] = Field(default_factory=dict, description="Of an LSF that you registered.")

    @model_validator(mode="after")
    def _complete(self):
        if self.name == "constant" and (self.fwhm_aa is None) == (self.resolving_power is None):
            raise ValueError("lsf constant needs either fwhm_aa or resolving_power")
        if self.name == "tabulated" and self.path is None:
            raise ValueError("lsf tabulated needs `path`, a file of wavelength and FWHM in Angstrom")
        if self.name in BUILTIN_LSFS and self.options:
            raise ValueError(f"lsf {self.name} takes no `options`")
        return self


class Spectrum(Section):
    """The spectrograph: its grid (observed frame, air) and resolution."""

    start_aa: float = Field(default=4800.0, gt=0, le=1e9, description="Centre of the first pixel.")
    stop_aa: float = Field(default=7000.0, gt=0, le=1e9, description="Centre of the last pixel.")
    step_aa: float = Field(default=1.25, ge=1e-6, le=1e9, description="Pixel width.")
    lsf: LineSpread = Field(default=LineSpread(), description="Line spread function.")
    subtract_template_resolution: bool = Field(
        default=True, description="Take the library's own resolution off the broadening, in quadrature."
    )

    @model_validator(mode="after")
    def _ordered(self):
        if self.stop_aa <= self.start_aa:
            raise ValueError(f"stop_aa {self.stop_aa:g} must be greater than start_aa {self.start_aa:g}")
        if self.stop_aa < 91.0:
            raise ValueError(f"stop_aa {self.stop_aa:g} looks like micron: wavelengths are in Angstrom")
        n_pixel = (self.stop_aa - self.start_aa) / self.step_aa
        if n_pixel > MOST_PIXELS:
            raise ValueError(
                f"step_aa {self.step_aa:g} makes {n_pixel:.3g} pixels, which take {n_pixel * _PIXEL_BYTES / 1e9:.3g} "
                f"GB of memory while galaxies are simulated: at most {MOST_PIXELS}, choose a larger step or a shorter "
                "range"
            )
        if self.step_aa >= 2 * self.start_aa:
            raise ValueError(f"step_aa {self.step_aa:g}: the first pixel would reach below 0, choose a smaller step")
        return self

    @property
    def wave_aa(self) -> np.ndarray:
        """Pixel centres (n_pixel,) in Angstrom."""
        n_pixel = int(np.floor((self.stop_aa - self.start_aa) / self.step_aa + 1e-6)) + 1
        return self.start_aa + self.step_aa * np.arange(n_pixel)


class Photometry(Section):
    """Broad-band fluxes as AB magnitudes."""

    filters: tuple[str, ...] = Field(
        default=tuple(f"HST/WFC3_UVIS.{band}" for band in ("F275W", "F336W", "F438W", "F555W", "F814W")),
        description="Names (`sfhsim filter list`) or files; empty for none.",
    )
    error_mag: Distribution | dict[str, Distribution] = Field(
        default=constant(0.0),
        description="Photometric error, for all bands or by band; drawn per galaxy and band.",
    )

    interpolation: Literal["linear", "log"] = Field(
        default="linear", description="Of the spectrum between the library's pixels; log is ProSpect's."
    )
    missing: Literal["refuse", "allow"] = Field(
        default="refuse",
        description="Bands beyond the library at any redshift: an error, or missing (NaN) in every galaxy.",
    )

    @model_validator(mode="after")
    def _known_bands(self):
        if isinstance(self.error_mag, dict):
            odd = sorted(set(self.error_mag) ^ set(self.filters))
            if odd:
                raise ValueError(f"error_mag and filters must name the same bands; in only one: {', '.join(odd)}")
        if len(set(self.filters)) != len(self.filters):
            raise ValueError("a filter is listed twice")
        return self


class NoiseCurve(Section):
    """Relative S/N as a function of observed wavelength."""

    wave_aa: tuple[Number, ...] = Field(min_length=2, description="Observed wavelengths, increasing.")
    relative_snr: tuple[float, ...] = Field(min_length=2, description="Relative S/N, positive.")

    @model_validator(mode="after")
    def _consistent(self):
        if len(self.wave_aa) != len(self.relative_snr) or np.any(np.diff(self.wave_aa) <= 0):
            raise ValueError("wave_aa must increase and have one relative_snr each")
        if min(self.relative_snr) <= 0:
            raise ValueError("relative_snr must be positive")
        if max(self.relative_snr) > 1e6 or min(self.relative_snr) < 1e-6:
            raise ValueError("relative_snr must stay within 1e-6 and 1e6")
        return self


class Noise(Section):
    """Noise of the spectrum."""

    model: str = Field(
        default="constant",
        description="none; constant: the same error in every pixel; poisson: variance follows flux; proportional: "
        "errors follow flux, S/N the curve; or one that you registered.",
    )
    snr: Distribution = Field(default=constant(50.0), description="Median S/N per pixel over the grid.")
    curve: NoiseCurve | None = Field(default=None, description="Relative S/N against observed wavelength.")
    parameters: dict[str, Distribution] = Field(
        default_factory=dict, description="Of a model that you registered; `sfhsim recipe families` lists them."
    )

    @model_validator(mode="after")
    def _positive(self):
        if self.model != "none" and self.snr.bounds()[0] <= 0:
            raise ValueError(f"snr must be positive, it reaches {self.snr.bounds()[0]:g}")
        return self
