"""What the user may choose about maps."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from sfhmodel.errors import ConfigError
from sfhmodel.mapping.binning.choose import check_bins
from sfhmodel.mapping.extinction import CURVES


@dataclass(frozen=True)
class MapOptions:
    """How a cube becomes maps.

    Attributes
    ----------
    bins : 'spaxel', 'square:N', 'sn:TARGET', 'powerbin:TARGET' (S/N per pixel of the cube), or a FITS file with a map
        of bins (BIN_ID, negative = masked) or nGIST's table.
    min_snr : per pixel of the cube; fainter spaxels are in no bin, unless a map of bins is given.
    snr : FITS image or nGIST's table of the S/N per pixel of spaxels, by which bins are made and ``min_snr`` holds in
        place of that of the cube's errors; errors of spectra stay the cube's.
    velocity : 'auto', a number [km/s], or a FITS file: an image of velocities relative to the redshift, PHANGS' or
        MaNGA's MAPS, nGIST's tables or maps.
    dispersion : a FITS file with an image of dispersions [km/s], where the velocities' file has none.
    covariance : f in 1 + f log10 N, by which the error of a sum of N spaxels exceeds that of independent ones; None:
        that of the instrument, see `sfhmodel.mapping.covariance`.
    mask : FITS image or nGIST's table, non-zero = left out.
    ebv : foreground E(B-V) [mag], a number or a FITS image on the cube's spaxels.
    extinction_curve : 'F99' or 'CCM89'.
    images : {band of the model: FITS image}.
    image_errors : {band: FITS image of its one sigma}, or nothing.
    mask_sky : leave out sky lines and telluric bands; None: unless the redshift is 0.
    min_coverage : share of the model's pixels that need data; None: what the model was trained for.
    inclination_deg, position_angle_deg : of a thin disc, and of its major axis from north through east: radial profiles
        are over distances in its plane; None: on the sky.
    check : make each bin's spectrum again from its predicted histories, and compare (`sfhmodel.checking`).
    resolution_fwhm_aa, resolving_power : of the observed spectra; None: that of the file, else the training's.
    memory_mb : for rows of the cube while they are read.
    chunk_size : bins that the model is given together; what is kept on the disk after a kill is whole chunks.

    Raises
    ------
    ConfigError
        A choice that there is not, or a number out of range.
    """

    bins: str = "sn:50"
    min_snr: float = 1.0
    snr: str | None = None
    velocity: str = "auto"
    dispersion: str | None = None
    covariance: float | None = None
    mask: str | None = None
    ebv: str | float | None = None
    extinction_curve: str = CURVES[0]
    images: dict[str, str] = field(default_factory=dict)
    image_errors: dict[str, str] = field(default_factory=dict)
    mask_sky: bool | None = None
    min_coverage: float | None = None
    inclination_deg: float | None = None
    position_angle_deg: float | None = None
    check: bool = False
    resolution_fwhm_aa: float | None = None
    resolving_power: float | None = None
    memory_mb: float = 400.0
    chunk_size: int = 2048

    def __post_init__(self):
        check_bins(self.bins)
        ranges = {"min_snr": (-1e6, 1e6), "covariance": (0.0, 100.0), "memory_mb": (1.0, 1e7), "chunk_size": (1, 1e6)}
        ranges |= {"inclination_deg": (0.0, 85.0), "position_angle_deg": (-360.0, 360.0)}
        for name, (low, high) in ranges.items():
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise ConfigError(f"{name} must be from {low:g} to {high:g}, got {value}")
        if self.image_errors and not self.images:
            raise ConfigError("errors of images are given, but no images")
        if (self.inclination_deg is None) != (self.position_angle_deg is None):
            raise ConfigError("give the inclination together with the position angle of the major axis")
        if self.extinction_curve not in CURVES:
            raise ConfigError(f"no extinction curve {self.extinction_curve!r}: there are {', '.join(CURVES)}")
        if is_number(self.velocity) and not abs(float(self.velocity)) < 1e4:
            raise ConfigError(f"velocity must be in km/s relative to the redshift, got {self.velocity}")
        if is_number(self.ebv) and not 0.0 <= float(self.ebv or 0.0) < 10.0:
            raise ConfigError(f"ebv must be from 0 to 10 mag, got {self.ebv}")
        for name, path in self.files():
            if not Path(path).expanduser().is_file():
                raise ConfigError(f"{name}: there is no file {path}")

    def files(self) -> list[tuple[str, str]]:
        """(option, path) of all files that are named."""
        found = [("bins", self.bins)] if Path(self.bins).expanduser().is_file() else []
        if self.velocity != "auto" and not is_number(self.velocity):
            found.append(("velocity", self.velocity))
        if self.ebv is not None and not is_number(self.ebv):
            found.append(("ebv", str(self.ebv)))
        found += [(name, path) for name in ("dispersion", "mask", "snr") if (path := getattr(self, name)) is not None]
        for name in ("images", "image_errors"):
            found += [(f"{name} of {band}", path) for band, path in getattr(self, name).items()]
        return found

    def with_absolute_paths(self) -> MapOptions:
        """The same, for a process in another folder."""
        here = {path: str(Path(path).expanduser().absolute()) for _, path in self.files()}

        def moved(value: Any) -> Any:
            return here.get(value, value) if isinstance(value, str) else value

        changed = {name: moved(value) for name, value in vars(self).items()}
        for name in ("images", "image_errors"):
            changed[name] = {band: moved(path) for band, path in getattr(self, name).items()}
        return replace(self, **changed)

    def to_dict(self) -> dict[str, Any]:
        """Of plain values, for JSON; what only decides the speed is not in it."""
        return {name: value for name, value in asdict(self).items() if name != "memory_mb"}


def is_number(value) -> bool:
    """Whether a word or number is a finite number."""
    try:
        return bool(np.isfinite(float(value)))
    except (TypeError, ValueError):
        return False
