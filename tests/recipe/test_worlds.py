"""Mixtures: what worlds are made of, and the message for every way in which they do not fit together."""

import copy

import pytest
import yaml

from sfhsim.errors import RecipeError
from sfhsim.recipe import (
    Mixture,
    documented_yaml,
    load_recipe,
    parse_recipe,
    recipe_fingerprint,
    recipe_from_dict,
    recipe_to_dict,
)
from sfhsim.recipe.overrides import merged

BASE = {
    "name": "many",
    "library": "one",
    "histories": [{"family": "skewed_normal", "parameters": {"peak_gyr": 5}}, {"family": "dense_basis"}],
    "dust": {"screen": {"law": "power_law_bump", "tau": 0.3, "parameters": {"exponent": -0.7, "bump_strength": 1.0}}},
    "noise": {"snr": {"distribution": "uniform", "min": 10, "max": 20}},
}


def mixture(*worlds, **changes):
    return recipe_from_dict({**BASE, "worlds": list(worlds), **changes})


def test_worlds_are_the_document_around_them_with_their_overrides():
    before = copy.deepcopy(BASE)
    made = mixture(
        {"name": "plain"},
        {
            "name": "changed",
            "weight": 3,
            "override": {
                "library": "two",
                "histories": [{"family": "dense_basis", "n_quantiles": 5}],
                "dust": {"screen": {"parameters": {"bump_strength": 0.0}}},
                "noise": {"snr": 50},
            },
        },
    )
    plain, changed = made.worlds
    assert isinstance(made, Mixture)
    assert (made.world_names, made.share_edges.tolist()) == (("plain", "changed"), [0.25, 1.0])
    assert plain.recipe == recipe_from_dict(BASE | {"name": "plain"})
    assert (changed.recipe.name, changed.recipe.library) == ("changed", "two")
    assert [h.family for h in changed.recipe.histories] == ["dense_basis"]
    assert {name: d.value for name, d in changed.recipe.dust.screen.parameters.items()} == {
        "exponent": -0.7,
        "bump_strength": 0.0,
    }
    assert changed.recipe.noise.snr.bounds() == (50, 50)
    assert before == BASE


def test_parameters_go_with_their_law_and_tables_with_their_form():
    screen = {"law": "power_law_bump", "tau": 0.3, "parameters": {"bump_strength": 1.0}}
    assert merged(screen, {"law": "calzetti"}) == {"law": "calzetti", "tau": 0.3}
    assert merged(screen, {"law": "power_law_bump", "tau": 1.0}) == screen | {"tau": 1.0}
    assert merged(screen, {"law": "calzetti", "parameters": {}}) == {"law": "calzetti", "tau": 0.3, "parameters": {}}
    tabulated = {"form": "tabulated", "table": {"age_yr": [0, 1e9], "value": [0.02, 0.01]}}
    assert merged(tabulated, {"form": "constant", "z_final": 0.01}) == {"form": "constant", "z_final": 0.01}


def test_null_leaves_a_key_out():
    document = {"dust": {"screen": {"parameters": {"exponent": -0.7}}}, "kinematics": {"redshift": 0.1}}
    override = {"dust": {"screen": {"parameters": {"exponent": None}}}, "kinematics": None}
    assert merged(document, override) == {"dust": {"screen": {"parameters": {}}}}
    made = mixture({"name": "a"}, {"name": "b", "override": {"noise": None}})
    assert made.worlds[1].recipe.noise == recipe_from_dict({"name": "b", "histories": BASE["histories"]}).noise


def test_distributions_are_replaced_and_not_mixed():
    drawn = {"snr": {"distribution": "uniform", "min": 10, "max": 20}}
    lognormal = {"distribution": "log10_normal", "mean": 1.5, "std": 0.2}
    assert merged(drawn, {"snr": lognormal}) == {"snr": lognormal}
    assert merged({"error_mag": {"V": 0.1}}, {"error_mag": lognormal}) == {"error_mag": lognormal}
    assert merged({"error_mag": lognormal}, {"error_mag": {"V": 0.1}}) == {"error_mag": {"V": 0.1}}


def test_worlds_by_name_and_by_file(tmp_path):
    (tmp_path / "there").mkdir()
    curve = "4000 2.5\n9000 2.5\n"
    (tmp_path / "there" / "curve.dat").write_text(curve)
    other = {"name": "other", "histories": [{"family": "dense_basis"}], "photometry": {"filters": ["curve.dat"]}}
    (tmp_path / "there" / "other.yaml").write_text(yaml.safe_dump(other))
    worlds = [
        {"name": "demo", "recipe": "demo", "override": {"photometry": {"filters": ["there/curve.dat"]}}},
        {"name": "other", "recipe": "there/other.yaml", "override": {"library": "third"}},
    ]
    (tmp_path / "many.yaml").write_text(yaml.safe_dump({"name": "many", "worlds": worlds}))
    demo, other = (world.recipe for world in load_recipe(tmp_path / "many.yaml").worlds)
    whole = load_recipe("demo")
    assert demo.photometry.filters == other.photometry.filters == (str(tmp_path / "there" / "curve.dat"),)
    assert (demo.histories, demo.dust, demo.name) == (whole.histories, whole.dust, "demo")
    assert other.library == "third"


def test_a_mixture_written_out_is_the_same_mixture():
    made = mixture({"name": "plain"}, {"name": "changed", "weight": 0.5, "override": {"nebular": {"model": "none"}}})
    assert recipe_from_dict(recipe_to_dict(made)) == made
    assert parse_recipe(documented_yaml(made)) == made
    heavier = mixture({"name": "plain"}, {"name": "changed", "override": {"nebular": {"model": "none"}}})
    assert recipe_fingerprint(made) != recipe_fingerprint(heavier)
    assert recipe_fingerprint(made) == recipe_fingerprint(made.model_copy(update={"description": "words"}))


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ({"spectrum": {"step_aa": 2.5}}, r"worlds\.b: spectrum\.step_aa is 2\.5, in world a it is 1\.25"),
        ({"spectrum": {"lsf": {"name": "none"}}}, r"worlds\.b: spectrum\.lsf\.name is none, in world a it is muse"),
        ({"photometry": {"filters": []}}, r"worlds\.b: photometry\.filters is \[\], in world a it is \['HST"),
        ({"labels": {"age_bin_edges_myr": [0, 1000]}}, r"labels\.age_bin_edges_myr is \(0\.0, 1000\.0\), in world a"),
        ({"cosmology": {"h0_kms_mpc": 70.0}}, r"cosmology\.h0_kms_mpc is 70, in world a it is 67\.8.*share it"),
    ],
)
def test_what_all_worlds_share_is_named_where_it_differs(override, message):
    with pytest.raises(RecipeError, match=message):
        mixture({"name": "a"}, {"name": "b", "override": override})


def test_template_resolution_is_for_each_world():
    made = mixture({"name": "a"}, {"name": "b", "override": {"spectrum": {"subtract_template_resolution": False}}})
    assert [world.recipe.spectrum.subtract_template_resolution for world in made.worlds] == [True, False]


@pytest.mark.parametrize(
    ("worlds", "message"),
    [
        ([], r"recipe is not a valid recipe:\n  worlds: .*at least 1"),
        ("bc03", r"worlds: Input should be a valid"),
        ([{"name": "a", "overide": {}}], r"unknown key 'worlds\.0\.overide'.*recipe show recipe"),
        ([{"weight": 1}], r"worlds\.0\.name: Field required"),
        ([{"name": "a/b"}], r"worlds\.0\.name: String should match"),
        ([{"name": "a", "weight": 0}], r"worlds\.0\.weight: .*greater than or equal to"),
        ([{"name": "a"}, {"name": "a"}], "two worlds have the name 'a'"),
        ([{"name": "a", "override": {"nebular": {"modl": 1}}}], r"worlds\.a is not a valid.*\n.*'nebular\.modl'"),
        ([{"name": "a", "override": {"noise": {"snr": -1}}}], r"worlds\.a.*\n.*noise.*snr must be positive"),
        ([{"name": "a", "override": {"histories": [{"family": "odd"}]}}], r"worlds\.a: histories\.0"),
        ([{"name": "a"}, {"name": "b", "recipe": "nowhere.yaml"}], r"worlds\.b: no recipe 'nowhere\.yaml'"),
        ([{"name": "a", "override": {"worlds": []}}], r"worlds\.a is a mixture itself"),
        ([{"name": "a", "recipe": {"worlds": []}}, {"name": "b"}], r"worlds\.a is a mixture itself"),
        ([{"name": "a", "recipe": "demo"}], r"no world uses library, histories, dust, noise, as each names its own"),
    ],
)
def test_what_cannot_be_a_world(worlds, message):
    with pytest.raises(RecipeError, match=message):
        recipe_from_dict({**BASE, "worlds": worlds})


def test_a_mixture_names_no_mixture_in_a_file(tmp_path):
    (tmp_path / "many.yaml").write_text("name: many\nworlds: [{name: a, recipe: many.yaml}]\n")
    with pytest.raises(RecipeError, match=r"worlds\.a is a mixture itself: list its worlds here"):
        load_recipe(tmp_path / "many.yaml")


@pytest.mark.parametrize("form", ["closed_box", "linear_mass", "constant"])
def test_a_world_for_each_form_of_metallicity(form):
    pre_enriched = {"distribution": "log_uniform", "min": 1e-4, "max": 2e-3}
    end = {"distribution": "log_uniform", "min": 2e-3, "max": 0.05}
    override = {"metallicity": {"form": form, "z_start": pre_enriched, "z_final": end}}
    made = mixture({"name": "a"}, {"name": "b", "override": override})
    assert made.worlds[1].recipe.metallicity.form == form
    assert made.worlds[1].recipe.metallicity.z_start.bounds() == (1e-4, 2e-3)
