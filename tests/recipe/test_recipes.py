"""Recipes: built-in ones, files, and the message for every kind of mistake."""

import copy
import itertools

import pytest

from sfhsim.errors import RecipeError
from sfhsim.recipe import (
    builtin_names,
    describe_families,
    documented_yaml,
    load_recipe,
    parse_recipe,
    recipe_fingerprint,
    recipe_from_dict,
    recipe_to_dict,
)

MINIMAL = {"name": "mine", "histories": [{"family": "skewed_normal", "parameters": {"peak_gyr": 5}}]}


@pytest.mark.parametrize("name", builtin_names())
def test_built_in_recipes_are_valid_and_documented_in_full(name):
    recipe = load_recipe(name)
    assert recipe.name == name
    assert parse_recipe(documented_yaml(recipe)) == recipe
    assert recipe_from_dict(recipe_to_dict(recipe)) == recipe


def test_the_recipes_that_users_look_for_exist():
    assert {"demo", "phangs-muse-hst", "phangs-muse-hst-embedded", "prospect"} <= set(builtin_names())


def test_every_key_is_documented():
    lines = documented_yaml(load_recipe("demo")).splitlines()
    for before, line in itertools.pairwise(lines):
        if not line.lstrip().startswith("#"):
            assert before.lstrip().startswith("#") or before.endswith(":"), line


def test_fingerprint_follows_the_content_but_not_the_name():
    first = recipe_from_dict(MINIMAL)
    renamed = recipe_from_dict({**MINIMAL, "name": "other", "description": "words"})
    changed = recipe_from_dict({**MINIMAL, "total_mass_msun": 2.0e9})
    assert recipe_fingerprint(first) == recipe_fingerprint(renamed)
    assert recipe_fingerprint(first) != recipe_fingerprint(changed)


def test_paths_in_a_file_are_relative_to_it(tmp_path):
    (tmp_path / "curve.dat").write_text("4000 2.5\n9000 2.5\n")
    (tmp_path / "mine.yaml").write_text(
        "name: mine\nhistories: [{family: skewed_normal}]\n"
        "spectrum: {lsf: {name: tabulated, path: curve.dat}}\nphotometry: {filters: [curve.dat, F555W]}\n"
    )
    recipe = load_recipe(tmp_path / "mine.yaml")
    assert recipe.spectrum.lsf.path == str(tmp_path / "curve.dat")
    assert recipe.photometry.filters == (str(tmp_path / "curve.dat"), "F555W")


def test_families_are_described():
    text = describe_families()
    assert "peak_gyr [Gyr]" in text
    assert "calzetti" in text


def _with(path: str, value):
    content = copy.deepcopy(MINIMAL)
    *parents, last = path.split("/")
    node = content
    for key in parents:
        node = node[int(key)] if isinstance(node, list) else node.setdefault(key, {})
    node[last] = value
    return content


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("colour", 3, "unknown key 'colour'"),
        ("spectrum/step", 3, "unknown key 'spectrum.step'"),
        ("histories/0/family", "delayed_tau", "no star formation history is called 'delayed_tau'"),
        ("histories/0/parameters", {"peak": 5}, "unknown key 'peak'"),
        ("histories/0/parameters", {"period_gyr": -1}, "outside what skewed_normal allows"),
        (
            "histories/0/parameters",
            {"peak_gyr": {"distribution": "uniform", "min": 3, "max": 1}},
            "min 3 is greater than max 1",
        ),
        ("histories/0/table", {"age_yr": [0, 1e9], "value": [1, 1]}, "`table` goes with family tabulated"),
        ("histories", [], "at least 1"),
        ("histories", [{"family": "tabulated"}], "`table` goes with family tabulated"),
        (
            "histories",
            [{"family": "tabulated", "table": {"age_yr": [0, 13.8], "value": [1, 1]}}],
            "ages are in yr, these look like Gyr",
        ),
        (
            "histories",
            [{"family": "tabulated", "table": {"age_yr": [0, 1e9], "value": [1, -1]}}],
            "must not be negative",
        ),
        ("metallicity/z_final", 1.0, "not Z/Zsun"),
        ("metallicity/z_final", -0.4, "must stay above 0"),
        ("metallicity/z_start", 0.03, "must not run backwards"),
        ("metallicity/form", "tabulated", "needs `table`"),
        ("dust/screen", {"law": "power_law", "tau": -1}, "tau must not be negative"),
        ("dust/screen", {"law": "smc", "tau": 1}, "no dust law is called 'smc'"),
        (
            "dust/screen",
            {"law": "calzetti", "tau": 1, "parameters": {"bump_strength": 1}},
            "unknown key 'bump_strength'",
        ),
        ("nebular/escape_fraction", 1.5, "must stay within 0 and 1"),
        ("kinematics/velocity_dispersion_kms", -5, "must not be negative"),
        ("spectrum/stop_aa", 4000, "must be greater than start_aa"),
        ("spectrum/lsf", {"name": "constant"}, "needs either fwhm_aa or resolving_power"),
        ("spectrum/lsf", {"name": "tabulated"}, "needs `path`"),
        ("photometry/error_mag", {"F555W": 0.1}, "must name the same bands"),
        ("photometry/filters", ["F555W", "F555W"], "listed twice"),
        ("noise/snr", 0, "snr must be positive"),
        ("noise/curve", {"wave_aa": [5000, 4000], "relative_snr": [1, 1]}, "must increase"),
        ("noise/curve", {"wave_aa": [4000, 5000], "relative_snr": [1, 0]}, "must be positive"),
        ("labels/age_bin_edges_myr", [0, 1, 13.8], "looks like Gyr"),
        ("labels/age_bin_edges_myr", [10, 1000], "must start at 0"),
        ("total_mass_msun", 0, "must be positive"),
        ("name", "two words", "name"),
    ],
)
def test_mistakes_are_named(path, value, message):
    with pytest.raises(RecipeError, match=message):
        recipe_from_dict(_with(path, value))


def test_wavelengths_in_micron_are_noticed():
    content = _with("spectrum", {"start_aa": 0.48, "stop_aa": 0.7, "step_aa": 0.001})
    with pytest.raises(RecipeError, match="looks like micron"):
        recipe_from_dict(content)


def test_unknown_recipe_lists_the_known_ones():
    with pytest.raises(RecipeError, match="no recipe 'nothing'.*demo"):
        load_recipe("nothing")


@pytest.mark.parametrize("text", ["a: [", "- 1\n- 2\n", "42"])
def test_what_is_not_a_mapping_is_refused(text):
    with pytest.raises(RecipeError, match="not valid YAML|must be a mapping"):
        parse_recipe(text)
