"""The recipe: one validated, frozen description of a whole data set.

A recipe is a YAML file; an unknown key is an error that names it, a missing one takes the default shown here. Any
parameter typed ``Distribution`` is a number or a named distribution (`sfhsim.recipe.distributions`).
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field, field_validator, model_validator

from sfhsim.names import NAME_PATTERN
from sfhsim.recipe.distributions import Distribution
from sfhsim.recipe.galaxy_sections import Dust, History, Kinematics, Metallicity, Nebular
from sfhsim.recipe.instrument_sections import Noise, Photometry, Spectrum
from sfhsim.recipe.section import Section, constant

DEFAULT_AGE_BIN_EDGES_MYR = (
    *(0.0, 10.0, 20.0, 40.0, 70.0, 130.0, 255.0, 400.0, 630.0),
    *(1000.0, 1600.0, 2500.0, 4000.0, 6300.0, 8500.0, 11000.0, 13800.0),
)
MOST_AGE_BINS, _AGE_BIN_BYTES = 2_000, 20_000  # ten float64 arrays a batch, of cells no longer than a bin


class Labels(Section):
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


class Cosmology(Section):
    """Flat LCDM."""

    h0_kms_mpc: float = Field(default=67.8, ge=1, le=1000, description="Hubble constant.")
    omega_m: float = Field(default=0.308, ge=1e-6, lt=1, description="Matter density.")


class Recipe(Section):
    """Everything that defines a data set but its seed and its size."""

    format: Literal[1] = Field(default=1, description="Version of the recipe format.")
    name: Annotated[str, Field(pattern=NAME_PATTERN)] = Field(description="Of the data set.")
    description: str = Field(default="", description="One or two sentences for people.")
    library: str = Field(default="bc03-miles", description="`sfhsim library list`, or a path.")
    total_mass_msun: Distribution = Field(default=constant(1.0e9), description="Mass formed.")
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
