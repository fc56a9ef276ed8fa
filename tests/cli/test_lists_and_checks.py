"""`sfhsim recipe`, `library`, `nebular` and `filter`: lists, descriptions, checks and their errors."""

import json
import subprocess
import sys

import pytest
import yaml
from miniature import miniature_recipe

from sfhsim.recipe import builtin_names, load_recipe
from sfhsim.recipe.loading import parse_recipe

HEAVY = ("numba", "scipy", "astropy", "matplotlib", "h5py")


def test_recipe_list_names_every_recipe(sfhsim):
    outcome = sfhsim("recipe", "list")
    assert outcome.code == 0
    assert [line.split()[0] for line in outcome.out.splitlines()] == list(builtin_names())


def test_recipe_show_prints_the_file(sfhsim, recipe_file):
    assert sfhsim("recipe", "show", recipe_file).out == recipe_file.read_text()
    assert parse_recipe(sfhsim("recipe", "show", "demo").out) == load_recipe("demo")


def test_recipe_show_full_is_the_same_recipe_with_all_its_keys(sfhsim, recipe_file):
    text = sfhsim("recipe", "show", recipe_file, "--full").out
    assert parse_recipe(text) == load_recipe(recipe_file)
    for key in ("escape_fraction", "omega_m", "age_bin_edges_myr", "# Hubble constant."):
        assert key in text


def test_recipe_check_says_what_was_compiled(sfhsim, recipe_file):
    outcome = sfhsim("recipe", "check", recipe_file)
    assert outcome.code == 0
    assert "miniature: 4 metallicities x 12 ages" in outcome.out


def test_recipe_families(sfhsim):
    out = sfhsim("recipe", "families").out
    for name in ("skewed_normal", "dense_basis", "tabulated", "power_law_bump", "calzetti", "burst_age_gyr [Gyr]"):
        assert name in out


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"histries": []}, "unknown key 'histries'"),
        ({"library": "emiles"}, "sfhsim library install emiles"),
        ({"library": "nothing-like-it"}, "no stellar library 'nothing-like-it'"),
        ({"nebular": {"model": "lkl10"}}, "sfhsim nebular install lkl10"),
        ({"photometry": {"filters": ["HST/WFC3_UVIS.F999X"]}}, "F999X"),
        ({"total_mass_msun": {"distribution": "uniform", "min": 3.0, "max": 1.0}}, "min 3 is greater than max 1"),
        ({"spectrum": {"start_aa": 29000.0, "stop_aa": 31000.0}}, "covers 850-30000 A"),
    ],
)
def test_recipe_check_names_what_is_wrong(sfhsim, tmp_path, change, message):
    path = tmp_path / "wrong.yaml"
    path.write_text(yaml.safe_dump(miniature_recipe() | change))
    outcome = sfhsim("recipe", "check", path)
    assert outcome.code == 1
    assert outcome.err.startswith("error: ")
    assert message in outcome.err
    assert outcome.out == ""


@pytest.mark.parametrize("content", [b"name: [", b"just text", b"", b"name: caf\xe9\n"])
def test_a_file_that_is_no_recipe(sfhsim, tmp_path, content):
    path = tmp_path / "odd.yaml"
    path.write_bytes(content)
    outcome = sfhsim("recipe", "check", path)
    assert outcome.code == 1
    assert "odd.yaml" in outcome.err


def test_library_list_and_info(sfhsim):
    records = {r["name"]: r for r in json.loads(sfhsim("library", "list", "--json").out)}
    assert records["miniature"]["status"] == "installed"
    assert records["bc03-miles"]["status"] == "embedded"
    assert records["emiles"]["status"] == "available"
    assert "miniature" in sfhsim("library", "list").out
    assert json.loads(sfhsim("library", "info", "miniature", "--json").out)["n_ages"] == 12
    assert "made up" in sfhsim("library", "info", "miniature").out


def test_library_info_of_one_that_is_not_there(sfhsim):
    outcome = sfhsim("library", "info", "emiles")
    assert outcome.code == 1
    assert "sfhsim library install emiles" in outcome.err


def test_nebular_list_says_what_is_missing(sfhsim):
    outcome = sfhsim("nebular", "list")
    assert outcome.code == 0
    assert "cloudy  ready" in outcome.out
    assert "lkl10   missing" in outcome.out
    assert "sfhsim nebular install lkl10" in outcome.out


def test_nebular_install_of_something_else(sfhsim):
    outcome = sfhsim("nebular", "install", "cloudy")
    assert outcome.code == 2
    assert "there is: lkl10" in outcome.err


def test_filter_list_has_pivots(sfhsim):
    lines = {line.split()[0]: line for line in sfhsim("filter", "list").out.splitlines()}
    assert {"HST/WFC3_UVIS.F555W", "JWST/MIRI.F770W"} <= set(lines)
    assert 5200 < float(lines["HST/WFC3_UVIS.F555W"].split()[2]) < 5400


@pytest.mark.parametrize("group", [[], ["recipe"], ["library"], ["nebular"], ["dust"], ["filter"]])
def test_without_arguments_there_is_help(sfhsim, group):
    outcome = sfhsim(*group)
    assert outcome.code in (0, 2)
    assert "Usage" in outcome.out + outcome.err


def test_an_unknown_command(sfhsim):
    outcome = sfhsim("simulate")
    assert outcome.code == 2
    assert "No such command 'simulate'" in outcome.err


@pytest.mark.parametrize(
    "program", ["import sfhsim", "import sys; sys.argv[1:] = ['--help']; from sfhsim.cli import main; main()"]
)
def test_importing_and_helping_load_nothing_heavy(program):
    """Each takes a tenth of a second or more to import."""
    program = f"import sys, atexit\natexit.register(lambda: print('loaded', *sys.modules))\n{program}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = done.stdout.rsplit("loaded", 1)[1].split()
    assert "sfhsim" in loaded
    assert not set(HEAVY) & set(loaded)
