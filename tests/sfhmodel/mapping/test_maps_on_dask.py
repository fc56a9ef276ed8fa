"""Maps made by the real worker process of a Dask cluster: the file that this process makes."""

import os
import signal
import sys
import threading
import time

import numpy as np
import pytest
import small_cubes
from astropy.io import fits

from sfhmodel.errors import ConfigError
from sfhmodel.mapping import MapOptions, map_cube
from sfhmodel.spectra import ReadOptions

distributed = pytest.importorskip("distributed")
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.usefixtures("_quiet")]
MODEL, AT = "phangs-muse-hst", ReadOptions(redshift=0.005)


@pytest.fixture
def _quiet(monkeypatch):
    import logging

    for name in ("distributed", "distributed.nanny", "distributed.scheduler", "distributed.worker"):
        monkeypatch.setattr(logging.getLogger(name), "disabled", True)


@pytest.fixture(scope="module")
def cluster():
    """A worker process on this machine; another one takes its place when it dies."""
    import dask

    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 10}),
        distributed.LocalCluster(n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
    ):
        yield cluster


@pytest.fixture(scope="module")
def cube(tmp_path_factory):
    return small_cubes.make_cube(tmp_path_factory.mktemp("cube") / "cube.fits")


def _kill_a_worker_after(folder, cluster, killed):
    """Once a chunk of histories is kept, SIGKILL the process of the worker."""
    with distributed.Client(cluster) as client:
        pids = client.run(os.getpid)
        until = time.monotonic() + 120.0
        while not list(folder.glob("histories-*.npz")) and time.monotonic() < until:
            time.sleep(0.01)
        killed.append(len(list(folder.glob("histories-*.npz"))))
        os.kill(next(iter(pids.values())), signal.SIGKILL)


def test_a_cluster_whose_worker_is_killed_makes_the_same_file(cube, cluster, tmp_path, monkeypatch):
    """Velocities, extinction and histories are made there, from another folder, and a hook's columns come back."""
    fits.PrimaryHDU(np.full((6, 8), 0.1)).writeto(cube.path.with_name("ebv.fits"))
    monkeypatch.chdir(cube.path.parent)
    options = MapOptions(bins="spaxel", ebv="ebv.fits", chunk_size=6)
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()

    def brightness(spectra, prediction):
        import time

        time.sleep(0.3)  # so that the worker dies before the last chunk
        return {"brightness": spectra.flux.mean(axis=1)}

    killed = []
    there = tmp_path / "there" / "maps.fits"
    killer = threading.Thread(target=_kill_a_worker_after, args=(there.with_name(".maps.fits.parts"), cluster, killed))
    killer.start()
    common = {"options": options, "reading": AT, "hooks": [brightness]}
    map_cube(MODEL, "cube.fits", there, engine="dask", scheduler=cluster.scheduler_address, **common)
    killer.join()
    assert 0 < killed[0] < 8
    map_cube(MODEL, "cube.fits", tmp_path / "here" / "maps.fits", **common)
    assert there.read_bytes() == (tmp_path / "here" / "maps.fits").read_bytes()
    assert not list(there.parent.glob(".*"))


def test_errors_of_workers_arrive_as_they_are(cube, cluster, tmp_path):
    def fails(spectra, prediction):
        raise ValueError("hook failed")

    options = MapOptions(bins="square:3", velocity="0")
    with distributed.Client(cluster) as client, pytest.raises(ValueError, match="hook failed"):
        map_cube(
            MODEL, cube.path, tmp_path / "m.fits", options=options, reading=AT, hooks=[fails],
            engine="dask", scheduler=client,
        )  # fmt: skip


def test_a_worker_that_sees_other_files_or_another_model_says_so(cube, tmp_path):
    from contextlib import ExitStack
    from dataclasses import replace

    from sfhmodel.mapping.cluster import MapJob
    from sfhmodel.mapping.opened_model import OpenedModel
    from sfhmodel.mapping.parts import Parts

    sha256 = OpenedModel(MODEL).sha256
    plan = {"of": "this run"}
    job = MapJob("k", MODEL, sha256, cube.path, tmp_path / "m.fits", MapOptions(), AT, (), plan)
    with Parts(job.out, plan), ExitStack() as stack:
        assert job.open(stack).key == "k"
        for wrong in (replace(job, plan={"of": "another"}), replace(job, cube=tmp_path / "elsewhere.fits")):
            with pytest.raises(ConfigError, match="a file system that every worker shares"):
                wrong.open(stack)
        with pytest.raises(ConfigError, match="another model phangs-muse-hst than the command"):
            replace(job, model_sha256="0" * 64).open(stack)


def test_engines_that_cannot_be(cube, tmp_path, monkeypatch):
    def asked(**choice):
        map_cube(MODEL, cube.path, tmp_path / "m.fits", reading=AT, **choice)

    with pytest.raises(ConfigError, match="no engine 'slurm': there are local and dask"):
        asked(engine="slurm")
    with pytest.raises(ConfigError, match="needs the engine dask"):
        asked(scheduler="tcp://127.0.0.1:9")
    with pytest.raises(ConfigError, match="needs a scheduler's address"):
        asked(engine="dask")
    import dask

    with (
        dask.config.set({"distributed.comm.timeouts.connect": "0.2s"}),
        pytest.raises(ConfigError, match="no Dask scheduler answers at tcp://127.0.0.1:9"),
    ):
        asked(engine="dask", scheduler="tcp://127.0.0.1:9")
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ConfigError, match=r"pip install sfhsim\[dask\]"):
        asked(engine="dask", scheduler="tcp://127.0.0.1:9")
