"""The benchmark of fine-tuning, run small on a made-up library, in this process: rows that fit what was trained."""

import json

import numpy as np
import pytest
import yaml
from miniature import miniature_library, miniature_recipe

from sfhsim.libraries import save_library

OPTIONS = {"filters": [4, 8], "kernels": [16, 4], "strides": [16, 8], "spectrum_units": 8, "decoder_units": [8]}
SHORT = {"epochs": 1, "steps_per_epoch": 4, "augmentation": False}


@pytest.fixture
def transfer(pytestconfig, monkeypatch):
    """The module `benchmarks.transfer` of the checkout."""
    monkeypatch.syspath_prepend(str(pytestconfig.rootpath))
    from benchmarks import transfer

    monkeypatch.setattr(transfer, "in_own_process", lambda *arguments: transfer._train(*map(_plain, arguments)))
    return transfer


def _plain(argument):
    return argument if isinstance(argument, dict) else str(argument)


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    monkeypatch.setenv("SFHSIM_HOME", str(tmp_path / "home"))
    library = miniature_library()
    redder = library.replace(
        name="redder",
        flux=(library.flux * (library.wave_aa / 6000.0) ** 0.5).astype(np.float32),
        ionizing_photon_rate=library.ionizing_photon_rate,
        ionizing_luminosity_lsun=library.ionizing_luminosity_lsun,
    )
    for each in (library, redder):
        save_library(each, tmp_path / "home" / "libraries" / each.name)
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(miniature_recipe()))
    return str(path)


@pytest.mark.slow
def test_figures_of_a_small_comparison(transfer, recipe, tmp_path, capsys):
    kept = tmp_path / "kept"
    summary = transfer.run(
        kept,
        recipe=recipe,
        target="redder",
        sizes=[300],
        source_records=1200,
        n_test=300,
        tuning=SHORT,
        architecture="branched",
        architecture_options=OPTIONS,
        **SHORT,
    )
    rows = {row["name"]: row for row in json.loads(json.dumps(summary))["rows"]}
    assert list(rows) == ["source as it is", "source recalibrated, 300", "fine-tuned, 300", "from nothing, 300"]
    assert summary["ratio_of_most"] == rows["fine-tuned, 300"]["ratio"] / rows["from nothing, 300"]["ratio"]
    assert rows["source as it is"]["cumulative_error"] == rows["source recalibrated, 300"]["cumulative_error"]
    assert rows["source as it is"]["width"] != rows["source recalibrated, 300"]["width"]
    assert len({row["cumulative_error"] for row in rows.values()}) == 3
    assert yaml.safe_load((kept / "target.yaml").read_text())["library"] == "redder"
    said = json.loads((kept / "fine" / "summary.json").read_text())["transfer"]
    assert said["carried"] == said["parameters"]
    transfer.print_table(summary)
    assert "fine-tuned over from nothing with the most: " in capsys.readouterr().out


def test_few_galaxies_are_not_looked_at_for_ever(transfer):
    few, many = (transfer._config(n, 1500, {}) for n in (300, 30_000))
    assert few["batch_size"] < many["batch_size"]
    assert few["epochs"] * few["steps_per_epoch"] < many["epochs"] * many["steps_per_epoch"] == 1500
