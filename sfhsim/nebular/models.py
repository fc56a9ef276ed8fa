"""Nebular models by name: the registry that recipes look them up in, and the two that come with the package."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from sfhsim.errors import RecipeError
from sfhsim.histories.parameters import Parameter
from sfhsim.histories.registry import Registry
from sfhsim.nebular.base import SCALES, Gas, NebularModel, SSPNebularModel
from sfhsim.nebular.cloudy import CloudyModel, load_cloudy
from sfhsim.nebular.continuum import load_continuum
from sfhsim.nebular.lkl10 import LKL10Lines
from sfhsim.nebular.scatter import SCATTERS

if TYPE_CHECKING:
    from sfhsim.recipe.galaxy_sections import Nebular

NEBULAR_MODELS: Registry[NebularModel | SSPNebularModel] = Registry("nebular model")
_SHARED = ("escape_fraction", "continuum", "none", *SCATTERS, "common_shift_dex")


def register_nebular_model(model: NebularModel | SSPNebularModel) -> NebularModel | SSPNebularModel:
    """Make a nebular model known by its name to recipes; returns it.

    Raises
    ------
    RecipeError
        Where it is of neither kind, is scaled with something unknown, or has a parameter that cannot be.
    """
    if not isinstance(model, NebularModel | SSPNebularModel):
        raise RecipeError(f"nebular model {model.name!r}: derive its class from NebularModel or SSPNebularModel")
    if model.name in _SHARED:
        raise RecipeError(f"nebular model {model.name!r}: that name means something else; choose another")
    names = [parameter.name for parameter in model.parameters]
    if isinstance(model, SSPNebularModel) and names != ["log_u"]:
        raise RecipeError(f"nebular model {model.name!r}: tables per population have the parameter log_u, not {names}")
    if isinstance(model, NebularModel) and model.scale not in SCALES:
        raise RecipeError(f"nebular model {model.name!r}: scale is one of {', '.join(SCALES)}, not {model.scale!r}")
    for parameter in model.parameters:
        if parameter.size != 1 or parameter.name in _SHARED:
            raise RecipeError(
                f"nebular model {model.name!r}: the parameter {parameter.name!r} must be a number with a name other "
                "than that of a key which all models share"
            )
    return NEBULAR_MODELS.register(model)


def get_nebular_model(name: str) -> NebularModel | SSPNebularModel:
    """The nebular model registered as ``name``; raises RecipeError naming the known ones."""
    return NEBULAR_MODELS.get(name)


class Cloudy(SSPNebularModel):
    """The model ``cloudy`` (`sfhsim.nebular.cloudy`)."""

    name: ClassVar[str] = "cloudy"

    def tables(self) -> CloudyModel:
        """Those that ship with the package."""
        return load_cloudy()

    def tables_file(self) -> bytes:
        """The content of the file that they are read from."""
        return _shipped("cloudy.npz")


class LKL10(NebularModel):
    """The model ``lkl10`` (`sfhsim.nebular.lkl10`), with the recombination continuum of the same Hbeta."""

    name: ClassVar[str] = "lkl10"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter(
            *("ionization_q_cm_s", "cm/s", "ionisation parameter q", np.nan, 1.0, 1.0e12),
            nan_means="from the metallicity",
        ),
    )

    def configured(self, section: Nebular, table: LKL10Lines | None = None) -> TabulatedLKL10:
        """With the keys of a recipe's section, and the installed table unless one is given."""
        from sfhsim.nebular.lkl10_install import load_lkl10

        return TabulatedLKL10(
            load_lkl10(line_flux=section.line_flux) if table is None else table,
            section.scaling,
            section.sfr_to_halpha,
            section.electron_temperature_k,
            section.electron_density_cm3,
        )


@dataclass(frozen=True, eq=False)
class TabulatedLKL10(LKL10):
    """`LKL10` with its table, as a recipe asks for it; attributes are keys of the recipe's section."""

    table: LKL10Lines
    scaling: str
    sfr_to_halpha: str
    electron_temperature_k: float
    electron_density_cm3: float

    @property
    def scale(self) -> str:  # type: ignore[override]
        """What ``scaling`` asks for."""
        return {"sfr": "sfr_10myr", "energy": "ionizing_luminosity_lsun"}[self.scaling]

    @property
    def line_wave_aa(self) -> np.ndarray:  # type: ignore[override]
        """Of the table."""
        return np.asarray(self.table.line_wave_aa, dtype=np.float64)

    @property
    def line_names(self) -> np.ndarray:  # type: ignore[override]
        """Of the table."""
        return self.table.line_names

    @property
    def continuum_wave_aa(self) -> np.ndarray:  # type: ignore[override]
        """Of the recombination continuum."""
        return load_continuum().wave_aa

    def line_luminosities(self, params: dict[str, np.ndarray], gas: Gas) -> np.ndarray:
        """See `NebularModel`."""
        escaping = gas.escape_fraction if self.scaling == "sfr" else 0.0  # energy has none of it
        return self.table.line_luminosities(
            gas.metallicity,
            sfr_10myr=gas.sfr_10myr,
            ionizing_luminosity_lsun=gas.ionizing_luminosity_lsun,
            ionization_q=params.get("ionization_q_cm_s"),
            escape_fraction=escaping,
            scaling=self.scaling,
            sfr_to_halpha=self.sfr_to_halpha,
        )

    def continuum_templates(self) -> np.ndarray:
        """(1, n_node) relative to Hbeta."""
        return load_continuum().per_hbeta(self.electron_temperature_k, self.electron_density_cm3)[None, :]

    def continuum_amplitudes(self, params: dict[str, np.ndarray], gas: Gas, lines: np.ndarray) -> np.ndarray:
        """(n, 1) Hbeta."""
        return self.table.hbeta_luminosity(lines)[:, None]

    def tables_file(self) -> bytes:
        """What it reads: the continuum's file and the numbers of the table."""
        table = self.table
        arrays = (table.metallicity, table.ionization_q, table.line_wave_aa, table.per_halpha)
        return _shipped("continuum.npz") + b"".join(np.asarray(a, dtype=np.float64).tobytes() for a in arrays)


def _shipped(name: str) -> bytes:
    return resources.files("sfhsim").joinpath("data", "nebular", name).read_bytes()


for _model in (Cloudy(), LKL10()):
    register_nebular_model(_model)
