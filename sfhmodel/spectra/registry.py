"""Layouts of files by name, and reading a file whose layout is recognised or given.

A layout is two functions: ``recognises(source) -> bool`` looks at a `SourceFile`, ``read(source, options)`` returns
`ObservedSpectrum` in a list, or one after the other. The first layout that recognises a file reads it; where it cannot
tell what is what, or none recognises it, the loaders of specutils are asked, if specutils is installed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from sfhmodel.errors import InputError
from sfhmodel.spectra.columns import UnclearLayoutError
from sfhmodel.spectra.observed import ObservedSpectrum
from sfhmodel.spectra.options import ReadOptions
from sfhmodel.spectra.source import SourceFile, open_source


@dataclass(frozen=True)
class Layout:
    """How one family of files is recognised and read."""

    description: str
    recognises: Callable[[SourceFile], bool]
    read: Callable[[SourceFile, ReadOptions], Iterable[ObservedSpectrum]]


_BUILTIN = {  # in the order in which they are tried
    "sdss": "sdss",
    "desi": "desi",
    "manga": "manga",
    "cube": "cube",
    "fits-image": "fits_image",
    "fits-table": "fits_table",
    "arrays": "arrays",
    "text": "text",
    "specutils": "specutils_loaders",
}
_LAST = "specutils"
_RENAMED = {"fits-1d": "fits-image"}
_WITHOUT_SPAXELS = ("sdss", "desi", "fits-image", "fits-table", "arrays", "text", "specutils")
PIECE = 512  # spectra that are held at a time
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
    path : FITS (SDSS, DESI, MaNGA, cubes, tables, images with a WCS), ECSV, VOTable or ASCII, npz or HDF5; also packed
        by gzip, bzip2 or xz.
    options : what the file does not say, see `ReadOptions`.

    Raises
    ------
    InputError
        A file that is missing, damaged, of no known layout, unclear about its units or columns, or that asks for more
        memory than there is.
    """
    return [spectrum for piece in read_pieces(path, options) for spectrum in piece]


def read_pieces(
    path: str | Path, options: ReadOptions | None = None, size: int = PIECE
) -> Iterator[list[ObservedSpectrum]]:
    """Spectra of a file, at most ``size`` at a time, so that memory does not grow with their number.

    Raises
    ------
    InputError
        As `read_spectra`; also after some pieces, where damage begins later in the file.
    """
    path, options = Path(path), options or ReadOptions()
    known = layouts()
    wanted = None if options.layout is None else _RENAMED.get(options.layout, options.layout)
    if wanted is not None and wanted not in known:
        raise InputError(f"unknown layout {options.layout!r}: known are {', '.join(known)}")
    with _named_errors(path, "a spectrum"), open_source(path) as source:
        names = [wanted] if wanted is not None else _candidates(source, known)
        if not names:
            raise InputError(f"{path}: no known layout of a {source.kind} file ({', '.join(known)})")
        piece: list[ObservedSpectrum] = []
        for spectrum in _first_that_can(source, options, names, known):
            if len(piece) == size:
                yield piece
                piece = []
            piece.append(spectrum)
        if not piece:
            raise InputError(f"{path}: there is no spectrum in it")
        yield piece


def layout_of(path: str | Path, options: ReadOptions | None = None) -> str:
    """The name of the layout that reads a file first; InputError when there is none."""
    path, options = Path(path), options or ReadOptions()
    known = layouts()
    with _named_errors(path, "a spectrum"), open_source(path) as source:
        names = [options.layout] if options.layout else _candidates(source, known)
    if not names:
        raise InputError(f"{path}: no known layout ({', '.join(known)})")
    return _RENAMED.get(names[0], names[0])


def _candidates(source: SourceFile, known: dict[str, Layout]) -> list[str]:
    """The first layout that recognises the file, and specutils' loaders where they are installed."""
    first = next((name for name, layout in known.items() if name != _LAST and layout.recognises(source)), None)
    names = [] if first is None else [first]
    return [*names, _LAST] if known[_LAST].recognises(source) else names


def _first_that_can(source, options: ReadOptions, names: list[str], known) -> Iterator[ObservedSpectrum]:
    """Spectra of the first of these layouts that can tell what is what."""
    unclear: InputError | None = None
    for name in names:
        if options.spaxel is not None and name in _WITHOUT_SPAXELS:
            raise InputError(f"{source.path}: there are no spaxels in a file of layout {name}: leave --spaxel away")
        try:
            with _named_errors(source.path, name):
                yield from known[name].read(source, options)
            return
        except UnclearLayoutError as error:
            unclear = unclear or error
        except InputError:
            if unclear is None:
                raise
    if unclear is not None:
        raise unclear


@contextmanager
def _named_errors(path: Path, name: str) -> Iterator[None]:
    """Whatever goes wrong in a reader, in any library under it, becomes an InputError that names the file."""
    try:
        yield
    except InputError as error:
        if str(path) in str(error):
            raise
        kind = UnclearLayoutError if isinstance(error, UnclearLayoutError) else InputError
        raise kind(f"{path}: {error}") from error
    except MemoryError as error:
        raise InputError(f"{path} needs more memory than there is") from error
    except Exception as error:  # hostile and damaged files fail in ways nobody can list
        raise InputError(f"{path} cannot be read as {name}: {type(error).__name__}: {error}") from error
