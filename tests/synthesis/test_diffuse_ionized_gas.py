"""Diffuse ionised gas: compiled as it reads, in its classes, as weak in old galaxies as it is seen to be."""

import itertools

import numpy as np
import pytest
from miniature import miniature_recipe
from test_simulator_against_galaxy import DRAWN, compare

from sfhsim import load_library
from sfhsim.errors import RecipeError
from sfhsim.recipe.loading import recipe_from_dict
from sfhsim.sources import Surroundings, get_source
from sfhsim.sources.diffuse_ionized_gas import DIFFUSE, LINES, OLD_STARS
from sfhsim.synthesis import synthesize_galaxy


def uniform(low, high):
    return {"distribution": "uniform", "min": low, "max": high}


RANGES = {name: uniform(*ends) for name, ends in OLD_STARS.items()}
GAS = {"diffuse_ionized_gas": {"halpha_width_aa": uniform(0.3, 30.0)} | RANGES}
MOVING = {"line_velocity_dispersion_kms": uniform(30.0, 200.0), "line_velocity_offset_kms": uniform(-300.0, 300.0)}
RECIPES = {
    "fixed": {"sources": GAS},
    "drawn, moving": {"sources": GAS, "kinematics": DRAWN | MOVING},
    "no other gas": {"sources": GAS, "nebular": {"model": "none"}},
    "beside a nucleus": {"sources": GAS | {"agn": {}}, "kinematics": DRAWN},
}


@pytest.mark.parametrize("name", RECIPES)
def test_compiled_as_it_reads(make_simulator, library, name):
    rms, mag = compare(make_simulator, library, RECIPES[name], basis_tolerance=0.0)
    assert rms < 5e-5
    assert mag < 1e-3


def luminosities(given):
    """Lines of a galaxy with 1 Lsun/Angstrom at 5500 A, by name."""
    source = get_source("diffuse_ionized_gas")
    params = {p.name: np.array([given.get(p.name, p.default)]) for p in source.parameters}
    return dict(zip(LINES, source.line_luminosities(params, Surroundings(np.ones(1)))[0], strict=True))


def ratios(lines):
    """log10 of the ratios that are drawn, by name."""
    sii = lines["[S II] 6716"] + lines["[S II] 6731"]
    return {
        "log10_nii_halpha": np.log10(lines["[N II] 6583"] / lines["Halpha"]),
        "log10_sii_halpha": np.log10(sii / lines["Halpha"]),
        "log10_oiii_hbeta": np.log10(lines["[O III] 5007"] / lines["Hbeta"]),
        "log10_oi_halpha": np.log10(lines["[O I] 6300"] / lines["Halpha"]),
    }


def is_above_star_formation(of):
    """Kauffmann et al. (2003), equation 1."""
    nii = of["log10_nii_halpha"]
    return nii >= 0.05 or of["log10_oiii_hbeta"] > 0.61 / (nii - 0.05) + 1.3


def is_below_seyferts(of):
    """Kewley et al. (2006), equations 7 and 12 of the division between Seyferts and LINERs."""
    oiii = of["log10_oiii_hbeta"]
    return oiii < 1.89 * of["log10_sii_halpha"] + 0.76 and oiii < 1.18 * of["log10_oi_halpha"] + 1.30


def corners(ranges):
    for corner in itertools.product(*ranges.values()):
        given = dict(zip(ranges, corner, strict=True))
        found = ratios(luminosities(given))
        assert found == pytest.approx(given, abs=1e-9)
        yield found


def test_gas_of_old_stars_is_that_of_liners():
    assert all(is_above_star_formation(of) and is_below_seyferts(of) for of in corners(OLD_STARS))
    assert is_above_star_formation(default := ratios(luminosities({})))
    assert is_below_seyferts(default)


def test_gas_of_spirals_lies_on_both_sides_of_star_formation():
    assert {is_above_star_formation(of) for of in corners(DIFFUSE)} == {True, False}


def test_width_and_fixed_ratios_are_what_they_are_called():
    lines = luminosities({"halpha_width_aa": 2.5})
    assert lines["Halpha"] == pytest.approx(2.5)
    assert lines["Halpha"] / lines["Hbeta"] == pytest.approx(2.86)
    assert lines["[O III] 5007"] / lines["[O III] 4959"] == pytest.approx(2.98)
    assert lines["[N II] 6583"] / lines["[N II] 6548"] == pytest.approx(3.05)
    assert lines["[O I] 6300"] / lines["[O I] 6363"] == pytest.approx(3.1)


def test_old_galaxies_have_weak_lines():
    """An equivalent width of Halpha between 0.3 and 3 A, whatever the age, Z and screen."""
    content = miniature_recipe(
        library="bc03-miles",
        histories=[{"family": "tabulated", "table": {"age_yr": [1e9, 1.3e10], "value": [1.0, 1.0]}}],
        metallicity={"form": "constant", "z_final": uniform(0.004, 0.05)},
        sources={"diffuse_ionized_gas": {"halpha_width_aa": uniform(0.3, 2.0)} | RANGES},
    )
    recipe, library = recipe_from_dict(content), load_library("bc03-miles")
    for sample in range(6):
        galaxy = synthesize_galaxy(recipe, sample_id=sample, library=library)
        gas, near = galaxy.components["diffuse_ionized_gas"], np.abs(galaxy.wave_aa - 6563.0)
        continuum = galaxy.attenuated_continuum[(near > 20.0) & (near < 80.0)].mean()
        width_aa = gas.attenuated_lines_lsun[list(LINES).index("Halpha")] / continuum
        assert 0.3 < width_aa < 3.0
        assert not gas.continuum.any()
        np.testing.assert_array_equal(gas.birth, 1.0)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"halpha_width_aa": -1.0},
            "halpha_width_aa spans -1 to -1, outside what diffuse_ionized_gas allows: 0 to 100",
        ),
        ({"halpha": 1.0}, "unknown key 'halpha' in parameters: diffuse_ionized_gas takes halpha_width_aa, "),
    ],
)
def test_gas_that_cannot_be(given, message):
    with pytest.raises(RecipeError, match=message):
        recipe_from_dict(miniature_recipe(sources={"diffuse_ionized_gas": given}))
