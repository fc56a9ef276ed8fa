"""The throughput benchmark, run small on a made-up library: what it reports, and that it refuses wrong spectra.

No rate is held against anything here: only that each is there, and what the checks of the benchmark notice.
"""

import dataclasses
import json
import sys

import numpy as np
import pytest
import yaml
from miniature import miniature_library, miniature_recipe

from sfhsim.libraries import save_library

KEYS = {
    "in_memory_per_s", "in_memory_1core_per_s", "per_galaxy_kinematics_per_s", "to_disk_per_s", "raw_disk_bytes_per_s",
    "record_bytes", "gemm_per_s", "dsps_per_s", "bagpipes_per_s", "prospect_per_s", "peak_rss_mb", "read_back_per_s",
    "ratios", "machine", "to_disk_float16_per_s", "read_back_float16_per_s", "record_bytes_float16",
    "first_spectrum_s", "first_spectrum_uncached_s",
}  # fmt: skip
RATIOS = {
    "in_memory_over_gemm", "per_galaxy_kinematics_over_gemm", "in_memory_over_dsps", "in_memory_over_bagpipes",
    "to_disk_over_limit", "two_workers_over_one", "read_back_over_to_disk", "to_disk_float16_over_to_disk",
    "read_back_float16_over_read_back", "two_workers_over_one_in_memory",
}  # fmt: skip
OF_PEERS = {"dsps_per_s", "bagpipes_per_s", "prospect_per_s", "read_back_per_s", "read_back_float16_per_s"}
RATIOS_TO_PEERS = {
    "in_memory_over_dsps", "in_memory_over_bagpipes", "read_back_over_to_disk", "read_back_float16_over_read_back",
}  # fmt: skip


@pytest.fixture
def throughput(pytestconfig, monkeypatch):
    """The module `benchmarks.throughput` of the checkout."""
    monkeypatch.syspath_prepend(str(pytestconfig.rootpath))
    from benchmarks import throughput

    return throughput


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    save_library(miniature_library(), folder / "libraries" / "miniature")
    return folder


@pytest.fixture
def recipe(home, tmp_path, monkeypatch) -> str:
    """A cheap recipe on the made-up library; kinematics that leave room for those drawn per galaxy."""
    monkeypatch.setenv("SFHSIM_HOME", str(home))
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump(miniature_recipe()))
    return str(path)


def test_a_small_run_reports_everything(throughput, recipe, tmp_path, monkeypatch, capsys):
    arguments = ["throughput", "--quick", "--rounds", "1", "--seconds", "0.02", "--batch", "8", "--recipe", recipe]
    arguments += ["--scratch", str(tmp_path), "--json", str(tmp_path / "out.json")]
    monkeypatch.setattr(sys, "argv", arguments)
    before = set(tmp_path.iterdir())
    throughput.main()
    summary = json.loads((tmp_path / "out.json").read_text())
    assert set(summary) == KEYS
    assert set(summary["ratios"]) == RATIOS
    assert set(summary["machine"]) == {"cores", "cpu"}
    measured = {key for key in KEYS - {"ratios", "machine"} if summary[key] is not None}
    assert measured == KEYS - {"ratios", "machine"} - OF_PEERS
    assert all(summary[key] > 0 for key in measured)
    assert {key for key in RATIOS if summary["ratios"][key] is None} == RATIOS_TO_PEERS
    assert set(tmp_path.iterdir()) == before | {tmp_path / "out.json"}  # the scratch is removed
    printed = " ".join(capsys.readouterr().out.split())
    for words in ("photometry, noise, labels", "float32", "not run: not asked for", "2 workers", "fsync'd"):
        assert words in printed


def test_wrong_spectra_are_not_timed(throughput, recipe, tmp_path, monkeypatch):
    from sfhsim import Simulator

    simulate = Simulator.simulate

    def a_little_wrong(self, draws):
        batch = simulate(self, draws)
        return dataclasses.replace(batch, noise_free_spectrum=batch.noise_free_spectrum * np.float32(1.001))

    fixed, drawn = throughput.compile_simulators(recipe)
    throughput.check_agreement(fixed)
    throughput.check_agreement(drawn)
    assert not drawn.spectrograph.fixed
    monkeypatch.setattr(Simulator, "simulate", a_little_wrong)
    for simulator in (fixed, drawn):
        with pytest.raises(AssertionError, match="galaxy 0 of small differs from the reference path by 1.0e-03 rms"):
            throughput.check_agreement(simulator)
    with pytest.raises(AssertionError, match="differs from the reference path"):
        throughput.run(recipe, 0.01, 1, scratch=tmp_path)


def test_wrong_records_are_noticed(throughput, recipe, tmp_path):
    import contextlib

    from sfhsim import generate_dataset

    fixed, drawn = throughput.compile_simulators(recipe)
    with contextlib.ExitStack() as stack:
        disk = throughput.Disk(recipe, fixed, tmp_path, stack)
        for precision in ("float32", "float16"):
            generate_dataset(fixed, 20, disk.folder_of(2, precision), precision=precision)
        disk.check_written()
        disk.simulator = drawn
        with pytest.raises(AssertionError, match="of the written records is not what the simulator makes"):
            disk.check_written()


def contestant(throughput, key, rates):
    return throughput.Contestant(key, "", None, rates=rates)


def test_ratios_are_medians_over_the_rounds(throughput, capsys):
    rates = {
        "in_memory": [10.0, 40.0, 90.0],
        "gemm": [20.0, 40.0, 30.0],  # 0.5, 1, 3
        "in_memory_1core": [1.0, 1.0, 1.0],
        "per_galaxy_kinematics": [2.0, 2.0, 2.0],
        "to_disk": [8.0, 8.0, 8.0],
        "raw_disk": [1600.0, 1600.0, 500.0],  # 16, 16, 5 records: limits 10, 16, 5
        "to_disk_1worker": [4.0, 5.0, 8.0],
        "dsps": [5.0, 4.0, 3.0],  # 2, 10, 30
        "bagpipes": [],
        "prospect": [],
        "read_back": [4.0, 16.0, 24.0],
        "to_disk_float16": [16.0, 12.0, 8.0],
        "read_back_float16": [4.0, 24.0, 48.0],
        "in_memory_1worker": [1.0, 2.0, 2.0],
        "in_memory_2workers": [1.5, 3.6, 4.0],
        "first_spectrum": [0.8, 0.9, 0.7],
        "first_spectrum_uncached": [2.0, 3.0, 1.0],
    }
    summary = throughput.summarise({k: contestant(throughput, k, v) for k, v in rates.items()}, 100, 52.0, 1.0)
    assert summary["in_memory_per_s"] == 40.0
    assert summary["ratios"] == {
        "in_memory_over_gemm": 1.0,
        "per_galaxy_kinematics_over_gemm": pytest.approx(2 / 30),
        "in_memory_over_dsps": 10.0,
        "in_memory_over_bagpipes": None,
        "to_disk_over_limit": 0.8,
        "two_workers_over_one": 1.6,
        "read_back_over_to_disk": 2.0,
        "to_disk_float16_over_to_disk": 1.5,
        "read_back_float16_over_read_back": 1.5,
        "two_workers_over_one_in_memory": 1.8,
    }
    assert (summary["first_spectrum_s"], summary["first_spectrum_uncached_s"]) == (0.8, 2.0)
    assert json.loads(capsys.readouterr().out) == summary


def test_a_worker_that_cannot_start_is_absent(throughput, tmp_path):
    from benchmarks.peers import Absent, Worker

    (tmp_path / "jax.py").write_text("raise ModuleNotFoundError('no jax', name='jax')\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(tmp_path))
        with pytest.raises(Absent, match="has no module jax"):
            Worker.of("dsps", templates="", float32=False)
    with pytest.raises(Absent, match="ended with status 3"):
        Worker([sys.executable, "-c", "raise SystemExit(3)"])


def test_rates_of_workers_add_up(throughput):
    from benchmarks.peers import Worker

    answers = "print('{}', flush=True); input(); print('{\"count\": 6, \"seconds\": 2}')"
    crew = [Worker([sys.executable, "-c", answers]) for _ in range(2)]
    assert throughput.together(crew, {"seconds": 1.0}) == {"count": 6.0, "seconds": 1.0}
    with pytest.raises(RuntimeError, match="ended with status 0"):
        crew[0].finish()
    for worker in crew:
        worker.close()


def test_a_start_that_fails_is_said(throughput, recipe, tmp_path):
    start = throughput.StartUp(recipe, tmp_path)
    assert start.with_cache()["count"] > 0
    (path,) = (tmp_path / "cache" / "compiled").iterdir()
    assert start.without_cache()["count"] > 0
    assert [path] == list((tmp_path / "cache" / "compiled").iterdir())
    with pytest.raises(RuntimeError, match=r"(?s)the first spectrum of nowhere was not made: .*no recipe 'nowhere'"):
        throughput.StartUp("nowhere", tmp_path).with_cache()


def test_a_prediction_that_fails_or_differs_is_said(throughput, tmp_path):
    from benchmarks.startup import PredictionStart

    start = PredictionStart("phangs-muse-hst", tmp_path)
    wall, cpu = start.once("onnx")
    assert wall > 0.1
    assert cpu > 0.1
    start._answer = start._answer + 0.01
    with pytest.raises(RuntimeError, match="phangs-muse-hst with backend onnx answers otherwise than before"):
        start.once("onnx")
    with pytest.raises(RuntimeError, match=r"(?s)nobody did not predict: .*no preset 'nobody'"):
        PredictionStart("nobody", tmp_path).once("onnx")


def test_peak_memory_counts_offspring(throughput):
    from benchmarks.disk import peak_memory, resident_bytes
    from benchmarks.peers import Worker

    big = "import time; held = b'1' * 200_000_000; print('{}', flush=True); input()"
    script = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {big!r}])"
    worker = Worker([sys.executable, "-c", script])
    with peak_memory(worker.process.pid, every_s=0.001) as peak:
        while not peak[0]:
            pass
    worker.close()
    assert 200e6 < peak[0] < 400e6
    assert resident_bytes(worker.process.pid) == 0


def test_the_picture_of_how_cost_grows(throughput, recipe, tmp_path, monkeypatch):
    from benchmarks import growth

    monkeypatch.setattr(growth, "BATCH_SIZES", (1, 4))
    monkeypatch.setattr(growth, "AGE_COUNTS", (6, 12))
    monkeypatch.setattr(growth, "BATCH", 4)
    drawn = {}
    draw = growth.draw
    monkeypatch.setattr(growth, "draw", lambda *a: drawn.update(sizes=a[2], curves=(a[1], a[3])) or draw(*a))
    assert growth.plot_growth(recipe, 0.01, tmp_path / "growth.png").read_bytes().startswith(b"\x89PNG")
    assert drawn["sizes"] == [24, 48]
    assert all(len(values) == 2 and min(values) > 0 for curves in drawn["curves"] for values in curves.values())
