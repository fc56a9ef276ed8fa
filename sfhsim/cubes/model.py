"""What a mock cube is made of: one validated, frozen description, a YAML file in which everything has a default.

Lengths ``_re`` are in effective radii of the disc, in its plane; position angles are from north to east.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from sfhsim.names import NAME_PATTERN

MOST_SPAXELS = 1_000_000
MOST_PLANES = 20_000


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


Arcsec = Annotated[float, Field(ge=0.01, le=1e4)]
Share = Annotated[float, Field(ge=0, le=1)]


class SkyField(_Section):
    """The field of view and its grid; observed wavelengths in air."""

    n_x: int = Field(default=100, ge=1, le=10_000, description="Spaxels from east to west.")
    n_y: int = Field(default=100, ge=1, le=10_000, description="Spaxels from south to north.")
    pixel_arcsec: Arcsec = Field(default=0.2, description="Side of a spaxel.")
    ra_deg: float = Field(default=150.0, ge=0, lt=360, description="Right ascension of the middle of the field.")
    dec_deg: float = Field(default=2.2, ge=-89, le=89, description="Declination of the middle of the field.")
    start_aa: float = Field(default=4750.0, ge=91, le=1e6, description="Centre of the first pixel.")
    stop_aa: float = Field(default=7200.0, ge=91, le=1e6, description="Centre of the last pixel.")
    step_aa: float = Field(default=1.25, ge=1e-3, le=1e4, description="Pixel width.")

    @model_validator(mode="after")
    def _not_too_large(self):
        if self.stop_aa <= self.start_aa:
            raise ValueError(f"stop_aa {self.stop_aa:g} must be greater than start_aa {self.start_aa:g}")
        if self.n_x * self.n_y > MOST_SPAXELS:
            raise ValueError(f"n_x and n_y make {self.n_x * self.n_y} spaxels: at most {MOST_SPAXELS}")
        if (self.stop_aa - self.start_aa) / self.step_aa > MOST_PLANES:
            raise ValueError(f"step_aa {self.step_aa:g} makes more than {MOST_PLANES} planes: choose a larger step")
        return self

    @property
    def wave_aa(self) -> np.ndarray:
        """Pixel centres (n_plane,) in Angstrom."""
        n_pixel = int(np.floor((self.stop_aa - self.start_aa) / self.step_aa + 1e-6)) + 1
        return self.start_aa + self.step_aa * np.arange(n_pixel)


class Gradient(_Section):
    """at_re + per_re (R / Re - 1), constant from ``flat_from_re`` on."""

    at_re: float = Field(ge=-1e3, le=1e3, description="At the effective radius.")
    per_re: float = Field(default=0.0, ge=-1e3, le=1e3, description="Change per effective radius outwards.")
    flat_from_re: float = Field(default=2.5, gt=0, le=1e3, description="Radius from which on it does not change.")

    def at(self, radius_re: np.ndarray) -> np.ndarray:
        """Values at radii of any shape."""
        return self.at_re + self.per_re * (np.minimum(radius_re, self.flat_from_re) - 1.0)


class Bulge(_Section):
    """A round Sersic bulge; where it has share b of the mass, logarithms are b bulge + (1 - b) disc."""

    mass_share: Share = Field(default=0.1, description="Of the mass of the galaxy; 0 for none.")
    effective_radius_arcsec: Arcsec = Field(default=1.5, description="On the sky.")
    sersic_index: float = Field(default=1.5, ge=0.5, le=6, description="1 is an exponential.")
    log10_age_yr: float = Field(default=9.95, ge=6, le=10.13, description="Mass-weighted mean of log10 age.")
    log10_metallicity: float = Field(default=-1.75, ge=-4, le=-0.7, description="log10 of the mean mass fraction Z.")


class Arms(_Section):
    """Logarithmic spiral arms of the disc: more mass, more dust, and stars of a burst that goes on until today."""

    number: int = Field(default=2, ge=0, le=12, description="0 for none.")
    pitch_deg: float = Field(default=18.0, gt=0, lt=90, description="Angle between arm and circle.")
    width: float = Field(default=0.25, ge=0.01, le=1, description="Full width over the distance between arms.")
    phase_deg: float = Field(default=0.0, ge=-360, le=360, description="Turns the pattern within the disc.")
    mass_contrast: float = Field(
        default=0.5, ge=0, le=100, description="Additional mass on the ridge, over the disc's."
    )
    burst_mass_fraction: Share = Field(default=0.006, description="Of the mass on the ridge, formed in the burst.")
    burst_age_gyr: float = Field(default=0.02, ge=1e-3, le=13, description="When the burst began.")
    dust_factor: float = Field(default=1.8, ge=0, le=100, description="A_V of the screen on the ridge over the disc's.")


class Motions(_Section):
    """V(R) = v_max R / sqrt(R^2 + turnover^2); the dispersion falls as exp(-R / scale) to that of the outer disc."""

    v_max_kms: float = Field(default=180.0, ge=0, le=2000, description="Of the rotation curve, before inclination.")
    turnover_re: float = Field(default=0.4, ge=1e-3, le=100, description="Radius of the turnover.")
    centre_dispersion_kms: float = Field(default=120.0, ge=0, le=1000, description="Of the stars in the centre.")
    outer_dispersion_kms: float = Field(default=50.0, ge=0, le=1000, description="Of the stars far out.")
    scale_re: float = Field(default=0.7, ge=1e-2, le=100, description="Scale length of the dispersion.")


class HistoryShape(_Section):
    """The skewed normal of every spaxel; its peak follows from the mean age."""

    period_gyr: float = Field(default=2.0, ge=0.05, le=100, description="Width of the peak.")
    skewness: float = Field(default=0.3, ge=-5, le=5, description="Above 0 rises steeply and decays slowly.")


class Disc(_Section):
    """An inclined, thin, exponential disc with what is in it."""

    redshift: float = Field(default=0.004, gt=0, le=10, description="Of its centre.")
    distance_mpc: float | None = Field(
        default=None, gt=0, le=1e6, description="Luminosity distance; that of the redshift when absent."
    )
    total_mass_msun: float = Field(default=6.0e9, gt=0, le=1e14, description="Mass formed, in and beyond the field.")
    centre_arcsec: tuple[float, float] = Field(
        default=(0.0, 0.0), description="East and north of the middle of the field."
    )
    effective_radius_arcsec: Arcsec = Field(default=5.0, description="Half of the disc's mass is within, face-on.")
    inclination_deg: float = Field(default=45.0, ge=0, lt=90, description="0 is face-on.")
    position_angle_deg: float = Field(default=30.0, ge=-360, le=360, description="Of the side that recedes.")
    ellipticity: float | None = Field(
        default=None, ge=0, le=0.95, description="Of isophotes; 1 - cos(inclination) when absent."
    )
    log10_age_yr: Gradient = Field(
        default=Gradient(at_re=9.55, per_re=-0.15),
        description="Disc's mass-weighted mean of log10 age, without the bursts of arms.",
    )
    log10_metallicity: Gradient = Field(
        default=Gradient(at_re=-1.9, per_re=-0.12), description="Disc's log10 of the mean mass fraction Z."
    )
    screen_a_v_mag: Gradient = Field(
        default=Gradient(at_re=0.4, per_re=-0.15),
        description="Disc's attenuation by the screen, not below 0; birth clouds add theirs.",
    )
    history: HistoryShape = Field(default=HistoryShape(), description="Star formation history.")
    bulge: Bulge = Field(default=Bulge(), description="Bulge.")
    arms: Arms = Field(default=Arms(), description="Spiral arms.")
    kinematics: Motions = Field(default=Motions(), description="Rotation and dispersion.")

    @property
    def axis_ratio(self) -> float:
        """Minor over major axis of isophotes."""
        return (
            1.0 - self.ellipticity if self.ellipticity is not None else float(np.cos(np.radians(self.inclination_deg)))
        )


class PSF(_Section):
    """The point spread function; its width goes as (wavelength / 5500 A)^exponent."""

    model: Literal["moffat", "gaussian", "none"] = Field(default="moffat", description="none leaves all as it is.")
    fwhm_arcsec: Arcsec = Field(default=0.8, description="At 5500 A.")
    beta: float = Field(default=2.8, gt=1, le=20, description="moffat: of its wings.")
    wavelength_exponent: float = Field(default=-0.2, ge=-3, le=3, description="0: the same at all wavelengths.")


class Stars(_Section):
    """Foreground stars: black bodies at rest with a few absorption lines, scattered over the field."""

    number: int = Field(default=4, ge=0, le=10_000, description="How many.")
    brightest_ab_mag: float = Field(default=16.5, ge=-5, le=40, description="At 5500 A.")
    faintest_ab_mag: float = Field(default=19.5, ge=-5, le=40, description="At 5500 A.")
    coolest_k: float = Field(default=3500.0, ge=2000, le=50_000, description="Lowest temperature.")
    hottest_k: float = Field(default=9500.0, ge=2000, le=50_000, description="Highest temperature.")
    mask_share: Share = Field(default=0.05, description="The truth's mask is where stars have this share of the light.")

    @model_validator(mode="after")
    def _ordered(self):
        if self.brightest_ab_mag > self.faintest_ab_mag or self.coolest_k > self.hottest_k:
            raise ValueError("brightest_ab_mag must not exceed faintest_ab_mag, nor coolest_k hottest_k")
        return self


class CubeNoise(_Section):
    """Photons of galaxy, stars and sky; resampling makes neighbours correlated, of which STAT says nothing."""

    add: bool = Field(default=True, description="false: DATA without noise, STAT as with it, no pixel lost.")
    exposure_s: float = Field(default=2400.0, gt=0, le=1e9, description="Exposure.")
    snr_at_re: float | None = Field(
        default=None,
        gt=0,
        le=1e6,
        description="Median S/N per pixel of the mean spaxel at the effective radius, without PSF; sets the exposure.",
    )
    area_m2: float = Field(default=48.5, gt=0, le=1e4, description="Of the telescope.")
    efficiency: float = Field(default=0.3, gt=0, le=1, description="Detected photons, of telescope to detector.")
    sky_ab_mag_arcsec2: float = Field(default=21.2, ge=0, le=40, description="Continuum of the night sky.")
    sky_lines: bool = Field(default=True, description="Whether the sky has its brightest lines.")
    spatial_correlation: float = Field(default=0.2, ge=0, le=0.65, description="Of noise in neighbouring spaxels.")
    spectral_correlation: float = Field(default=0.2, ge=0, le=0.65, description="Of noise in neighbouring pixels.")
    bad_pixel_share: float = Field(default=1.0e-4, ge=0, le=0.5, description="Pixels lost: NaN in DATA, 2^30 in DQ.")


class CubeModel(_Section):
    """Everything that defines a mock cube but its seed."""

    format: Literal[1] = Field(default=1, description="Version of this format.")
    name: Annotated[str, Field(pattern=NAME_PATTERN)] = Field(description="Of the galaxy, and OBJECT of the cube.")
    description: str = Field(default="", description="One or two sentences for people.")
    recipe: str = Field(
        default="phangs-muse-hst-embedded",
        description="Library, dust laws, nebulae, LSF, bands, age bins; distributions stand for their medians.",
    )
    override: dict[str, Any] = Field(default_factory=dict, description="Keys of the recipe that are other here.")
    field: SkyField = Field(default=SkyField(), description="Field of view and grid.")
    galaxy: Disc = Field(default=Disc(), description="The galaxy.")
    psf: PSF = Field(default=PSF(), description="Point spread function.")
    stars: Stars = Field(default=Stars(), description="Foreground stars.")
    noise: CubeNoise = Field(default=CubeNoise(), description="Noise.")
