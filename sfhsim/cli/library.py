"""`sfhsim library`: which stellar libraries there are, and how to get more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from sfhsim.errors import LibraryError

library_app = typer.Typer(help="Stellar libraries: list, inspect, install, import, splice, vary.", no_args_is_help=True)

JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
OutOption = Annotated[
    Path | None, typer.Option("--out", help="Folder to write to instead of the user's data directory.")
]
OverwriteFlag = Annotated[bool, typer.Option("--overwrite", help="Replace a library of the same name.")]


@library_app.command("list")
def list_command(as_json: JsonFlag = False) -> None:
    """Libraries that are embedded, installed, or can be installed."""
    from sfhsim.libraries import list_libraries

    records = list_libraries()
    if as_json:
        print(json.dumps([record.as_dict() for record in records], indent=1))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("name", "status", "MB", "what it is")
    for record in records:
        table.add_row(record.name, record.status, f"{record.size_mb:.0f}", record.description)
    Console().print(table)


@library_app.command("info")
def info_command(name: Annotated[str, typer.Argument(help="Name or path.")], as_json: JsonFlag = False) -> None:
    """What one library holds: grid, resolution, IMF, provenance, licence."""
    from sfhsim.libraries import load_library

    summary = load_library(name).summary()
    if as_json:
        print(json.dumps(summary, indent=1))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(show_header=False)
    for key, value in summary.items():
        table.add_row(key.replace("_", " "), Text(_readable(value)))
    Console().print(table)


def _readable(value: object) -> str:
    if isinstance(value, list):
        shown = ", ".join(f"{item:.6g}" if isinstance(item, float) else str(item) for item in value[:12])
        return f"{shown} and {len(value) - 12} more" if len(value) > 12 else shown or "none"
    return "unknown" if value is None else str(value)


@library_app.command("install")
def install_command(
    name: Annotated[str, typer.Argument(help="One that `sfhsim library list` calls available.")],
    artifact: Annotated[
        Path | None,
        typer.Option(help="An already downloaded artifact (otherwise $SFHSIM_ARTIFACTS, then pip's index)."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Install again over what is there.")] = False,
) -> None:
    """Fetch a known library from its pinned artifact and convert it."""
    from sfhsim.libraries import install_library

    install_library(name, artifact=artifact, force=force, progress=print)


def _option_value(text: str) -> bool | float | str:
    """'true' and 'false' as booleans, numbers as numbers, the rest as text."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        return float(text)
    except ValueError:
        return text


def _save(library, out: Path | None, overwrite: bool) -> None:
    from sfhsim.libraries import save_library
    from sfhsim.libraries.catalogue import EMBEDDED_NAME
    from sfhsim.libraries.known import KNOWN_LIBRARIES
    from sfhsim.libraries.places import libraries_home

    if library.name in (EMBEDDED_NAME, *KNOWN_LIBRARIES):
        raise LibraryError(f"the name '{library.name}' is taken by a known library: choose another with --name")
    written = save_library(library, (out or libraries_home()) / library.name, overwrite=overwrite)
    n_z, n_age, n_wave = library.shape
    print(f"{library.name}: {n_z} metallicities x {n_age} ages x {n_wave} wavelengths in {written}")
    if library.notes:
        print(library.notes)


@library_app.command("import")
def import_command(
    paths: Annotated[list[Path], typer.Argument(help="A file, or one or more directories.")],
    name: Annotated[str | None, typer.Option(help="What to call it.")] = None,
    format: Annotated[str, typer.Option(help="Reader; recognised by itself by default.")] = "auto",  # noqa: A002
    option: Annotated[list[str] | None, typer.Option(help="An option of the reader, KEY=VALUE; repeatable.")] = None,
    out: OutOption = None,
    overwrite: OverwriteFlag = False,
) -> None:
    """Import one's own library, and save it in the native format."""
    from sfhsim.libraries import import_library

    options = {}
    for text in option or []:
        key, equals, value = text.partition("=")
        if not equals:
            raise LibraryError(f"--option {text}: expected KEY=VALUE")
        options[key] = _option_value(value)
    _save(import_library(paths, name=name, format=format, **options), out, overwrite)


@library_app.command("splice")
def splice_command(
    young: Annotated[str, typer.Argument(help="Library below the boundary: name or path.")],
    old: Annotated[str, typer.Argument(help="Library above the boundary: name or path.")],
    boundary_myr: Annotated[float, typer.Option(help="Age of the boundary in Myr.")],
    name: Annotated[str, typer.Option(help="What to call the result.")],
    allow_imf_mismatch: Annotated[bool, typer.Option("--allow-imf-mismatch")] = False,
    match_window: Annotated[
        tuple[float, float] | None,
        typer.Option(help="Scale the young part to be continuous in this window (A)."),
    ] = None,
    out: OutOption = None,
    overwrite: OverwriteFlag = False,
) -> None:
    """Put a young library below an age and an older one above it."""
    from sfhsim.libraries import load_library, splice

    spliced = splice(
        load_library(young),
        load_library(old),
        1e6 * boundary_myr,
        name=name,
        allow_imf_mismatch=allow_imf_mismatch,
        match_window_aa=match_window,
    )
    _save(spliced, out, overwrite)


@library_app.command("vary")
def vary_command(
    base: Annotated[str, typer.Argument(help="Library to start from: name or path.")],
    donors: Annotated[list[str], typer.Argument(help="Libraries to vary it towards: names or paths.")],
    name: Annotated[str, typer.Option(help="What to call the result; with --count NAME-00, NAME-01 ...")],
    seed: Annotated[int, typer.Option(help="Of the random numbers; the next ones for the next libraries.")] = 0,
    count: Annotated[int | None, typer.Option(min=1, max=1000, help="How many to make.")] = None,
    out: OutOption = None,
    overwrite: OverwriteFlag = False,
) -> None:
    """Make random libraries between those of several makers, for worlds that nobody has made."""
    from sfhsim.libraries import Variations, load_library

    between = Variations(load_library(base), [load_library(donor) for donor in donors])
    for k in range(count or 1):
        name_k = name if count is None else f"{name}-{k:02d}"
        _save(between.library(seed + k, name=name_k), out, overwrite)
