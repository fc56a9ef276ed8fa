"""Numbers measured on a galaxy's light at rest, without noise, and the registry that recipes look them up in.

A measurement is a function of the mean flux densities in windows of wavelength, of all light after the dust, lines in
them included at their own wavelengths (motions and instrument do not count). It becomes a truth of the records,
``measured.NAME``. To add one, write a class derived from `Measurement` and register an instance:
``register_measurement(MyIndex())``.

    d4000_narrow  mean F_nu of 4000-4100 A by that of 3850-3950 A (Balogh et al. 1999, ApJ 527, 54)
    halpha_ew_aa  equivalent width of Halpha, positive in emission, against the continuum on both sides
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from sfhsim.errors import RecipeError
from sfhsim.histories.parameters import Parameter
from sfhsim.histories.registry import Registry


class Measurement:
    """One number of each galaxy.

    Attributes
    ----------
    name : by which recipes know it.
    unit, description : of the truth.
    windows_aa : (k, 2) first and last rest-frame wavelength of each window.
    parameters : none can be given.
    """

    name: ClassVar[str] = ""
    unit: ClassVar[str] = "1"
    description: ClassVar[str] = ""
    windows_aa: ClassVar[np.ndarray] = np.zeros((0, 2))
    parameters: ClassVar[tuple[Parameter, ...]] = ()

    def value(self, means: np.ndarray) -> np.ndarray:
        """(n,) from mean flux densities (n, k) in Lsun/Angstrom per Msun formed."""
        raise NotImplementedError(f"measurement {self.name!r} does not define its value")


class NarrowD4000(Measurement):
    """The measurement ``d4000_narrow``."""

    name: ClassVar[str] = "d4000_narrow"
    description: ClassVar[str] = "break at 4000 A, narrow definition"
    windows_aa: ClassVar[np.ndarray] = np.array([[3850.0, 3950.0], [4000.0, 4100.0]])

    def value(self, means: np.ndarray) -> np.ndarray:
        """Red over blue, in F_nu."""
        stretch = 4050.0 / 3900.0
        return means[:, 1] / means[:, 0] * (stretch * stretch)


class HalphaWidth(Measurement):
    """The measurement ``halpha_ew_aa``."""

    name: ClassVar[str] = "halpha_ew_aa"
    unit: ClassVar[str] = "Angstrom"
    description: ClassVar[str] = "equivalent width of Halpha at rest, positive in emission"
    windows_aa: ClassVar[np.ndarray] = np.array([[6483.0, 6513.0], [6556.0, 6570.0], [6623.0, 6653.0]])

    def value(self, means: np.ndarray) -> np.ndarray:
        """Light above the straight line between the middles of the windows on both sides, by that line."""
        share = (6563.0 - 6498.0) / (6638.0 - 6498.0)
        continuum = (1.0 - share) * means[:, 0] + share * means[:, 2]
        return 14.0 * (means[:, 1] / continuum - 1.0)


MEASUREMENTS: Registry[Measurement] = Registry("measurement")


def register_measurement(measurement: Measurement) -> Measurement:
    """Make a measurement known by its name to recipes; returns it.

    Raises
    ------
    RecipeError
        Where its windows are none, or it has parameters.
    """
    windows = np.asarray(measurement.windows_aa, dtype=np.float64)
    shaped = windows.ndim == 2 and windows.shape[1:] == (2,) and len(windows) > 0 and bool(np.isfinite(windows).all())
    if not (shaped and (windows[:, 0] > 0).all() and (windows[:, 1] > windows[:, 0]).all()):
        raise RecipeError(
            f"measurement {measurement.name!r}: windows_aa must be (k, 2), the first and last wavelength of each in "
            "Angstrom"
        )
    if measurement.parameters:
        raise RecipeError(f"measurement {measurement.name!r}: parameters must be (), none can be given")
    return MEASUREMENTS.register(measurement)


def get_measurement(name: str) -> Measurement:
    """The measurement registered as ``name``; raises RecipeError naming the known ones."""
    return MEASUREMENTS.get(name)


for _measurement in (NarrowD4000(), HalphaWidth()):
    register_measurement(_measurement)
