"""The fused population kernel against the general functions of sfhsim.histories."""

import numpy as np
import pytest

from sfhsim.histories import bin_metallicity, get_metallicity, mass_weighted_metallicity, metallicity_weights
from sfhsim.kernels.populations import light_weighted
from sfhsim.recipe.loading import recipe_from_dict
from sfhsim.synthesis.draws import ParameterPlan
from sfhsim.synthesis.populations import KERNEL_FORMS, PopulationModel

AGES = np.array([1e6, 3e6, 1e7, 6e7, 3e8, 1e9, 4e9, 1.2e10])
EDGES = np.concatenate([[0], 0.5 * (AGES[1:] + AGES[:-1]), [1.4e10]])
LIBRARY_Z = np.array([0.001, 0.004, 0.02, 0.03])


def _model(form, labels):
    recipe = recipe_from_dict(
        {
            "name": "kernel",
            "histories": [
                {
                    "family": "skewed_normal",
                    "parameters": {"peak_gyr": {"distribution": "uniform", "min": 0, "max": 13}},
                },
                {"family": "dense_basis"},
            ],
            "metallicity": {
                "form": form,
                "z_start": 0.0005,
                "z_final": {"distribution": "uniform", "min": 0.002, "max": 0.05},
            },
            "labels": {"age_bin_edges_myr": labels},
        }
    )
    draws = ParameterPlan(recipe).draw(np.arange(60), 3)
    return PopulationModel(recipe, AGES, EDGES, LIBRARY_Z), draws


@pytest.mark.parametrize("labels", [[0, 10, 100, 1000, 13800], [0, 100, 1000]])
@pytest.mark.parametrize("form", KERNEL_FORMS)
def test_same_stars_and_labels(form, labels):
    model, draws = _model(form, labels)
    stars = model.evaluate(draws)
    age_max_yr = model.age_max_yr(draws)
    cumulative = np.empty((60, model.edges_yr.size))
    for _, rows, family, params in model._families(draws):
        cumulative[rows] = family.cumulative_mass(params, model.edges_yr, age_max_yr[rows])
    general = model._by_family(draws, cumulative, age_max_yr)
    for name in ("mass", "metallicity", "label_mass", "label_metallicity", "mean_log10_age_yr", "mean_metallicity"):
        np.testing.assert_allclose(getattr(stars, name), getattr(general, name), rtol=1e-11, atol=1e-14, err_msg=name)
    np.testing.assert_array_equal(stars.n_clipped, general.n_clipped)
    # the same place between two metallicities may be written as (k, 1) or (k + 1, 0)
    place = [s.lower + s.upper_share for s in (stars, general)]
    np.testing.assert_allclose(*place, atol=1e-9)
    assert (stars.n_clipped > 0).any()


def test_general_functions_agree_with_direct_sums():
    model, draws = _model("closed_box", [0, 100, 13800])
    cumulative = np.sort(np.random.default_rng(1).random((60, model.edges_yr.size)), axis=1)
    cumulative[:, 0], cumulative[:, -1] = 0.0, 1.0
    params = {"z_start": 0.0005, "z_final": draws.values["metallicity.z_final"], "yield": 0.03}
    z = bin_metallicity(get_metallicity("closed_box"), params, cumulative, model.edges_yr)
    mass, mean = mass_weighted_metallicity(cumulative, z, model.edges_yr, model.label_edges_yr)
    inside = model.edges_yr[1:] <= 1e8
    m = np.diff(cumulative, axis=1)
    np.testing.assert_allclose(mass[:, 0], m[:, inside].sum(axis=1), rtol=1e-12)
    np.testing.assert_allclose(mean[:, 0], (m * z)[:, inside].sum(axis=1) / mass[:, 0], rtol=1e-12)


def test_light_weighted_means():
    model, draws = _model("closed_box", [0, 100, 13800])
    stars = model.evaluate(draws)
    light = np.random.default_rng(2).random((LIBRARY_Z.size, AGES.size)) + 0.1
    out = np.empty((60, 2))
    light_weighted(stars.mass, stars.metallicity, stars.lower, stars.upper_share, light, np.log10(AGES), out)
    lower, share, _ = metallicity_weights(stars.metallicity, LIBRARY_Z)
    ages = np.arange(AGES.size)
    weight = stars.mass * ((1 - share) * light[lower, ages] + share * light[lower + 1, ages])
    np.testing.assert_allclose(out[:, 0], weight @ np.log10(AGES) / weight.sum(axis=1), rtol=1e-9)
    np.testing.assert_allclose(out[:, 1], (weight * stars.metallicity).sum(axis=1) / weight.sum(axis=1), rtol=1e-9)
