"""Directories of official MILES, MIUSCAT and E-MILES files (Vazdekis et al. 2010, 2016; Asa'd et al. 2017).

Every file name says its IMF, [M/H], age and isochrones (see `miles_names`). The grid must be complete: each
metallicity at each age. Several directories are read as one grid, e.g. E-MILES and its young extension. The
young extension's top metallicity, [M/H] = +0.41 (Z = 0.05), stands beside +0.22 (Z = 0.03) of the older set:
together they share Z = 0.03.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from sfhsim.errors import LibraryError
from sfhsim.libraries.readers.miles_names import FAMILY_NAME, ISOCHRONE_NAME, MilesName, metallicity_of, parse_name
from sfhsim.libraries.readers.template_files import Template, read_cube, trimmed
from sfhsim.libraries.resolution import emiles_fwhm_aa, miles_fwhm_aa
from sfhsim.libraries.ssp_library import SSPLibrary

LICENCE = "Copyright MILES team: non-commercial use; modification for internal use only; not for redistribution"
CITATION = "Vazdekis et al. (2010, 2016); young ages: Asa'd et al. (2017)"
YOUNG_TOP_Z, OLD_TOP_Z = 0.05, 0.03
MIUSCAT_VALID_AA = (3480.0, 9430.0)  # the files lose a quarter of the light beyond, MaNGA's pipeline trims them, too


def recognises(paths: list[Path]) -> bool:
    """Whether this reader takes these paths: directories with at least one MILES file name."""
    return all(path.is_dir() and any(parse_name(file) for file in path.iterdir()) for path in paths)


def read(
    paths: list[Path],
    *,
    name: str = "miles",
    imf: str | None = None,
    isochrones: str | None = None,
    align_young: bool = True,
    complete_subgrid: bool = False,
) -> SSPLibrary:
    """Read every MILES file in the directories.

    Parameters
    ----------
    paths : directories, read as one grid.
    name : str
        What to call the library.
    imf : str, optional
        Which IMF, as in the file names ('un1.30', 'ch1.30'), where there are several.
    isochrones : {'P', 'T'}, optional
        Padova00 or BaSTI, where there are both.
    align_young : bool
        Put the young extension's [M/H] = +0.41 at the older set's top Z = 0.03 when both are there.
    complete_subgrid : bool
        Leave out the ages or metallicities that are not complete instead of raising.

    Raises
    ------
    LibraryError
        When nothing is found, IMFs or isochrones are mixed, a metallicity is unknown, a wavelength grid
        differs, or the grid is incomplete: the message lists what is missing at which metallicity and where
        it was looked for.
    """
    names = _select(paths, imf, isochrones)
    grid, aligned = _place(names, align_young)
    dropped = ""
    if complete_subgrid:
        grid, dropped = _largest_complete(grid)
    _check_complete(grid, paths)
    metallicity = sorted({z for z, _ in grid})
    age_yr = sorted({age for _, age in grid})
    wave_aa, flux = read_cube({key: entry.path for key, entry in grid.items()}, metallicity, age_yr)
    first = next(iter(grid.values()))
    families = {entry.family for entry in grid.values()}
    trimming = ""
    if families == {"I"}:
        wave_aa, flux, trimming = trimmed(wave_aa, flux, MIUSCAT_VALID_AA)
    fwhm_aa = emiles_fwhm_aa(wave_aa) if families & {"E"} else miles_fwhm_aa(wave_aa)
    notes = [f"{ISOCHRONE_NAME[first.isochrone]} isochrones.", trimming, aligned, dropped]
    return SSPLibrary(
        name=name,
        metallicity=np.array(metallicity),
        age_yr=np.array(age_yr),
        wave_aa=wave_aa,
        flux=flux,
        resolution_fwhm_aa=fwhm_aa,
        imf=first.imf_label,
        source=f"{len(grid)} {'/'.join(FAMILY_NAME.get(family, 'MILES') for family in sorted(families))} files",
        licence=LICENCE,
        citation=CITATION,
        notes=" ".join(note for note in notes if note),
    )


def _select(paths: list[Path], imf: str | None, isochrones: str | None) -> list[MilesName]:
    """The files of one IMF and one set of isochrones."""
    where = ", ".join(str(path) for path in paths)
    found = [name for path in paths for file in sorted(path.iterdir()) if (name := parse_name(file))]
    if not found:
        raise LibraryError(f"no MILES or E-MILES file (named like Eun1.30Zm0.40T00.0631_iPp0.00...) in {where}")
    choices = (("imf", "imf", imf), ("isochrone", "isochrones", isochrones))
    for attribute, option, wanted in choices:
        there = sorted({getattr(name, attribute) for name in found})
        if wanted is not None and wanted not in there:
            raise LibraryError(f"no file with {option}={wanted} in {where}: there are {there}")
        found = [name for name in found if wanted in (None, getattr(name, attribute))]
    for attribute, option, _ in choices:
        counts = Counter(getattr(name, attribute) for name in found)
        if len(counts) > 1:
            raise LibraryError(
                f"files of several kinds in {where}: {dict(counts)}; choose one with the option {option}"
            )
    return found


def _place(names: list[MilesName], align_young: bool) -> tuple[dict[Template, MilesName], str]:
    """The file of each (Z, age), and a note when the young extension was aligned."""
    grid: dict[Template, MilesName] = {}
    young_ages = {name.age_yr for name in names if metallicity_of(name) == YOUNG_TOP_Z}
    old_ages = {name.age_yr for name in names if metallicity_of(name) == OLD_TOP_Z}
    aligns = align_young and young_ages and old_ages and max(young_ages) < min(old_ages)
    for name in names:
        z = metallicity_of(name)
        if z is None:
            raise LibraryError(
                f"{name.path}: [M/H] = {name.m_h:+.2f} is not one of the {ISOCHRONE_NAME[name.isochrone]} set"
            )
        if aligns and z == YOUNG_TOP_Z:
            z = OLD_TOP_Z
        other = grid.get((z, name.age_yr))
        if other is not None:
            raise LibraryError(f"{other.path} and {name.path} are the same template: keep one")
        grid[z, name.age_yr] = name
    note = (
        "The young templates of [M/H] = +0.41 (Z = 0.05) stand at Z = 0.03, beside the older +0.22." if aligns else ""
    )
    return grid, note


def _missing(grid: dict[Template, MilesName]) -> dict[float, list[float]]:
    """Metallicity -> ages that others have and it has not."""
    ages = {age for _, age in grid}
    return {
        z: sorted(missing)
        for z in sorted({z for z, _ in grid})
        if (missing := {age for age in ages if (z, age) not in grid})
    }


def _check_complete(grid: dict[Template, MilesName], paths: list[Path]) -> None:
    missing = _missing(grid)
    if not missing:
        return
    label = {z: name.m_h for (z, _), name in sorted(grid.items(), key=lambda item: -item[0][1])}
    listed = "; ".join(f"[M/H]={label[z]:+.2f} (Z={z:g}) lacks {_list_ages(ages)}" for z, ages in missing.items())
    n_missing = sum(len(ages) for ages in missing.values())
    raise LibraryError(
        f"incomplete MILES grid in {', '.join(str(path) for path in paths)}: {n_missing} of "
        f"{n_missing + len(grid)} templates are missing: {listed}. Add the files, use only the complete part "
        "(complete_subgrid), or import the young and old sets apart and splice them"
    )


def _list_ages(ages: list[float]) -> str:
    shown = ", ".join(f"{age / 1e9:.4f}" for age in ages[:12])
    more = f" and {len(ages) - 12} more" if len(ages) > 12 else ""
    return f"{len(ages)} age{'s' if len(ages) > 1 else ''} ({shown}{more} Gyr)"


def _largest_complete(grid: dict[Template, MilesName]) -> tuple[dict[Template, MilesName], str]:
    """Drop, one after the other, the metallicity or age with the largest missing fraction."""
    dropped: list[str] = []
    while _missing(grid):
        by_z, by_age = (Counter(key[axis] for key in grid) for axis in (0, 1))
        z, z_count = min(by_z.items(), key=lambda item: item[1])
        age, age_count = min(by_age.items(), key=lambda item: item[1])
        if z_count / len(by_age) < age_count / len(by_z):
            grid = {key: name for key, name in grid.items() if key[0] != z}
            dropped.append(f"Z={z:g}")
        else:
            grid = {key: name for key, name in grid.items() if key[1] != age}
            dropped.append(f"{age / 1e9:.4f} Gyr")
    return grid, f"Left out because incomplete: {', '.join(dropped)}." if dropped else ""
