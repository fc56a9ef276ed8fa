"""The libraries that `sfhsim library install` can make, and where they come to lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sfhsim.libraries.native import SUFFIX
from sfhsim.libraries.places import libraries_home


@dataclass(frozen=True)
class KnownLibrary:
    """A library that `install_library` can make."""

    description: str
    download: str
    size_mb: int


KNOWN_LIBRARIES = {
    "bc03-miles-full": KnownLibrary(
        "BC03-MILES 2016, the full grid: 196 ages from 0.1 Myr x 7 Z, 5.6 A to 1 mm",
        "248 MB",
        80,
    ),
    "emiles": KnownLibrary(
        "E-MILES, Padova00, unimodal 1.30: 25 ages from 63 Myr x 6 Z, 1680-50000 A; non-commercial",
        "25 MB",
        40,
    ),
    "emiles-spliced": KnownLibrary(
        "E-MILES, with the young stars of bc03-miles below 63.1 Myr; non-commercial",
        "25 MB",
        200,
    ),
    "m11-miles": KnownLibrary(
        "Maraston & Stromback 2011 on MILES, Salpeter: 25 ages from 100 Myr x 3 Z, 3550-7410 A",
        "122 MB",
        2,
    ),
    "m11-miles-spliced": KnownLibrary(
        "m11-miles, with the young stars of bc03-miles below 100 Myr",
        "122 MB",
        8,
    ),
    "mastar-ssp": KnownLibrary(
        "MaStar SSPs v1.0, Salpeter, light scaled to bc03-miles: 9 ages from 3 Myr x 6 Z, 3621-10349 A",
        "122 MB",
        2,
    ),
    "bpass": KnownLibrary(
        "BPASS 2.2.1 with binaries, to 300 Msun: 24 ages from 63 Myr x 3 Z, 3600-10396 A",
        "122 MB",
        3,
    ),
    "bpass-spliced": KnownLibrary(
        "bpass at 2.5 A, with the young stars of bc03-miles below 63.1 Myr",
        "122 MB",
        12,
    ),
    "miuscat": KnownLibrary(
        "MIUSCAT, Padova00, unimodal 1.30: 50 ages from 63 Myr x 4 Z, 3480-9430 A; non-commercial",
        "122 MB",
        6,
    ),
    "miuscat-spliced": KnownLibrary(
        "miuscat, with the young stars of bc03-miles below 63.1 Myr; non-commercial",
        "122 MB",
        20,
    ),
}


def installed_path(name: str) -> Path:
    """Where the library called ``name`` is, or would be."""
    return libraries_home() / f"{name}{SUFFIX}"
