"""From cubes to files of maps: what a user calls."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from sfhmodel.errors import ConfigError, InputError
from sfhmodel.mapping.cube import open_cube
from sfhmodel.mapping.histories import BinHook
from sfhmodel.mapping.opened_model import OpenedModel
from sfhmodel.mapping.options import MapOptions
from sfhmodel.mapping.outcome import MapOutcome
from sfhmodel.mapping.progress import Progress
from sfhmodel.mapping.stages import Engine, Here
from sfhmodel.mapping.work import Work
from sfhmodel.spectra import ReadOptions
from sfhmodel.spectra.redshift_tables import read_redshifts
from sfhmodel.spectra.source import plain_name

log = logging.getLogger("sfhmodel.mapping")


def map_cubes(model: str | Path, cubes: Sequence[str | Path], out: str | Path, **rest: Any) -> tuple[MapOutcome, ...]:
    """Maps of several cubes with one model; what is wrong with one does not stop the others.

    Parameters
    ----------
    model, cubes : as of `map_cube`; the model is opened once.
    out : a file for one cube, a folder for ``NAME_maps.fits`` of several.
    rest : as of `map_cube`; pictures of several cubes go into folders of their names, and the redshift of ``reading``
        may be a table of redshifts, by name of the file or in the order of the cubes.

    Raises
    ------
    ConfigError
        See `map_cube`; two cubes of the same name.
    """
    paths, out = [Path(cube) for cube in cubes], Path(out)
    if not paths:
        raise ConfigError("no cubes are given")
    if len(paths) == 1 and out.suffix == ".fits":
        outs = [out]
    else:
        if out.suffix == ".fits":
            raise ConfigError(f"{out}: {len(paths)} cubes need a folder for their maps, not one file")
        outs = [out / f"{plain_name(path)}_maps.fits" for path in paths]
        if len(set(outs)) < len(outs):
            raise ConfigError("two cubes have the same name: map them one by one, or into different folders")
    plots = rest.pop("plots", None)
    opened = OpenedModel(model)
    readings = _readings(rest.pop("reading", None) or ReadOptions(), paths)
    outcomes = []
    for path, maps, reading in zip(paths, outs, readings, strict=True):
        folder = None if plots is None else Path(plots) / ("" if len(paths) == 1 else plain_name(path))
        try:
            outcomes.append(map_cube(opened, path, maps, plots=folder, reading=reading, **rest))
        except InputError as error:
            log.error("%s", error)
            outcomes.append(
                MapOutcome(path, None, problem=str(error) if str(path) in str(error) else f"{path}: {error}")
            )
    return tuple(outcomes)


def _readings(reading: ReadOptions, paths: Sequence[Path]) -> list[ReadOptions]:
    """Of each cube, with its redshift out of a table where that is given."""
    said = reading.redshift
    if said is None or isinstance(said, int | float) or not Path(said).expanduser().is_file():
        return [reading] * len(paths)
    values, _ = read_redshifts(Path(said).expanduser(), [plain_name(path) for path in paths], len(paths))
    return [replace(reading, redshift=float(value)) for value in values]


def map_cube(
    model: Any,
    cube: str | Path,
    out: str | Path,
    *,
    options: MapOptions | None = None,
    reading: ReadOptions | None = None,
    plots: str | Path | None = None,
    overwrite: bool = False,
    hooks: Sequence[BinHook] = (),
    engine: str = "local",
    scheduler: Any = None,
    show_progress: bool = False,
) -> MapOutcome:
    """Maps of one cube.

    The cube is read by rows, twice (three times where velocities have to be found first); finished chunks of bins lie
    in a hidden folder beside ``out``, from which the same call goes on after a kill, with the same result.

    Parameters
    ----------
    model : what `sfhmodel.load` takes, or the `Predictor` that it gives.
    cube : FITS, in a layout that `sfhmodel.spectra` knows.
    out : FITS file of maps; see the README for its extensions.
    options, reading : of the maps, and of the cube's file (its redshift, too).
    plots : folder for pictures.
    overwrite : replace the file if it exists.
    hooks : functions that get the spectra (`BinSpectra`) and `Prediction` of a chunk of bins and give columns (n, ...)
        by name; single numbers become maps, too.
    engine : 'local', or 'dask' for the workers of a Dask cluster that share the cube and the folder of ``out``.
    scheduler : with 'dask', its address or a ``distributed.Client``.
    show_progress : a bar on the terminal.

    Raises
    ------
    InputError
        The cube cannot be used: no redshift, no data, other wavelengths.
    ConfigError
        The file exists, has another ending or cannot be written; a package is missing; an engine that there is not,
        a scheduler that does not answer.
    ModelFileError
        See `sfhmodel.load`.
    """
    from sfhmodel.files import check_new, check_writable

    out = Path(out)
    if out.suffix != ".fits":
        raise ConfigError(f"{out}: maps are written as .fits")
    check_new(out, overwrite)
    check_writable(out)
    options, reading = options or MapOptions(), reading or ReadOptions()
    opened = model if isinstance(model, OpenedModel) else OpenedModel(model)
    with (
        _engine(engine, scheduler) as maker,
        open_cube(cube, reading) as source,
        Progress(show_progress) as progress,
    ):
        work = Work(opened, source, out, options, reading, tuple(hooks), progress, maker)
        return work.run(overwrite, None if plots is None else Path(plots))


@contextmanager
def _engine(name: str, scheduler: Any) -> Iterator[Engine]:
    """The engine of this name."""
    if name == "dask":
        from sfhmodel.mapping.cluster import OnCluster
        from sfhsim.dask_cluster import DaskCluster

        with DaskCluster(scheduler, ConfigError) as cluster:
            yield OnCluster(cluster)
        return
    if name != "local":
        raise ConfigError(f"no engine {name!r}: there are local and dask")
    if scheduler is not None:
        raise ConfigError("a scheduler's address needs the engine dask (`--engine dask`)")
    yield Here()
