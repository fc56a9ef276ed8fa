"""Spaxels are the recipe's galaxies, where the description puts them."""

import dataclasses

import numpy as np
import pytest
from astropy.io import fits
from miniature import WAVE_AA, miniature_library
from small_cube import PLAIN

from sfhsim.constants import C_KMS, LSUN_ERG_S
from sfhsim.cosmology import FlatLCDM
from sfhsim.cubes.galaxy import galaxy_maps
from sfhsim.cubes.layout import Grid
from sfhsim.cubes.spaxels import SpaxelSimulator
from sfhsim.errors import RecipeError, SfhsimWarning
from sfhsim.synthesis import synthesize_galaxy


def spaxels_of(model, library):
    maps = galaxy_maps(model.galaxy, Grid(model.field))
    return maps, SpaxelSimulator(model, maps, library=library)


@pytest.mark.parametrize("place", [(0, 0), (5, 5), (4, 9)])
def test_a_spaxel_is_the_galaxy_of_the_readable_path(made_plain, small_model, library, place):
    model = small_model(PLAIN)
    maps, spaxels = spaxels_of(model, library)
    row = place[0] * model.field.n_x + place[1]
    parameters = spaxels.parameters[row : row + 1]
    mass = {"total_mass_msun": parameters.mass_msun}
    draws = spaxels.simulator.plan.draw(np.zeros(1, dtype=np.uint64), 0)
    draws = dataclasses.replace(draws, values=draws.values | parameters.values | mass)
    galaxy = synthesize_galaxy(spaxels.recipe, library=library, draws=draws)
    distance_cm = float(FlatLCDM(67.8, 0.308).luminosity_distance_cm(np.array(0.01)))
    redshift = 1.01 * (1.0 + maps.velocity_kms[place] / C_KMS) - 1.0
    expected = galaxy.observe(spaxels.recipe) * LSUN_ERG_S / (4 * np.pi * distance_cm**2 * (1 + redshift)) / 1e-20
    flux = fits.getdata(made_plain.cube, "DATA")[:, *place]
    assert np.sqrt(np.mean((flux / expected - 1.0) ** 2)) < 5e-4


def test_lines_are_at_the_velocity_of_their_spaxel(small_model, library):
    """By what nebulae add to the stars, in pixels of MUSE: to a hundredth of a pixel."""
    fine = {"field": {"start_aa": 6500.0, "stop_aa": 6750.0, "step_aa": 1.25}, "galaxy": {"redshift": 0.005}}
    lines = []
    for nebular in ({}, {"override": {"nebular": {"model": "none"}}}):
        maps, spaxels = spaxels_of(small_model(PLAIN, fine, nebular), library)
        flux = spaxels.batch(spaxels.parameters).noise_free_spectrum * spaxels.scale(spaxels.parameters)[:, None]
        lines.append(flux)
    wave_aa = spaxels.recipe.spectrum.wave_aa
    added = lines[0] - lines[1]
    at_aa = 6562.80 * (1.0 + maps.redshift(0.005).ravel())
    near = np.abs(wave_aa - at_aa[:, None]) < 6.0  # short of [N II]
    excess = np.where(near, added - np.median(added, axis=1)[:, None], 0.0)
    # of Gaussians, from the logarithm of their three highest pixels
    peak = excess.argmax(axis=1)
    below, top, above = (np.log(np.take_along_axis(excess, (peak + k)[:, None], axis=1)[:, 0]) for k in (-1, 0, 1))
    centre_aa = wave_aa[peak] + 1.25 * 0.5 * (below - above) / (below - 2.0 * top + above)
    offset = (centre_aa - at_aa) / 1.25
    assert np.ptp(maps.velocity_kms) > 200.0
    assert np.ptp(offset) < 0.02
    assert np.abs(offset - offset.mean()).max() < 0.01


def test_the_distance_is_that_of_the_galaxy_or_the_one_given(small_model, library):
    near = {"galaxy": {"distance_mpc": 20.0}}
    flux = []
    for change in ({}, near):
        _, spaxels = spaxels_of(small_model(PLAIN, change), library)
        parameters = spaxels.parameters[40:44]
        flux.append(spaxels.batch(parameters).noise_free_spectrum * spaxels.scale(parameters)[:, None])
    far_mpc = float(FlatLCDM(67.8, 0.308).luminosity_distance_cm(np.array(0.01))) / 3.0856775814913673e24
    assert flux[1] / flux[0] == pytest.approx((far_mpc / 20.0) ** 2, rel=1e-5)


def test_distributions_of_the_recipe_are_their_medians(small_model, library):
    _, spaxels = spaxels_of(small_model(PLAIN), library)
    assert spaxels.recipe.dust.birth.tau.bounds() == (1.0, 1.0)
    assert spaxels.recipe.nebular.log_u.bounds() == (-2.75, -2.75)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"galaxy": {"redshift": 1e-4}}, "must stay above 0"),
        ({"galaxy": {"log10_age_yr": {"at_re": 7.0}}}, "log10 of mean ages run from"),
        ({"galaxy": {"log10_metallicity": {"at_re": -0.5}}}, "log10 of mean Z run from"),
        ({"recipe": "no-such-recipe"}, "no recipe 'no-such-recipe'"),
        ({"override": {"metallicity": {"form": "tabulated"}}}, "form tabulated needs `table`"),
        (
            {"override": {"dust": {"screen": {"tau": 0.1}}}},
            "override.dust.screen.tau: it follows from galaxy.scr",
        ),
        ({"override": {"histories": []}}, "override.histories: it follows from"),
        ({"override": {"worlds": []}}, "unknown key 'worlds'"),
        ({"override": {"nebula": {}}}, "unknown key 'nebula'"),
    ],
)
def test_what_cannot_be_is_refused(small_model, library, change, message):
    with pytest.raises(RecipeError, match=message):
        spaxels_of(small_model(change), library)


def test_templates_that_are_too_coarse_are_said(small_model):
    with pytest.warns(SfhsimWarning, match="templates of miniature are coarser than the spectrum should be"):
        spaxels_of(small_model(PLAIN), miniature_library(resolution_fwhm_aa=np.full(WAVE_AA.size, 5.0)))


def test_mixtures_and_forms_without_z_final_are_refused(small_model, library, recipe_path, tmp_path):
    worlds = tmp_path / "worlds.yaml"
    worlds.write_text(f"name: two\nworlds:\n  - {{name: a, recipe: {recipe_path}}}\n")
    with pytest.raises(RecipeError, match="mixture of worlds: name the recipe of one"):
        spaxels_of(small_model({"recipe": str(worlds)}), library)
    table = "{form: tabulated, table: {age_yr: [0, 1.0e+10], value: [0.02, 0.001]}}"
    plain = recipe_path.read_text().splitlines()
    start = plain.index("metallicity:")
    end = next(k for k in range(start + 1, len(plain)) if not plain[k].startswith(" "))
    tabulated = tmp_path / "tabulated.yaml"
    tabulated.write_text("\n".join([*plain[:start], f"metallicity: {table}", *plain[end:]]))
    with pytest.raises(RecipeError, match="cubes set z_final, which the metallicity form tabulated has not"):
        spaxels_of(small_model({"recipe": str(tabulated)}), library)
