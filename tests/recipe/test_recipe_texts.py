"""YAML texts and numbers that are no recipe: refused by an error that names the key, never by one of Python's own."""

import pytest
from fuzzed_recipes import NASTY

from sfhsim.errors import RecipeError
from sfhsim.recipe import load_recipe, parse_recipe, recipe_from_dict

HISTORIES = "histories: [{family: skewed_normal}]\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: a\nname: b\n", r"recipe: the recipe \(line 1\): the key 'name' is there twice \(line 2\): keep one"),
        (
            "spectrum:\n  step_aa: 1\n  lsf: {name: none}\n  step_aa: 2\n",
            r"spectrum \(line 2\): the key 'step_aa' is there twice \(line 4\)",
        ),
        ("histories:\n- family: a\n  family: b\n", r"histories\.0 .*'family' is there twice"),
        ("noise: {snr: !!bool abc}\n", r"noise\.snr \(line 1\): 'abc' cannot be read as bool"),
        ("description: 2024-13-45\n", r"description \(line 1\): '2024-13-45' cannot be read as timestamp"),
        (f"total_mass_msun: {'9' * 5000}\n", r"total_mass_msun \(line 1\): '9{57}\.\.\.' cannot be read as int"),
        ("dust: " + "[" * 5000, r"nested deeper than 20 levels\n.*line 1"),
        ("dust: " + "{a: " * 30 + "1" + "}" * 30, "nested deeper than 20 levels"),
        ("dust: &a [*a]\n", "dust.*more than 1000000 values or 20 levels"),
        ("{? [1] : 2}", "a key is a word, not a list"),
        ("dust: !!python/object:os.system x\n", "could not determine a constructor"),
        (f"total_mass_msun: {10**400}\n{HISTORIES}name: a", "total_mass_msun.*should be a valid number"),
        ("", "must be a mapping of recipe keys"),
    ],
)
def test_texts(text, message):
    with pytest.raises(RecipeError, match=message):
        parse_recipe(text)


def test_a_text_that_grows_without_end():
    levels = "".join(f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 9) if k else '1'}]\n" for k in range(9))
    with pytest.raises(RecipeError, match=r"a\d.*more than 1000000 values"):
        parse_recipe(levels)


def test_an_anchor_may_be_used_twice():
    text = f"name: a\n{HISTORIES}dust: {{birth: &law {{law: calzetti, tau: 1}}, screen: {{<<: *law, tau: 2}}}}\n"
    recipe = parse_recipe(text)
    assert (recipe.dust.screen.law, recipe.dust.screen.tau.value) == ("calzetti", 2.0)


@pytest.mark.parametrize("value", NASTY)
@pytest.mark.parametrize("key", ["description", "total_mass_msun", "histories"])
def test_nasty_values(key, value):
    text = "\n".join(f"{name}: {given}" for name, given in {"name": "a", "histories": "[]", key: value}.items())
    with pytest.raises(RecipeError, match=f"{key}|histories|not valid YAML.*line"):
        parse_recipe(text.replace("\n", "\n"))


def test_a_long_text(monkeypatch):
    monkeypatch.setattr("sfhsim.recipe.yaml_text.LONGEST_TEXT", 10)
    with pytest.raises(RecipeError, match="has 11 characters: a recipe has at most 10"):
        parse_recipe("a" * 11)


def test_paths_that_cannot_be_read(tmp_path, monkeypatch):
    with pytest.raises(RecipeError, match=r"no recipe 'x{197}\.\.\.': give a YAML file"):
        load_recipe("x" * 300)
    with pytest.raises(RecipeError, match="no recipe"):
        load_recipe("zero\0byte")
    path = tmp_path / "a.yaml"
    path.write_text(f"name: a\n{HISTORIES}library: {'./' + 'x' * 300}\nphotometry: {{filters: [{'y/' * 200}]}}\n")
    assert load_recipe(path).name == "a"

    def refused(self, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "open", refused)
    with pytest.raises(RecipeError, match=r"cannot read .*a\.yaml: Permission denied"):
        load_recipe(path)


def test_many_mistakes_are_not_all_told():
    content = {"name": "a", "histories": [{"family": "tabulated", "table": {"age_yr": ["x"] * 1000, "value": [1, 2]}}]}
    with pytest.raises(RecipeError, match="and 982 more$"):
        recipe_from_dict(content)


def _recipe(**sections):
    return recipe_from_dict({"name": "a", "histories": [{"family": "skewed_normal"}], **sections})


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"metallicity": {"form": "tabulated", "table": {"age_yr": [0, 1e10], "value": [0.3, 0.01]}}},
         "metallicity: the table reaches 0.3: Z is a mass fraction"),
        ({"name": "x" * 300}, "name: String should match pattern"),
        ({"spectrum": {"stop_aa": 4800 + 3e6, "step_aa": 1e-3}}, "3e.09 pixels, which take 3e.04 GB of memory"),
        ({"spectrum": {"start_aa": 100, "step_aa": 200}}, "spectrum: step_aa 200: the first pixel would reach below 0"),
        ({"labels": {"age_bin_edges_myr": list(range(1_000_001))}}, "age_bin_edges_myr: 1000000 age bins take 20 GB"),
        ({"labels": {"age_bin_edges_myr": [0, 1e9]}}, "the unit is Myr, this looks like yr"),
        ({"labels": {"age_bin_edges_myr": [0, 1e-300, 13800]}}, "increase, by 0.001 Myr at least"),
        ({"dust": {"screen": {"law": "calzetti", "tau": {"distribution": "uniform", "min": 0, "max": 2000}}}},
         "dust.screen.tau spans 0 to 2000: it must stay within 0 and 1000; give its distribution a min or max"),
        ({"dust": {"screen": {"law": "calzetti", "tau": 200}}}, "median pixel, too little .* lower dust.screen.tau"),
        ({"total_mass_msun": {"distribution": "normal", "mean": 1e9, "std": 1e8, "max": 1e17}},
         "total_mass_msun spans .* within 1 and 1e.15 Msun"),
        ({"kinematics": {"redshift": {"distribution": "choice", "values": [0, 1e-300, 1]}}},
         "the brightest galaxies, or their noise, would reach .* raise kinematics.redshift"),
        ({"kinematics": {"redshift": 900}, "cosmology": {"h0_kms_mpc": 60}}, "kinematics.redshift with cosmology"),
        ({"kinematics": {"velocity_dispersion_kms": 3e5}}, "velocity_dispersion_kms spans .* within 0 and 5000 km/s"),
        ({"nebular": {"log_u": {"distribution": "normal", "mean": -3, "std": 1}}}, "nebular.log_u spans -11"),
        ({"photometry": {"error_mag": -0.1}}, "photometry.error_mag spans -0.1 to -0.1"),
        ({"photometry": {"filters": ["U"], "error_mag": {"U": 20}}}, "photometry.error_mag.U spans 20 to 20"),
        ({"noise": {"snr": 1e-20}}, "noise.snr spans 1e-20 to 1e-20"),
        ({"noise": {"curve": {"wave_aa": [1, 2], "relative_snr": [1e-300, 1]}}}, "relative_snr must stay within"),
        ({"total_mass_msun": {"distribution": "log10_normal", "mean": 400, "std": 1}}, "log10 of the value spans 391"),
        ({"histories": [{"family": "skewed_normal", "parameters": {"burst_sfr": 1, "burst_mass_fraction": {
            "distribution": "choice", "values": [0, 0.1]}}}]}, "histories.0: skewed_normal: .* give one of them"),
        ({"histories": [{"family": "skewed_normal", "parameters": {"burst_mass_fraction": 0.1, "burst_age_gyr": {
            "distribution": "uniform", "min": 0, "max": 1}}}]}, "histories.0: skewed_normal: .* lasts no time"),
        ({"histories": [{"family": "tabulated", "table": {"age_yr": [1.3e10, 1.4e10], "value": [0, 1]}}],
          "kinematics": {"redshift": {"distribution": "uniform", "min": 0, "max": 1}}},
         "histories.0: tabulated: the table of galaxy 0 forms no mass"),
    ],
)  # fmt: skip
def test_numbers_that_could_not_be_simulated(sections, message):
    with pytest.raises(RecipeError, match=message):
        _recipe(**sections)


@pytest.mark.parametrize(
    "mass",
    [
        {"distribution": "log10_normal", "mean": 10, "std": 0.5},
        {"distribution": "exponential", "scale": 1e10, "min": 1e6},
        {"distribution": "normal", "mean": 1e10, "std": 1e9},
    ],
)
def test_distributions_without_limits_are_judged_by_what_they_can_give(mass):
    low, high = _recipe(total_mass_msun=mass).total_mass_msun.bounds()
    assert 1e5 < low < 1e10 < high < 1e15
