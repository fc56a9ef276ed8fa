"""Descriptions of cubes: validated, with keys set one by one."""

import pytest
import yaml

from sfhsim.cubes import CubeModel, builtin_cube_models, cube_model_from_dict, cube_model_text, load_cube_model
from sfhsim.errors import RecipeError
from sfhsim.recipe import documented_yaml


def test_the_built_in_ones_are_valid_and_say_what_they_are():
    assert "disc" in builtin_cube_models()
    for name in builtin_cube_models():
        model = load_cube_model(name)
        assert model.name == name
        assert model.description
        assert yaml.safe_load(cube_model_text(name))["recipe"] == model.recipe


def test_written_out_in_full_it_is_the_same():
    model = load_cube_model("disc", ["galaxy.ellipticity=0.3"])
    text = documented_yaml(model)
    assert cube_model_from_dict(yaml.safe_load(text)) == model
    assert "worlds" not in text
    documented = [line.strip() for line in text.splitlines()]
    assert "# Mass formed, in and beyond the field." in documented


def test_every_key_is_described():
    sections = [CubeModel]
    while sections:
        section = sections.pop()
        for name, field in section.model_fields.items():
            assert field.description, f"{section.__name__}.{name}"
            if hasattr(field.annotation, "model_fields"):
                sections.append(field.annotation)


def test_keys_are_set_one_by_one():
    settings = ["galaxy.redshift=0.01", "recipe=demo", "stars.number=0", "galaxy.centre_arcsec=[1, -2]"]
    model = load_cube_model("disc", [*settings, "override.nebular.log_u=-3", "galaxy.distance_mpc=null"])
    assert (model.galaxy.redshift, model.recipe, model.stars.number) == (0.01, "demo", 0)
    assert model.galaxy.centre_arcsec == (1.0, -2.0)
    assert model.override == {"nebular": {"log_u": -3}}
    assert model.galaxy.arms.number == 2


def test_a_recipe_is_found_beside_the_file(tmp_path):
    (tmp_path / "mine.yaml").write_text("name: mine")
    (tmp_path / "cube.yaml").write_text("name: a\nrecipe: mine.yaml\n")
    assert load_cube_model(tmp_path / "cube.yaml").recipe == str((tmp_path / "mine.yaml").resolve())


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("galaxy.redshit=0.01", "unknown key 'galaxy.redshit': check its spelling .`sfhsim cube disc --show`"),
        ("galaxy.redshift", "expected key=value"),
        ("galaxy..redshift=1", "expected key=value"),
        ("name.x=1", "name.x: name is 'disc', which has no keys"),
        ("galaxy.redshift=[", "the value of galaxy.redshift is not valid YAML"),
        ("galaxy.redshift=0", "galaxy.redshift: .* greater than 0"),
        ("galaxy.inclination_deg=90", "galaxy.inclination_deg"),
        ("field.stop_aa=4000", "stop_aa 4000 must be greater than start_aa 4750"),
        ("field.n_x=10001", "field.n_x"),
        ("field.n_x=10000", None),
        ("field.step_aa=0.01", "more than 20000 planes"),
        ("stars.brightest_ab_mag=25", "must not exceed"),
        ("psf.model=airy", "psf.model"),
        ("noise.spatial_correlation=0.9", "noise.spatial_correlation"),
        ("noise.exposure_s=nan", "noise.exposure_s"),
    ],
)
def test_what_cannot_be_is_named(setting, message):
    if message is None:
        assert load_cube_model("disc", [setting]).field.n_x == 10000
        return
    with pytest.raises(RecipeError, match=message):
        load_cube_model("disc", [setting])


def test_fields_have_a_largest_size():
    with pytest.raises(RecipeError, match="make 100000000 spaxels: at most"):
        load_cube_model("disc", ["field.n_x=10000", "field.n_y=10000"])


def test_files_that_are_none_are_refused(tmp_path):
    with pytest.raises(RecipeError, match="no description of a cube 'ring': give a YAML file, or one of disc"):
        load_cube_model("ring")
    with pytest.raises(RecipeError, match="one of disc; its recipe is set by recipe=demo"):
        load_cube_model("demo")
    (tmp_path / "list.yaml").write_text("[1, 2]")
    with pytest.raises(RecipeError, match="must be a mapping of keys"):
        load_cube_model(tmp_path / "list.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"name: \xe9")
    with pytest.raises(RecipeError, match="not UTF-8"):
        load_cube_model(tmp_path / "latin.yaml")
