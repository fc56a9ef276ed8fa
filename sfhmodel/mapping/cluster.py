"""Chunks of bins made by the workers of a Dask cluster, which all see the cube and the maps' folder.

The command alone writes: what workers make comes back to it and is kept in the folder of the run, where the workers
read what earlier steps found. Which engine made a chunk leaves no trace in the maps.
"""

from __future__ import annotations

import socket
import threading
import uuid
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from sfhmodel.errors import ConfigError
from sfhmodel.mapping.cube import open_cube
from sfhmodel.mapping.histories import BinHook
from sfhmodel.mapping.opened_model import OpenedModel
from sfhmodel.mapping.options import MapOptions
from sfhmodel.mapping.parts import Parts
from sfhmodel.mapping.progress import Progress
from sfhmodel.mapping.stages import Here, Made, Stage
from sfhmodel.mapping.work import Work
from sfhmodel.spectra import ReadOptions
from sfhsim.dask_cluster import DaskCluster
from sfhsim.plugins import load_plugin, loaded_plugins

_MOST_CHUNKS = 8  # of a task: what comes back at once


class OnCluster:
    """Has chunks made by the workers of a Dask cluster, some that follow each other in a task."""

    def __init__(self, cluster: DaskCluster):
        self._cluster = cluster
        self._job: MapJob | None = None

    def run(self, stage: Stage, done: set[int], work: Work) -> Made:
        """See `Engine`."""
        if self._job is None:
            self._job = MapJob.of(work)
        todo = [k for k in range(len(stage.chunks.members)) if k not in done]
        if not todo:
            return
        size = int(np.clip(len(todo) // max(3 * self._cluster.n_threads, 1), 1, _MOST_CHUNKS))
        groups = [todo[k : k + size] for k in range(0, len(todo), size)]
        tasks = ((f"{stage.name}-{group[0]}", (self._job, stage.name, group)) for group in groups)
        for made in self._cluster.results(make_chunks, tasks, f"making maps of {work.cube.path}"):
            yield from made


@dataclass(frozen=True, eq=False)
class MapJob:
    """What a worker opens: the same model, cube and options, and the folder of the run.

    Attributes
    ----------
    key : of the run.
    model, model_sha256 : name or path, and what its file must be.
    cube, out : paths that every worker sees.
    options, reading, hooks : see `map_cube`.
    plan : of the run, see `Parts`.
    plugins : modules to import first.
    """

    key: str
    model: str
    model_sha256: str
    cube: Path
    out: Path
    options: MapOptions
    reading: ReadOptions
    hooks: tuple[BinHook, ...]
    plan: dict[str, Any]
    plugins: tuple[str, ...] = field(default_factory=loaded_plugins)

    @classmethod
    def of(cls, work: Work) -> MapJob:
        """The job of a run, with paths that do not depend on where a worker stands."""
        name = work.model.name
        return cls(
            key=uuid.uuid4().hex,
            model=str(Path(name).absolute()) if Path(name).exists() else name,
            model_sha256=work.model.sha256,
            cube=work.cube.path.absolute(),
            out=work.out.absolute(),
            options=work.options.with_absolute_paths(),
            reading=replace(work.reading, redshift=work.cube.redshift),
            hooks=work.hooks,
            plan=work.plan,
        )

    def open(self, stack: ExitStack) -> OpenedRun:
        """The run as a worker sees it, until ``stack`` is closed.

        Raises
        ------
        ConfigError
            The worker does not see the files of the run, or has another model under this name.
        InputError, ModelFileError
            See `map_cube`.
        """
        for plugin in self.plugins:
            load_plugin(plugin)
        here = f"a worker on {socket.gethostname()}"
        parts = Parts(self.out, self.plan)
        if not (self.cube.exists() and parts.is_of_plan()):
            raise ConfigError(
                f"{here} does not see {self.cube} and {parts.folder} as the command does: keep both on a file system "
                "that every worker shares"
            )
        model = OpenedModel(self.model)
        if model.sha256 != self.model_sha256:
            raise ConfigError(f"{here} has another model {self.model} than the command: install the same")
        cube = stack.enter_context(open_cube(self.cube, self.reading))
        work = Work(model, cube, self.out, self.options, self.reading, self.hooks, Progress(False), Here())
        work.prepare()
        return OpenedRun(self.key, work, parts)


@dataclass(eq=False)
class OpenedRun:
    """A run in a worker process."""

    key: str
    work: Work
    parts: Parts
    _stages: dict[str, Stage] = field(default_factory=dict)

    def stage(self, name: str) -> Stage:
        """One of its stages, with what earlier ones found."""
        if name not in self._stages:
            self._stages[name] = self.work.stage(self.parts, name)
        return self._stages[name]


class _Worker:
    """The run that this process works on: one, as a model and tables of a cube are large."""

    def __init__(self):
        self._lock, self._stack = threading.Lock(), ExitStack()
        self._run: OpenedRun | None = None

    def make(self, job: MapJob, stage: str, numbers: list[int]) -> list[tuple[int, dict[str, np.ndarray]]]:
        with self._lock:  # threads of a worker take turns: model and kernels have threads of their own
            if self._run is None or self._run.key != job.key:
                self._run = None
                self._stack.close()
                self._run = job.open(self._stack)
            opened = self._run.stage(stage)
            others = set(range(len(opened.chunks.members))) - set(numbers)
            return list(opened.make(others))


_WORKER = _Worker()


def make_chunks(job: MapJob, stage: str, numbers: list[int]) -> list[tuple[int, dict[str, np.ndarray]]]:
    """Number and columns of some chunks of a stage; what a worker does."""
    return _WORKER.make(job, stage, numbers)
