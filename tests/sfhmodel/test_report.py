"""Reports: written whole or not at all, in one page that needs nothing else; from Python and the command line."""

import base64
import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser

import numpy as np
import pytest
from evaluated_galaxies import made_up_results
from miniature import miniature_library, miniature_recipe
from small_networks import OPTIONS

from sfhmodel.data import SplitRecords, TrainingData
from sfhmodel.data.shard_reader import ShardReader
from sfhmodel.description import OUTPUT_NAMES
from sfhmodel.errors import ConfigError, InputError, ModelFileError, TrainingDataError
from sfhmodel.evaluation import collect, evaluate, metrics_of
from sfhmodel.evaluation.figures import pictures
from sfhmodel.evaluation.folder import FIGURES, FORMAT, METRICS, PAGE, report_folder
from sfhmodel.evaluation.picture_inputs import PictureInputs
from sfhmodel.evaluation.prior import prior_mean
from sfhmodel.evaluation.report_tables import group_table, headline
from sfhmodel.evaluation.watched_model import WatchedModel
from sfhmodel.model import build_model
from sfhmodel.truth import signal_to_noise, truth_of
from sfhsim import Simulator, folders, generate_dataset
from sfhsim.recipe.loading import recipe_from_dict

SPLIT = {"train": 0.5, "test": 0.5}
ALWAYS = {"summaries", "age_bins", "smape", "dependence", "coverage", "novelty"}


def make_dataset(folder, n=120, split=SPLIT, **sections):
    spectrum = {"start_aa": 4800.0, "stop_aa": 5600.0, "step_aa": 8.0}
    recipe = miniature_recipe(**({"spectrum": spectrum, "nebular": {"model": "none"}} | sections))
    generate_dataset(Simulator(recipe_from_dict(recipe), miniature_library()), n, folder, split=split)
    return folder


def untrained(data, architecture="attention", **options):
    model = build_model(data.description, architecture, architecture_options=OPTIONS[architecture], **options)
    model.fit_normalization([(batch.inputs, batch.truths) for batch in batches_of(data, "train", 50)])
    return model


def batches_of(data, split, n=None, batch_size=50):
    """The first n records of a split, all by default."""
    records = SplitRecords(data, split)
    return records.batches(range(len(records) if n is None else n), batch_size)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return make_dataset(tmp_path_factory.mktemp("report") / "set")


@pytest.fixture(scope="module")
def data(dataset):
    return TrainingData(dataset)


@pytest.fixture(scope="module")
def model(data):
    return untrained(data)


@pytest.fixture(scope="module")
def test_ids(data):
    return SplitRecords(data, "test").sample_id.tolist()


@pytest.fixture(scope="module")
def report(model, dataset, test_ids, tmp_path_factory):
    """A report and the metrics that were returned."""
    out = tmp_path_factory.mktemp("made") / "new" / "report"
    metrics = evaluate(model, dataset, out, samples=[test_ids[5]], random=4, batch_size=16)
    return out, metrics


@pytest.fixture
def undrawn(monkeypatch):
    """The galaxies that would have been shown: for tests that are not about the pictures."""
    shown = []

    def write(folder, results, metrics, **options):
        shown.append(options["shown"])
        (folder / METRICS).write_text(json.dumps(metrics))

    monkeypatch.setattr("sfhmodel.evaluation.run.write_report", write)
    return shown


class Page(HTMLParser):
    """What a page refers to, and its pictures."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.links, self.pictures = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        for name, value in attrs:
            if name == "src" and value.startswith("data:image/png;base64,"):
                self.pictures.append(base64.b64decode(value.partition(",")[2], validate=True))
            elif name in ("src", "href", "srcset", "data", "poster", "action"):
                self.links.append(value)


def test_the_report_is_all_there(report, test_ids):
    out, metrics = report
    assert sorted(p.name for p in out.iterdir()) == sorted([METRICS, PAGE, FIGURES])
    assert {p.stem for p in (out / FIGURES).iterdir()} == ALWAYS | {"galaxies_1", "galaxies_2", "attention"}
    assert json.loads((out / METRICS).read_text()) == metrics
    assert metrics["format"] == FORMAT
    assert metrics["n_galaxies"] == len(test_ids)
    assert metrics["model"]["architecture"] == "attention"
    assert metrics["inference_rate"] > 0
    assert not list(out.parent.glob(".*"))


def test_the_page_needs_nothing_else(report):
    text = (report[0] / PAGE).read_text(encoding="utf-8")
    page = Page(text)
    assert page.links == []
    assert not {"script", "link", "iframe", "object", "embed"} & set(page.tags)
    without_pictures = re.sub(r"base64,[^\"]*", "", text)
    assert not re.search(r"https?:|//|@import|url\(", without_pictures)
    assert 'name="viewport"' in text
    assert "@media print" in text


def test_the_page_shows_the_pictures_and_the_numbers(report):
    out, metrics = report
    text = (out / PAGE).read_text(encoding="utf-8")
    assert sorted(Page(text).pictures) == sorted(p.read_bytes() for p in (out / FIGURES).iterdir())
    assert f"{metrics['cumulative_error']:.4f}" in text
    assert all(name in text for name in metrics["conventions"])
    assert all(value in text for _, value in headline(metrics))


def test_the_metrics_are_those_of_the_results(report, model, data):
    metrics = report[1]
    results = collect(model, batches_of(data, "test"), data.description.truth_names)
    train = np.concatenate([b.truths["mass_fraction"] for b in batches_of(data, "train")]).astype(float)
    again = metrics_of(results, train.mean(axis=0))
    for name in ("cumulative_error", "prior_mean_cumulative_error", "metallicity_error", "mass_fraction_smape"):
        assert metrics[name] == pytest.approx(again[name], rel=1e-5)
    assert metrics["prior_mean"] == f"{len(train)} galaxies of the data set's training split"


def test_results_do_not_depend_on_the_batches(model, data, test_ids):
    once, parts = (collect(model, batches_of(data, "test", 21, size)) for size in (21, 8))
    for name in OUTPUT_NAMES:
        np.testing.assert_allclose(getattr(parts, name), getattr(once, name), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(once.truth.sample_id, test_ids[:21])
    assert once.names == tuple(map(str, test_ids[:21]))
    assert once.inputs is None
    assert once.inference_rate is None  # its only batch was compiled
    assert parts.inference_rate > 0


def test_answers_are_those_of_the_model(model, data):
    results = collect(model, batches_of(data, "test", 9), keep_inputs=True)
    answers = model(results.inputs, training=False)
    for name in OUTPUT_NAMES:
        np.testing.assert_allclose(getattr(results, name), np.asarray(answers[name]), rtol=1e-4, atol=1e-5)


def test_a_limit_takes_the_first_records(model, dataset, tmp_path, undrawn):
    seen = []
    metrics = evaluate(
        model, dataset, tmp_path / "r", limit=11, random=0, progress=lambda *told: seen.append(told), batch_size=4
    )
    assert metrics["n_galaxies"] == 11
    assert [done for what, done, total in seen if what == "galaxies evaluated" and total == 11] == [4, 4, 3]
    assert undrawn == [None]


def test_galaxies_are_drawn_at_random_by_the_seed(model, dataset, test_ids, tmp_path, undrawn):
    for seed in (5, 5, 6):
        evaluate(model, dataset, tmp_path / "r", limit=20, samples=test_ids[30:32], random=4, seed=seed)
    first, again, other = (shown.truth.sample_id.tolist() for shown in undrawn)
    assert first == again != other
    assert first[:2] == test_ids[30:32]  # beyond the limit, but asked for
    assert set(first[2:]) <= set(test_ids[:20])
    assert len(set(first)) == 6


def test_a_model_without_attention_has_no_weights(data):
    branched, pictured = untrained(data, "branched"), PictureInputs([])
    results = collect(branched, batches_of(data, "test", 5), on_batch=pictured.see)
    assert pictured.attention(branched, results) is None
    assert pictured.shown(results) is None


def test_every_record_is_read_and_answered_once(model, data, dataset, tmp_path, undrawn, monkeypatch):
    read, answered = [], []
    features, call = ShardReader.features, WatchedModel.answers
    monkeypatch.setattr(ShardReader, "features", lambda self, k: read.extend(k) or features(self, k))
    monkeypatch.setattr(WatchedModel, "answers", lambda self, i: answered.extend(i["flux"][:, 0]) or call(self, i))
    uniform = np.full(data.description.n_age_bin, 1 / data.description.n_age_bin)
    beyond = SplitRecords(data, "test").sample_id[[40, 3]]
    evaluate(model, dataset, tmp_path / "r", limit=21, random=2, samples=beyond, batch_size=8, prior_mean=uniform)
    assert read == [*range(21), 40]
    assert len(answered) == 22
    shown = undrawn[0]
    assert shown.truth.sample_id[:2].tolist() == beyond.tolist()
    by_id = {i: b for b in batches_of(data, "test", batch_size=1) for i in b.sample_id}
    for k, sample in enumerate(shown.truth.sample_id):
        np.testing.assert_array_equal(shown.flux[k], by_id[sample].inputs["flux"][0])


def test_a_model_from_a_file_or_run(model, data, tmp_path, undrawn):
    (tmp_path / "run").mkdir()
    model.save(tmp_path / "run" / "model.keras")
    found = [
        evaluate(path, data, tmp_path / "r", limit=10, random=0)
        for path in (tmp_path / "run", str(tmp_path / "run" / "model.keras"))
    ]
    assert found[0]["cumulative_error"] == pytest.approx(found[1]["cumulative_error"], rel=1e-6)
    assert found[1]["model"]["source"].endswith("model.keras")


def test_weights_of_attention_are_those_of_the_first_galaxies(model, data):
    pictured = PictureInputs([], n_attention=20)
    results = collect(model, batches_of(data, "test", 30, 8), keep_inputs=True, on_batch=pictured.see)
    found = pictured.attention(model, results)
    np.testing.assert_allclose(found.weights.sum(axis=1), 1.0, rtol=1e-5)
    assert found.weights.shape == (20, found.token_wave_aa.size)
    weights, wave_aa = model.attention_weights(results[:20].inputs)
    np.testing.assert_allclose(found.weights, weights, rtol=1e-4)
    np.testing.assert_array_equal(found.token_wave_aa, wave_aa)


def test_the_truth_of_records(data):
    record = next(iter(data.records(data.parts("test")[0].shard)))
    batch = next(batches_of(data, "test", 3))
    np.testing.assert_array_equal(batch.inputs["flux"][0], record["spectrum"])
    assert np.all(batch.inputs["mask"] == 1)
    truth = truth_of(batch, data.description.truth_names)
    np.testing.assert_allclose(10.0 ** truth.log10_metallicity[0], record["metallicity"], rtol=1e-4)
    assert truth.a_v_mag[0] == record["truth"][data.description.truth_names.index("a_v_mag")]
    assert truth.sample_id[0] == record["sample_id"]


def test_signal_to_noise_is_of_the_pixels_used():
    inputs = {
        "flux": np.array([[1.0, 2.0, 3.0, 9.0], [1.0, np.nan, 3.0, 4.0], [1.0, 1.0, 1.0, 1.0]]),
        "flux_error": np.array([[1.0, 1.0, 1.0, 1.0], [0.5, 1.0, 1.0, 0.0], [0.0, 0.0, np.nan, -1.0]]),
        "mask": np.array([[1, 1, 1, 0], [1, 1, 1, 1], [1, 1, 1, 1]]),
    }
    np.testing.assert_array_equal(signal_to_noise(inputs), [2.0, 2.5, np.inf])


def test_the_prior_mean_of_what_there_is(model, tmp_path):
    data = TrainingData(make_dataset(tmp_path / "set", n=20, split={"test": 1.0}))
    results = collect(model, batches_of(data, "test"))
    mean, words = prior_mean(data, results)
    np.testing.assert_allclose(mean, results.truth.mass_fraction.mean(axis=0), rtol=1e-5)
    assert "evaluated galaxies themselves" in words
    uniform = np.full(data.description.n_age_bin, 1 / data.description.n_age_bin)
    assert prior_mean(data, results, uniform)[1] == "given by the caller"


@pytest.mark.parametrize("wrong", [np.full(3, 1 / 3), np.full(16, 0.1), np.append(np.full(15, 0.1), -0.5)])
def test_prior_means_that_are_none(wrong, model, dataset, tmp_path):
    with pytest.raises(InputError, match="prior mean must be 16 mass fractions"):
        evaluate(model, dataset, tmp_path / "r", limit=5, prior_mean=wrong)
    assert not list(tmp_path.iterdir())


def test_a_sample_that_is_not_in_the_split(model, dataset, data, tmp_path):
    of_training = int(SplitRecords(data, "train").sample_id[0])
    for wrong in (of_training, 10_000):
        with pytest.raises(InputError, match=f"no sample {wrong} in split 'test'.*begins with samples"):
            evaluate(model, dataset, tmp_path / "r", samples=[wrong])
    assert not list(tmp_path.iterdir())


def test_samples_are_found_in_the_order_asked(data, test_ids):
    assert SplitRecords(data, "test").places([test_ids[7], test_ids[2], test_ids[7]]) == [7, 2]


def test_another_grid(model, tmp_path):
    spectrum = {"start_aa": 4800.0, "stop_aa": 5600.0, "step_aa": 10.0}
    other = make_dataset(tmp_path / "set", n=20, spectrum=spectrum)
    with pytest.raises(TrainingDataError, match="another wavelength grid"):
        evaluate(model, other, tmp_path / "r")
    assert [p.name for p in tmp_path.iterdir()] == ["set"]


def test_an_empty_or_unknown_split(model, dataset, tmp_path):
    with pytest.raises(TrainingDataError, match="no split 'tset'.*train, test"):
        evaluate(model, dataset, tmp_path / "r", "tset")
    only_train = make_dataset(tmp_path / "set", n=3, split={"train": 0.999, "test": 0.001})
    with pytest.raises(TrainingDataError, match="'test'.*is empty"):
        evaluate(model, only_train, tmp_path / "r")


def test_a_damaged_shard(model, tmp_path):
    folder = make_dataset(tmp_path / "set", n=30)
    shard = next(folder.glob("test*.tfrecord"))
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 0xFF
    shard.write_bytes(content)
    with pytest.raises(TrainingDataError, match=rf"{shard.name}.*checksum.*sfhsim verify"):
        evaluate(model, folder, tmp_path / "r")
    assert [p.name for p in tmp_path.iterdir()] == ["set"]


def test_a_model_that_is_not_there(dataset, tmp_path):
    with pytest.raises(ModelFileError, match="model.keras"):
        evaluate(tmp_path, dataset, tmp_path / "r")


@pytest.mark.parametrize("wrong", [{"random": -1}, {"batch_size": 0}])
def test_impossible_numbers(wrong, model, dataset, tmp_path):
    with pytest.raises(ConfigError, match="must not be negative.*at least 1"):
        evaluate(model, dataset, tmp_path / "r", **wrong)


def test_an_earlier_report_is_replaced(tmp_path):
    out = tmp_path / "report"
    for content in ("old", "new"):
        with report_folder(out) as folder:
            (folder / METRICS).write_text(json.dumps({"format": FORMAT}))
            (folder / PAGE).write_text(content)
    assert (out / PAGE).read_text() == "new"
    assert [p.name for p in tmp_path.iterdir()] == ["report"]


def foreign_file(out):
    out.write_text("mine")


def foreign_folder(out):
    out.mkdir()
    (out / "thesis.tex").write_text("mine")


def other_metrics(out):
    out.mkdir()
    (out / METRICS).write_text('["mine"]')


def report_with_notes(out):
    out.mkdir()
    (out / METRICS).write_text(json.dumps({"format": FORMAT}))
    (out / "notes.txt").write_text("mine")


def report_with_data_among_figures(out):
    out.mkdir()
    (out / METRICS).write_text(json.dumps({"format": FORMAT}))
    (out / FIGURES).mkdir()
    (out / FIGURES / "table.csv").write_text("mine")


@pytest.mark.parametrize(
    "occupy", [foreign_file, foreign_folder, other_metrics, report_with_notes, report_with_data_among_figures]
)
def test_what_is_no_report_is_not_touched(occupy, model, dataset, tmp_path):
    out = tmp_path / "out"
    occupy(out)
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    with pytest.raises(ConfigError, match="not \\(only\\) an evaluation report"):
        evaluate(model, dataset, out)
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


def test_an_empty_folder_may_be_used(tmp_path):
    (tmp_path / "out").mkdir()
    with report_folder(tmp_path / "out") as folder:
        (folder / PAGE).write_text("new")
    assert (tmp_path / "out" / PAGE).read_text() == "new"


def test_a_report_that_fails_leaves_the_earlier_one(tmp_path):
    out = tmp_path / "out"
    with report_folder(out) as folder:
        (folder / METRICS).write_text(json.dumps({"format": FORMAT}))

    def fail():
        with report_folder(out) as folder:
            (folder / PAGE).write_text("half")
            raise InputError("no")

    with pytest.raises(InputError):
        fail()
    assert [p.name for p in out.iterdir()] == [METRICS]
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(ConfigError, match="cannot write the report.*choose another --out"),
        report_folder(tmp_path / "file" / "out"),
    ):
        pass


def test_a_disk_that_fills_up(tmp_path):
    with pytest.raises(ConfigError, match="No space left"), report_folder(tmp_path / "out"):
        raise OSError(28, os.strerror(28))
    assert not list(tmp_path.iterdir())


def test_the_old_report_comes_back_when_the_new_one_cannot_move(tmp_path, monkeypatch):
    out = tmp_path / "out"
    with report_folder(out) as folder:
        (folder / METRICS).write_text(json.dumps({"format": FORMAT}))

    def failing(*_):
        raise OSError(5, os.strerror(5))

    monkeypatch.setattr(folders, "exchange", failing)
    with pytest.raises(ConfigError, match="cannot write"), report_folder(out) as folder:
        (folder / PAGE).write_text("new")
    assert [p.name for p in out.iterdir()] == [METRICS]
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_tables_of_what_has_no_end_or_ratio():
    results = made_up_results(30, snr=np.full(30, np.inf))
    results.truth.mass_fraction[:] = 0.2
    metrics = metrics_of(results, np.full(5, 0.2)) | {"inference_rate": None}
    row = group_table(metrics["by_snr"], 0)[0]
    assert row[0] == "∞ – ∞"
    assert row[3] == "–"
    assert ("Inference rate", "not measured") in headline(metrics)


def test_pictures_without_galaxies_or_noise():
    results = made_up_results(30, snr=np.full(30, np.inf), inputs=False)
    metrics = metrics_of(results, np.full(5, 0.2)) | {"quantile_levels": list(results.description.quantile_levels)}
    assert {picture.name for picture in pictures(results, metrics, None, None)} == ALWAYS


def run_command(*arguments):
    program = "from sfhmodel.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", program, "evaluate", *map(str, arguments)], capture_output=True, text=True, timeout=300
    )


def test_the_command(model, dataset, test_ids, tmp_path):
    model.save(tmp_path / "model.keras")
    out = tmp_path / "report"
    done = run_command(
        tmp_path / "model.keras", dataset, "--out", out, "--limit", 10, "--samples", test_ids[3], "--random", 0
    )
    assert done.returncode == 0, done.stderr
    assert "Mean error of the cumulative mass fraction" in done.stdout
    assert f"report: {out / PAGE}" in done.stdout
    assert (out / FIGURES / "galaxies.png").is_file()


def test_the_command_says_what_is_wrong(dataset, tmp_path):
    done = run_command(tmp_path / "none.keras", dataset, "--out", tmp_path / "r", "--samples", "1,two")
    assert done.returncode == 1
    assert done.stderr.startswith("error: --samples '1,two': give ids")
    assert not list(tmp_path.iterdir())


def test_help_imports_no_keras():
    program = (
        "import sys\nfrom sfhmodel.cli import main\nsys.argv = ['sfhmodel', 'evaluate', '--help']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "assert not {'keras', 'tensorflow', 'matplotlib'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "--split" in done.stdout
