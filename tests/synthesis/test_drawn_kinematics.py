"""What a compiled simulator with drawn kinematics refuses, and libraries whose pixels are not uniform."""

import dataclasses

import numpy as np
import pytest
from miniature import WAVE_AA, miniature_library

from sfhsim.errors import RecipeError
from sfhsim.synthesis import synthesize_galaxy

DRAWN = {
    "velocity_dispersion_kms": {"distribution": "uniform", "min": 200.0, "max": 300.0},
    "redshift": {"distribution": "uniform", "min": 0.0, "max": 0.05},
}


@pytest.mark.parametrize(
    ("name", "value"), [("redshift", 0.2), ("velocity_dispersion_kms", 900.0), ("redshift", np.nan)]
)
def test_kinematics_beyond_the_recipe_are_refused(make_simulator, name, value):
    simulator = make_simulator(kinematics=DRAWN)
    draws = simulator.plan.draw(np.arange(3), 0)
    changed = dataclasses.replace(draws, values=draws.values | {name: np.array([*draws.values[name][:2], value])})
    with pytest.raises(RecipeError, match=f"{name} from .* but the recipe's"):
        simulator.spectrograph.pixels(np.ones((3, simulator.spectrograph.column_wave_aa.size)), None, changed)


def test_pixels_that_are_not_uniform(make_simulator):
    """Native pixels that grow by half over the window."""
    library = miniature_library()
    wave_aa = np.concatenate([np.arange(850.0, 3000.0, 10.0), np.geomspace(3000.0, 30000.0, 4500)])
    flux = np.stack([[np.interp(wave_aa, WAVE_AA, row) for row in rows] for rows in library.flux]).astype(np.float32)
    resolution = np.full(wave_aa.size, 2.5)
    library = miniature_library(wave_aa=wave_aa, flux=flux, resolution_fwhm_aa=resolution)
    simulator = make_simulator(on=library, kinematics=DRAWN, basis_tolerance=0.0)
    batch = simulator.batch(np.arange(3))
    for i in range(3):
        draws = simulator.plan.draw(np.array([i]), simulator.seed)
        galaxy = synthesize_galaxy(simulator.recipe, library=library, draws=draws)
        scale = simulator.flux_scale(draws)[0] / draws.values["total_mass_msun"][0]
        ratio = batch.noise_free_spectrum[i] / (galaxy.observe(simulator.recipe) * scale) - 1
        assert np.sqrt(np.mean(ratio**2)) < 1e-4
