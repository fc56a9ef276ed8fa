"""A compiled recipe as a file and in the cache: the same simulator comes back, and damage is seen."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from miniature import made_up_lkl10, miniature_library, miniature_recipe

import sfhsim
from sfhsim.errors import DatasetError, LibraryError, RecipeError
from sfhsim.libraries import save_library
from sfhsim.synthesis import Simulator, cache
from sfhsim.synthesis.compiled_recipe import CompiledRecipe, read_compiled, write_compiled

IDS = np.arange(6)
DRAWN = {
    "velocity_dispersion_kms": {"distribution": "uniform", "min": 50.0, "max": 300.0},
    "redshift": {"distribution": "uniform", "min": 0.0, "max": 0.05},
}
SECTIONS = {
    "fixed": {},
    "drawn": {"kinematics": DRAWN},
    "no light but stars": {"nebular": {"model": "none"}, "photometry": {"filters": []}},
    "interpolated in log": {
        "kinematics": DRAWN,
        "photometry": {"filters": ["HST/WFC3_UVIS.F555W"], "interpolation": "log"},
    },
    "stars not broadened": {"kinematics": DRAWN | {"broaden_stars": False}},
}


def young_templates(document):
    """Where a document describes the templates of young stars."""
    sources = document["stages"]["dict"]["light"]["dict"]["sources"]["dict"]
    return sources["young"]["dict"]["templates"]


def same_bytes(first, second):
    one, other = first.batch(IDS).features(), second.batch(IDS).features()
    return all(one[name].tobytes() == other[name].tobytes() for name in one)


@pytest.mark.parametrize("sections", SECTIONS.values(), ids=SECTIONS)
def test_what_was_compiled_comes_back(make_simulator, tmp_path, sections):
    simulator = make_simulator(seed=4, **sections)
    write_compiled(simulator.compiled(), tmp_path / "file")
    again = Simulator.from_compiled(read_compiled(tmp_path / "file"), seed=4)
    assert same_bytes(simulator, again)
    assert again.fingerprint() == simulator.fingerprint()
    assert again.dimensions() == simulator.dimensions()
    assert again.describe() == simulator.describe()
    assert again.notes == simulator.notes
    assert again.compiled().to_bytes() == simulator.compiled().to_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_lines_of_levesque_come_back(make_simulator, reference_data, monkeypatch):
    monkeypatch.setenv("SFHSIM_LKL10", str(reference_data / "lkl10"))
    simulator = make_simulator(nebular={"model": "lkl10", "scaling": "energy"}, kinematics=DRAWN)
    compiled = simulator.compiled()
    monkeypatch.setenv("SFHSIM_LKL10", "nowhere")
    assert same_bytes(simulator, Simulator.from_compiled(compiled))


def test_a_name_of_its_own(make_simulator):
    simulator = make_simulator()
    again = Simulator.from_compiled(simulator.compiled(), recipe=simulator.recipe.model_copy(update={"name": "other"}))
    assert again.recipe.name == "other"
    assert same_bytes(simulator, again)


@pytest.mark.parametrize(
    "damage",
    [
        lambda c: c[:-1],
        lambda c: b"",
        lambda c: c[:200] + bytes([c[200] ^ 1]) + c[201:],
        lambda c: b"x" + c[1:],
        lambda c: c[:30] + b"0" * 20 + c[50:],
    ],
)
def test_damage_is_seen(make_simulator, damage):
    content = make_simulator().compiled().to_bytes()
    with pytest.raises(DatasetError, match="there is damaged"):
        CompiledRecipe.from_bytes(damage(content), "there")


@pytest.mark.parametrize(
    "edit",
    [
        lambda d: d.pop("stages"),
        lambda d: d.pop("library"),
        lambda d: d.pop("sfhsim_version"),
        lambda d: d["stages"]["dict"].pop("light"),
        lambda d: young_templates(d).update(type="os.system"),
        lambda d: young_templates(d)["fields"].pop("vectors"),
        lambda d: young_templates(d)["fields"]["vectors"]["order"].reverse(),
        lambda d: young_templates(d)["fields"]["vectors"]["order"].pop(),
        lambda d: d["stages"].update(dict=[]),
        lambda d: d.update(code=3),
        lambda d: d.update(notes=3),
    ],
)
def test_a_sealed_file_that_is_no_compiled_recipe(make_simulator, edit):
    compiled = make_simulator().compiled()
    document = json.loads(json.dumps(compiled.document))
    edit(document)
    content = CompiledRecipe(document, compiled.arrays).to_bytes()
    with pytest.raises(DatasetError, match="cannot be read"):
        Simulator.from_compiled(CompiledRecipe.from_bytes(content, "there"))


def test_another_version(make_simulator):
    compiled = make_simulator().compiled()
    other = CompiledRecipe(compiled.document | {"sfhsim_version": "0.0.1"}, compiled.arrays)
    with pytest.raises(DatasetError, match=r"compiled by sfhsim 0\.0\.1, this is"):
        Simulator.from_compiled(other)
    with pytest.raises(RecipeError, match="the seed must be"):
        Simulator.from_compiled(compiled, seed=-1)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A user's folders, with the miniature library installed, and a recipe on it."""
    monkeypatch.setenv("SFHSIM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SFHSIM_CACHE", str(tmp_path / "cache"))
    save_library(miniature_library(), tmp_path / "home" / "libraries" / "miniature")
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(miniature_recipe()))
    return tmp_path


@pytest.fixture
def compilations(monkeypatch):
    """A list that grows with every compilation."""
    from sfhsim.synthesis.light import LightModel

    seen, compile_light = [], LightModel.compile

    def counted(self, *arguments):
        seen.append(self)
        compile_light(self, *arguments)

    monkeypatch.setattr(LightModel, "compile", counted)
    return seen


def from_recipe(home, **options):
    return Simulator.from_recipe(str(home / "small.yaml"), **options)


def kept(home):
    return sorted((home / "cache" / "compiled").iterdir())


def test_dataset_simulator_and_kept(home, compilations):
    first = from_recipe(home)
    assert len(compilations) == 1
    (path,) = kept(home)
    assert path.name == f"{first.fingerprint()}.compiled"
    again = from_recipe(home)
    assert same_bytes(first, again)
    assert len(compilations) == 1
    assert again.library.checksum == first.library.checksum
    from_recipe(home, basis_tolerance=1e-3)
    assert len(compilations) == len(kept(home)) == 2


@pytest.mark.parametrize("damage", [lambda p: p.write_bytes(b""), lambda p: p.write_bytes(p.read_bytes()[:-5])])
def test_what_is_damaged_in_the_cache_is_made_anew(home, compilations, damage):
    first = from_recipe(home)
    (path,) = kept(home)
    whole = path.read_bytes()
    damage(path)
    assert same_bytes(first, from_recipe(home))
    assert len(compilations) == 2
    assert path.read_bytes() == whole


def test_the_cache_is_bounded_and_cleaned(home, monkeypatch):
    first = from_recipe(home, basis_tolerance=1e-3)
    (path,) = kept(home)
    left = path.with_name(f".{path.name}.0123.partial")
    left.write_bytes(b"of a killed process")
    for file in (path, left):
        os.utime(file, (1, 1))
    monkeypatch.setattr(cache, "MOST_BYTES", int(1.5 * path.stat().st_size))
    second = from_recipe(home)
    assert [p.name for p in kept(home)] == [f"{second.fingerprint()}.compiled"]
    assert first.fingerprint() != second.fingerprint()


def test_a_cache_that_cannot_be_written_is_done_without(home, compilations, monkeypatch):
    (home / "cache").write_text("a file")
    assert same_bytes(from_recipe(home), from_recipe(home))
    assert len(compilations) == 2


def test_a_library_whose_content_was_changed_is_refused(home):
    from_recipe(home)
    path = home / "home" / "libraries" / "miniature.ssplib" / "flux.npy"
    flux = np.load(path)
    np.save(path, 2 * flux)
    with pytest.raises(LibraryError, match="is not that of its checksum"):
        from_recipe(home)
    np.save(path, flux)
    from_recipe(home)


def test_another_library_by_that_name_is_seen(home):
    simulator = from_recipe(home)
    compiled = simulator.compiled()
    save_library(
        miniature_library(flux=2 * miniature_library().flux),
        home / "home" / "libraries" / "miniature",
        overwrite=True,
    )
    assert from_recipe(home).fingerprint() != simulator.fingerprint()
    with pytest.raises(LibraryError, match="is another than the simulator was compiled on"):
        _ = Simulator.from_compiled(compiled).library


@pytest.mark.parametrize("every", [5, pytest.param(1, marks=pytest.mark.slow)])  # 5 meets all changes, in turn
def test_forged_files_reach_no_kernel(tmp_path, every):
    """Sealed again after one change each; where it does not end the process, it is refused or only wrong."""
    made_up_lkl10(tmp_path / "lkl10.npz")
    program = Path(__file__).with_name("forged_recipes.py")
    paths = os.pathsep.join([str(Path(sfhsim.__file__).parents[1]), str(Path(__file__).parents[1])])
    done = subprocess.run(
        [sys.executable, program, tmp_path / "lkl10.npz", str(every)],
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    refused, simulated, _ = map(int, done.stdout.split())
    assert refused > 2 * simulated > 0


def test_documents_that_nest_without_end(make_simulator):
    compiled = make_simulator().compiled()
    nested: dict = {}
    for _ in range(400):
        nested = {"dict": {"a": nested}}
    deep = CompiledRecipe(compiled.document | {"stages": nested}, compiled.arrays)
    with pytest.raises(DatasetError, match="cannot be read"):
        Simulator.from_compiled(deep)
    body = CompiledRecipe([], compiled.arrays).to_bytes()
    with pytest.raises(DatasetError, match="its document is not a JSON object"):
        CompiledRecipe.from_bytes(body, "there")
