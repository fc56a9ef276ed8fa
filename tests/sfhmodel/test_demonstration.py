"""`sfhmodel demo`: observed galaxies where they can be had, a simulated one elsewhere."""

import tarfile
from contextlib import contextmanager

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from sfhmodel import demonstration
from sfhmodel.cli.demo import register
from sfhmodel.demonstration import demonstrate, observed_spectra
from sfhmodel.errors import ConfigError
from sfhmodel.files import file_sha256
from sfhsim.errors import MissingDataError


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SFHSIM_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "observed"


@pytest.fixture
def index(tmp_path, cache, monkeypatch):
    """An index whose distribution holds a made-up spectrum; gives what was fetched so far."""
    wave_aa = np.linspace(4700.0, 7200.0, 2000)
    lines = "\n".join(f"{w:.3f} {1.0 + 0.1 * np.sin(w / 200.0):.5f} 0.02" for w in wave_aa)
    spectrum = tmp_path / "galaxy.txt"
    spectrum.write_text(f"# wave_aa flux flux_error\n{lines}\n")
    with tarfile.open(tmp_path / "sdist.tar.gz", "w:gz") as archive:
        archive.add(spectrum, f"{demonstration._FOLDER}/galaxy.txt")
    fetched = []

    @contextmanager
    def obtain(artifact, given, workspace, say):
        assert workspace.is_dir()
        fetched.append(artifact.requirement)
        yield tmp_path / "sdist.tar.gz"

    monkeypatch.setattr(demonstration, "obtain", obtain)
    monkeypatch.setattr(demonstration, "SPECTRA", {"galaxy.txt": file_sha256(spectrum)})
    return fetched


def offline(monkeypatch):
    def obtain(*_):
        raise MissingDataError("no network")

    monkeypatch.setattr(demonstration, "obtain", obtain)


def test_observed_galaxies_are_fetched_once(index, cache, tmp_path):
    for _ in range(2):
        outcome = demonstrate(tmp_path / "out", backend="onnx")
        assert outcome.ok
        assert {path.name for path in (tmp_path / "out").iterdir()} == {"histories.ecsv", "galaxy.png"}
    assert index == ["ppxf==8.2.6"]
    (cache / "galaxy.txt").write_text("damaged")
    observed_spectra()
    assert len(index) == 2
    assert file_sha256(cache / "galaxy.txt") == demonstration.SPECTRA["galaxy.txt"]
    assert [path.name for path in cache.iterdir()] == ["galaxy.txt"]


def test_offline_a_simulated_one(cache, tmp_path, monkeypatch):
    offline(monkeypatch)
    app = typer.Typer()
    app.callback()(lambda: None)
    register(app)
    done = CliRunner().invoke(app, ["demo", "--out", str(tmp_path / "out"), "--backend", "onnx"])
    assert done.exit_code == 0
    assert "no observed galaxy is within reach (no network): here is a simulated one" in done.output
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"histories.ecsv", "simulated.npz", "simulated.png"}


def test_a_cache_that_cannot_be_written(cache, tmp_path):
    cache.parent.write_text("a file")
    with pytest.raises(ConfigError, match="cannot write .*observed: .*make room there, or name another cache"):
        demonstrate(tmp_path / "out")


def test_what_is_known_of_the_real_ones(download_cache, cache, tmp_path):
    """Young and old: the order that McDermid et al. (2015) find, and the age of the old one."""
    prediction = demonstrate(tmp_path / "out").prediction
    age = prediction.summaries[:, prediction.description.summary_names.index("mean_log10_age_yr_mass")]
    assert prediction.names == ("NGC3073_SDSS_DR8", "NGC3522_SDSS_DR8")
    assert age[0] < np.log10(7e9)
    assert age[1] == pytest.approx(np.log10(11.5e9), abs=0.15)
    assert not prediction.unlike_training.any()
