"""Layouts of files by name, and reading a file whose layout is recognised or given.

A layout is two functions: ``recognises(source) -> bool`` looks at a `SourceFile`, ``read(source, options)`` returns a
list of `ObservedSpectrum`. The first layout that recognises a file reads it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from sfhmodel.errors import InputError
from sfhmodel.spectra.observed import ObservedSpectrum
from sfhmodel.spectra.options import ReadOptions
from sfhmodel.spectra.source import SourceFile, open_source


@dataclass(frozen=True)
class Layout:
    """How one family of files is recognised and read."""

    description: str
    recognises: Callable[[SourceFile], bool]
    read: Callable[[SourceFile, ReadOptions], list[ObservedSpectrum]]


_BUILTIN = {  # in the order in which they are tried
    "sdss": "sdss",
    "manga": "manga",
    "cube": "cube",
    "fits-table": "fits_table",
    "fits-1d": "fits_1d",
    "arrays": "arrays",
    "text": "text",
}
_added: dict[str, Layout] = {}


def layouts() -> dict[str, Layout]:
    """All layouts by name, in the order in which they are tried; added ones come first."""
    builtin = {}
    for name, module_name in _BUILTIN.items():
        module = import_module(f"sfhmodel.spectra.readers.{module_name}")
        builtin[name] = Layout(module.DESCRIPTION, module.recognises, module.read)
    return _added | builtin


def register_layout(name: str, layout: Layout) -> None:
    """Add a layout; it is tried before those that are known already.

    Raises
    ------
    InputError
        The name is taken.
    """
    if name in _BUILTIN or name in _added:
        raise InputError(f"layout {name!r} is registered already")
    _added[name] = layout


def read_spectra(path: str | Path, options: ReadOptions | None = None) -> list[ObservedSpectrum]:
    """All spectra of a file.

    Parameters
    ----------
    path : FITS (SDSS, MaNGA, cubes, tables, 1-D with WCS), ECSV or ASCII, npz or HDF5.
    options : what the file does not say, see `ReadOptions`.

    Raises
    ------
    InputError
        A file that is missing, damaged, of no known layout, or unclear about its units or columns.
    """
    path, options = Path(path), options or ReadOptions()
    known = layouts()
    if options.layout is not None and options.layout not in known:
        raise InputError(f"unknown layout {options.layout!r}: known are {', '.join(known)}")
    with open_source(path) as source:
        name = options.layout or next((name for name, layout in known.items() if layout.recognises(source)), None)
        if name is None:
            raise InputError(f"{path}: no known layout of a {source.kind} file ({', '.join(known)})")
        try:
            spectra = known[name].read(source, options)
        except InputError as error:
            raise error if str(path) in str(error) else InputError(f"{path}: {error}") from error
        except (KeyError, IndexError, ValueError, TypeError, AttributeError, EOFError) as error:
            raise InputError(f"{path} cannot be read as {name}: {type(error).__name__}: {error}") from error
    if not spectra:
        raise InputError(f"{path}: there is no spectrum in it")
    return spectra
