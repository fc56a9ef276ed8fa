"""What the commands that read files of spectra ask about them, and nothing heavy."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Annotated

import typer


def _reading(help_: str, *names: str):
    return typer.Option(*names, help=help_, rich_help_panel="Reading")


Redshift = Annotated[
    str | None,
    typer.Option("--redshift", help="Number, name of a column, or table of redshifts; else that in the file, else 0."),
]
LayoutName = Annotated[
    str | None, _reading("sdss, desi, manga, cube, fits-image, fits-table, arrays, text, specutils.", "--layout")
]
Medium = Annotated[str | None, _reading("Of the wavelengths: air or vacuum.", "--medium")]
WaveUnit = Annotated[str | None, _reading("Angstrom, nm, um, Hz ..., log10 or ln of Angstrom.", "--wave-unit")]
FluxUnit = Annotated[str | None, _reading("erg/s/cm2/A, Jy, MJy/sr, ph/s/cm2/A ...", "--flux-unit")]
WaveColumn = Annotated[str | None, _reading("Name, or number from 1 on.", "--wave-column")]
FluxColumn = Annotated[str | None, _reading("Name, or number from 1 on.", "--flux-column")]
ErrorColumn = Annotated[str | None, _reading("Name, or number from 1 on.", "--error-column")]
MaskColumn = Annotated[str | None, _reading("Name, or number from 1 on.", "--mask-column")]
ErrorIs = Annotated[str | None, _reading("error, variance or inverse_variance.", "--error-is")]
MaskMeans = Annotated[str | None, _reading("What 1 in a mask means: use or ignore; else by its name.", "--mask-means")]
Spaxel = Annotated[str | None, _reading("x,y of a cube, from 0 on; else the sum of all.", "--spaxel")]


_OPTIONS = {
    "redshift": Redshift,
    "layout": LayoutName,
    "medium": Medium,
    "wave_unit": WaveUnit,
    "flux_unit": FluxUnit,
    "wave_column": WaveColumn,
    "flux_column": FluxColumn,
    "error_column": ErrorColumn,
    "mask_column": MaskColumn,
    "error_is": ErrorIs,
    "mask_means": MaskMeans,
    "spaxel": Spaxel,
}


def reads_spectra(command: Callable[..., None]) -> Callable[..., None]:
    """A command that asks all about files of spectra, and is called with the answers as ``options``, `ReadOptions`."""
    signature = inspect.signature(command, eval_str=True)
    own = [parameter for parameter in signature.parameters.values() if parameter.name != "options"]
    asked = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, annotation in _OPTIONS.items()
    ]

    @functools.wraps(command)
    def asking(**given):
        options = read_options(**{name: given.pop(name) for name in _OPTIONS})
        return command(**given, options=options)

    wanted = signature.replace(parameters=[*own, *asked])
    vars(asking).update(
        __signature__=wanted, __annotations__={p.name: p.annotation for p in wanted.parameters.values()}
    )
    return asking


def read_options(*, spaxel: str | None, **options):
    """`ReadOptions` of these words.

    Raises
    ------
    InputError
        A word that is not among the choices.
    """
    from sfhmodel.spectra.options import ReadOptions

    return ReadOptions(spaxel=_spaxel(spaxel), **options)


def _spaxel(text: str | None) -> tuple[int, int] | None:
    from sfhmodel.errors import InputError

    if text is None:
        return None
    parts = text.split(",")
    if len(parts) != 2 or not all(part.strip().isdigit() for part in parts):
        raise InputError(f"--spaxel {text!r}: give two whole numbers, x,y")
    return int(parts[0]), int(parts[1])
