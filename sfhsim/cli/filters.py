"""`sfhsim filter`: which filters can be named."""

from __future__ import annotations

import typer

filter_app = typer.Typer(help="Filters for photometry.", no_args_is_help=True)


@filter_app.command("list")
def list_filters() -> None:
    """Filters that come with the package; files and filter packages can be named too."""
    from sfhsim.instrument import filter_names, load_filter

    for name in filter_names():
        band = load_filter(name)
        print(f"{name:28s} pivot {band.pivot_wave_aa:9.1f} A")
