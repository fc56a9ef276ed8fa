"""The recipe's section on dust emission, and the built-in recipe with JWST bands."""

import pytest
from miniature import miniature_recipe

from sfhsim.errors import RecipeError
from sfhsim.recipe import (
    describe_families,
    documented_yaml,
    load_recipe,
    parse_recipe,
    recipe_from_dict,
    recipe_to_dict,
)

UNIFORM = {"distribution": "uniform", "min": 0.05, "max": 2.0}


def recipe(**emission):
    content = miniature_recipe()
    content["dust"] = content["dust"] | {"emission": emission}
    return recipe_from_dict(content)


def test_off_unless_asked_for():
    assert not recipe_from_dict(miniature_recipe()).dust.emission.is_on
    assert not recipe(model="none").dust.emission.is_on
    section = recipe(model="draine_li_2007", u_min=1.5, parameters={"gamma": 0.1}).dust.emission
    assert section.is_on
    assert {name: value.bounds()[0] for name, value in section.given.items()} == {"u_min": 1.5, "gamma": 0.1}
    assert section.luminosity_factor.bounds() == (1.0, 1.0)


@pytest.mark.parametrize(
    ("emission", "said"),
    [
        ({"model": "draine_li_2007", "u_min": UNIFORM}, "dust.emission: u_min spans 0.05 to 2, outside .* 0.1 to 25"),
        ({"model": "draine_li_2007", "q_pah_percent": 0.1}, "dust.emission: q_pah_percent .* 0.47 to 4.58 %"),
        ({"model": "draine_li_2007", "gamma": 1.5}, "dust.emission: gamma spans 1.5 to 1.5, .* 0 to 1"),
        ({"model": "draine_li_2007", "parameters": {"beta": 2}}, "dust.emission: unknown key 'beta' .*: .* u_min"),
        ({"model": "draine_li_2007", "u_min": 1, "parameters": {"u_min": 1}}, "dust.emission: u_min is there twice"),
        ({"gamma": 0.1}, "dust.emission: model none takes no gamma: name a model"),
        (
            {"model": "dale_2002"},
            "dust.emission: no dust emission model is called 'dale_2002'; known: .*draine_li",
        ),
        (
            {"model": "draine_li_2007", "luminosity_factor": -1},
            "dust.emission.luminosity_factor spans -1 to -1: .* 0",
        ),
        ({"model": "draine_li_2007", "umin": 1}, "unknown key 'dust.emission.umin'"),
    ],
)
def test_what_cannot_be_is_refused_by_its_name(emission, said):
    with pytest.raises(RecipeError, match=said):
        recipe(**emission)


def test_what_it_may_say_is_listed():
    text = describe_families()
    assert "dust emission models\n  dale_2014\n    alpha_sf" in text
    assert "\n  draine_li_2007\n    q_pah_percent [%]" in text
    shown = documented_yaml(load_recipe("phangs-muse-hst-jwst"))
    assert recipe_to_dict(parse_recipe(shown)) == recipe_to_dict(load_recipe("phangs-muse-hst-jwst"))
    assert "0.47 to 4.58%" in shown


def test_the_jwst_recipe_is_the_embedded_one_with_bands_and_emission():
    jwst, embedded = (recipe_to_dict(load_recipe(f"phangs-muse-hst-{name}")) for name in ("jwst", "embedded"))
    assert jwst["photometry"]["filters"][:5] == embedded["photometry"]["filters"]
    added = [name.partition("/")[2] for name in jwst["photometry"]["filters"][5:]]
    assert added == [
        *("NIRCam.F200W", "NIRCam.F300M", "NIRCam.F335M", "NIRCam.F360M"),
        *("MIRI.F770W", "MIRI.F1000W", "MIRI.F1130W", "MIRI.F2100W"),
    ]
    errors = {name: error["value"] for name, error in jwst["photometry"]["error_mag"].items()}
    assert {errors[name] for name in embedded["photometry"]["filters"]} == {0.05}
    assert all(0.1 <= errors[f"JWST/{name}"] <= 0.2 for name in added)
    assert jwst["dust"]["emission"]["model"] == "draine_li_2007"
    for content in (jwst, embedded):
        for key in ("name", "description", "photometry"):
            del content[key]
        del content["dust"]["emission"]
    assert jwst == embedded
