"""One observed spectrum with everything that the model may use of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from sfhmodel.errors import InputError

MEDIA = ("air", "vacuum")


@dataclass(frozen=True, eq=False)
class ObservedSpectrum:
    """A spectrum as it was observed: nothing is shifted, resampled or masked yet.

    Attributes
    ----------
    wave_aa : (m,) wavelengths of the pixel centres [Angstrom], increasing, as observed.
    flux : (m,) flux density per Angstrom, in any unit; NaN where there is none.
    flux_error : (m,) one sigma in the unit of ``flux``, or None when unknown.
    mask : (m,) True where the pixel may be used, or None when all may.
    medium : 'air' or 'vacuum', of the wavelengths.
    redshift : of the galaxy, or None when the file does not say.
    magnitudes, magnitude_errors : AB, by band name.
    resolution_fwhm_aa : (m,) FWHM of the instrument's line-spread function at these wavelengths, or None when unknown.
    name : for tables and pictures.
    notes : what was assumed on reading, for the user.

    Raises
    ------
    InputError
        Lengths that differ, wavelengths that are not finite, positive and increasing, or a medium that is neither.
    """

    wave_aa: np.ndarray
    flux: np.ndarray
    flux_error: np.ndarray | None = None
    mask: np.ndarray | None = None
    medium: str = "air"
    redshift: float | None = None
    magnitudes: Mapping[str, float] = field(default_factory=dict)
    magnitude_errors: Mapping[str, float] = field(default_factory=dict)
    name: str = ""
    notes: tuple[str, ...] = ()
    resolution_fwhm_aa: np.ndarray | None = None

    def __post_init__(self):
        where = f"spectrum {self.name!r}: " if self.name else ""
        wave_aa = check_wavelengths(self.wave_aa, where)
        object.__setattr__(self, "wave_aa", wave_aa)
        arrays = (("flux", np.float64), ("flux_error", np.float64), ("mask", bool), ("resolution_fwhm_aa", np.float64))
        for name, dtype in arrays:
            values = getattr(self, name)
            if values is None:
                continue
            values = np.asarray(values, dtype=dtype)
            if values.shape != wave_aa.shape:
                raise InputError(
                    f"{where}{name} has shape {values.shape}, the wavelengths {wave_aa.shape}: one value per wavelength"
                )
            object.__setattr__(self, name, values)
        if self.medium not in MEDIA:
            raise InputError(f"{where}medium must be air or vacuum, got {self.medium!r}")


def check_wavelengths(wave_aa, where: str = "") -> np.ndarray:
    """The wavelengths as float64, (m,).

    Raises
    ------
    InputError
        When they are not one array of at least two finite, positive, increasing numbers.
    """
    wave_aa = np.asarray(wave_aa, dtype=np.float64)
    if wave_aa.ndim != 1 or wave_aa.size < 2:
        raise InputError(f"{where}wavelengths have shape {wave_aa.shape}: need one array of at least two")
    if not np.isfinite(wave_aa).all():
        raise InputError(f"{where}{np.sum(~np.isfinite(wave_aa))} wavelengths are not finite: remove those pixels")
    if not (np.diff(wave_aa) > 0.0).all():
        first = int(np.argmax(np.diff(wave_aa) <= 0.0))
        raise InputError(
            f"{where}wavelengths do not increase: {wave_aa[first]:g} is followed by {wave_aa[first + 1]:g}; "
            "sort the pixels and remove double ones"
        )
    if wave_aa[0] <= 0.0:
        raise InputError(f"{where}wavelengths must be positive, the first is {wave_aa[0]:g}")
    return wave_aa
