"""The two kinds of nebular models: gas that is one for a whole galaxy, and gas around each population of stars.

`NebularModel` gives the lines and the continuum of a galaxy from what its gas absorbs:

    L_line = f(parameters, gas),      L_lambda = sum_k a_k(parameters, gas) V_k(lambda),      per Msun formed

`SSPNebularModel` gives tables of energy per ionising photon for populations of each metallicity and age. To add one of
either kind, write a class derived from it and register an instance (`sfhsim.nebular.register_nebular_model`):

    class CaseB(NebularModel):
        name, line_wave_aa = "case_b", np.array([4861.3, 6562.8])

        def line_luminosities(self, params, gas):
            halpha = 1.37e-12 / LSUN_ERG_S * gas.photon_rate[:, None]
            return halpha * np.array([1 / 2.86, 1.0])

A recipe then takes ``nebular: {model: case_b}``. Dust, kinematics, energies and pixels know of its light without
another line. Use `sfhsim.elementary` and `sfhsim.interpolation` in it, so that samples have the same bytes everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from sfhsim.errors import CoverageError
from sfhsim.histories.parameters import Parameter
from sfhsim.libraries.ssp_library import SSPLibrary

if TYPE_CHECKING:
    from sfhsim.nebular.cloudy import CloudyModel
    from sfhsim.recipe.galaxy_sections import Nebular

#: what the light of a model's gas may be proportional to
SCALES = ("photon_rate", "ionizing_luminosity_lsun", "sfr_10myr")


@dataclass(frozen=True)
class Gas:
    """What a model knows of the gas of its galaxies, per Msun formed; of `SCALES`, the one that it asks for.

    Attributes
    ----------
    metallicity : (n,) Z of the youngest stars.
    escape_fraction : (n,) of ionising photons.
    photon_rate : (n,) ionising photons/s that the gas absorbs, those of stars up to 25 Myr.
    ionizing_luminosity_lsun : (n,) light below 911.75 A that the gas absorbs, Lsun.
    sfr_10myr : (n,) mean SFR of 10 Myr, 1/yr; what escapes is still to be taken off.
    """

    metallicity: np.ndarray
    escape_fraction: np.ndarray
    photon_rate: np.ndarray | None = None
    ionizing_luminosity_lsun: np.ndarray | None = None
    sfr_10myr: np.ndarray | None = None

    @classmethod
    def around(cls, metallicity: np.ndarray, escape_fraction: np.ndarray, scale: str, emitted: np.ndarray) -> Gas:
        """Gas of stars that emit this much of ``scale``, one of `SCALES`."""
        absorbed = emitted if scale == "sfr_10myr" else emitted * (1.0 - escape_fraction)
        return cls(metallicity, escape_fraction, **{scale: absorbed})


class NebularModel:
    """Gas that is one for a whole galaxy; methods work on a batch of n, ``params`` holds each parameter as (n,).

    Attributes
    ----------
    name : by which recipes know it.
    parameters : what a recipe may give, numbers all of them; ``log_u`` and ``ionization_q_cm_s`` are keys of the
        section itself. One that NaN means something for is left out where a recipe does not give it.
    scale : what the light is proportional to, one of `SCALES`.
    line_wave_aa : (n_line,) at rest, in air above 2000 A.
    line_names : (n_line,) ion first, as in "O III 5006.84A": where lines are scattered, they tell which move together.
        Without any, wavelengths do.
    continuum_wave_aa : (n_node,) increasing; the continuum is a straight line between two, and zero beyond.
    """

    name: ClassVar[str] = ""
    parameters: ClassVar[tuple[Parameter, ...]] = ()
    scale: str = "photon_rate"
    line_wave_aa: np.ndarray = np.zeros(0)
    line_names: np.ndarray | None = None
    continuum_wave_aa: np.ndarray = np.array([912.0, 1.0e6])

    def configured(self, section: Nebular) -> NebularModel:
        """The model as other keys of a recipe's section ask for it; itself, unless it knows such keys."""
        return self

    def line_luminosities(self, params: dict[str, np.ndarray], gas: Gas) -> np.ndarray:
        """(n, n_line) Lsun per Msun formed."""
        raise NotImplementedError(f"nebular model {self.name!r} does not define its lines")

    def continuum_templates(self) -> np.ndarray:
        """(k, n_node) the V of the module, at ``continuum_wave_aa``; no continuum unless it says otherwise."""
        return np.zeros((1, self.continuum_wave_aa.size))

    def continuum_amplitudes(self, params: dict[str, np.ndarray], gas: Gas, lines: np.ndarray) -> np.ndarray:
        """(n, k) of the templates, which give Lsun/Angstrom per Msun formed; ``lines`` are the galaxies' lines."""
        return np.zeros((len(lines), 1))


class SSPNebularModel:
    """Gas around each population; attributes as `NebularModel`. Its one parameter is log U."""

    name: ClassVar[str] = ""
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("log_u", "dex", "ionisation parameter of the gas", -3.0, -4.0, 0.0),
    )

    def tables(self) -> CloudyModel:
        """Tables per ionising photon; e.g. those of `sfhsim.nebular.load_cloudy` with some replaced."""
        raise NotImplementedError(f"nebular model {self.name!r} does not define its tables")


def emitted_by_ssps(scale: str, library: SSPLibrary) -> np.ndarray:
    """(n_Z, n_age) of ``scale``, ``photon_rate`` or ``ionizing_luminosity_lsun``, per Msun formed, before escape.

    Raises
    ------
    CoverageError
        Where the library does not hold the light.
    """
    if scale == "photon_rate":
        from sfhsim.nebular.cloudy import load_cloudy

        return load_cloudy().photon_rate(library.metallicity, library.age_yr, library.ionizing_photon_rate)
    if np.isnan(library.ionizing_luminosity_lsun).all():
        raise CoverageError(
            f"nebular emission by energy (lkl10: scaling energy) needs light below 911.75 A, which library "
            f"{library.name!r} does not hold: use lkl10 with scaling: sfr, another model, or a library that reaches "
            "there (bc03-miles, emiles-spliced)"
        )
    return np.nan_to_num(library.ionizing_luminosity_lsun)
