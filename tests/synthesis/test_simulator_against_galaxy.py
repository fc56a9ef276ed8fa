"""The compiled simulator against the readable path: the same spectra and magnitudes, whatever the recipe asks for."""

import numpy as np
import pytest
from miniature import BANDS, miniature_recipe

from sfhsim.errors import SfhsimError
from sfhsim.nebular import load_lkl10
from sfhsim.synthesis import synthesize_galaxy

N_GALAXIES = 3
MAG_TOLERANCE_FIXED = 2e-4
MAG_TOLERANCE_DRAWN = 1e-3
NARROW_AA = 0.02
DRAWN = {
    "velocity_dispersion_kms": {"distribution": "uniform", "min": 50.0, "max": 300.0},
    "redshift": {"distribution": "uniform", "min": 0.0, "max": 0.05},
}
SLOW_GAS = {"distribution": "uniform", "min": 20.0, "max": 100.0}
CLEAR = {"law": "power_law", "tau": 0.0}
RECIPES = {
    "fixed kinematics": {},
    "drawn kinematics": {"kinematics": DRAWN},
    "narrow lines": {"kinematics": {"line_velocity_dispersion_kms": 60.0, "redshift": 0.01}},
    "narrow lines, drawn": {"kinematics": DRAWN | {"line_velocity_dispersion_kms": SLOW_GAS}},
    "stars not broadened": {"kinematics": {"broaden_stars": False, "redshift": 0.002}},
    "stars not broadened, drawn": {"kinematics": DRAWN | {"broaden_stars": False}},
    "template resolution kept": {"spectrum": {"step_aa": 5.0, "subtract_template_resolution": False}},
    "no lsf": {"spectrum": {"step_aa": 5.0, "lsf": {"name": "none"}}},
    "no nebular emission": {"nebular": {"model": "none"}},
    "cloudy without continuum": {"nebular": {"model": "cloudy", "continuum": False}},
    "escaping photons": {"nebular": {"escape_fraction": {"distribution": "uniform", "min": 0.0, "max": 1.0}}},
    "calzetti": {"dust": {"birth": {"law": "power_law", "tau": 1.0}, "screen": {"law": "calzetti", "tau": 0.8}}},
    "no dust": {"dust": {"birth": CLEAR, "screen": CLEAR}},
    "distant": {
        "kinematics": {"redshift": 1.0},
        "spectrum": {"step_aa": 25.0},
        "photometry": {"filters": list(BANDS[1:])},
    },
}
# Compiled dust is taken at the centres of output pixels. Calzetti's two branches do not meet at 6300 A, which moves
# that step within a pixel; and the distant galaxy has the flank of the 2175 A bump in pixels 12.5 A wide.
RMS_AT_ZERO_TOLERANCE = {"calzetti": 4e-4, "distant": 5e-4}


def magnitude(band, galaxy, redshift, scale):
    """AB magnitude of the whole attenuated SED at native resolution, each line a narrow triangle in it."""
    corners = galaxy.moved_line_wave_aa[:, None] + NARROW_AA * np.array([-1.0, 0.0, 1.0])
    wave_aa = np.unique(np.concatenate([galaxy.wave_aa, corners.ravel()]))
    wave_aa = wave_aa[(wave_aa >= galaxy.wave_aa[0]) & (wave_aa <= galaxy.wave_aa[-1])]
    flux = np.interp(wave_aa, galaxy.wave_aa, galaxy.attenuated_continuum)
    for centre_aa, luminosity_lsun in zip(galaxy.moved_line_wave_aa, galaxy.attenuated_lines_lsun, strict=True):
        near = slice(*np.searchsorted(wave_aa, centre_aa + 5.0 * NARROW_AA * np.array([-1.0, 1.0])))
        profile = np.maximum(1 - np.abs(wave_aa[near] - centre_aa) / NARROW_AA, 0.0)
        if profile.any():
            flux[near] += luminosity_lsun * profile / np.trapezoid(profile, wave_aa[near])
    return float(band.ab_magnitude(wave_aa * (1 + redshift), flux[None] * scale)[0])


def compare(make_simulator, library, sections, basis_tolerance, n=N_GALAXIES):
    """Worst rms relative difference of a spectrum, and worst magnitude difference."""
    simulator = make_simulator(basis_tolerance=basis_tolerance, **sections)
    batch = simulator.batch(np.arange(n))
    rms, magnitudes = [], []
    for i in range(n):
        draws = simulator.plan.draw(np.array([i]), simulator.seed)
        galaxy = synthesize_galaxy(simulator.recipe, library=library, draws=draws)
        scale = simulator.flux_scale(draws)[0] / draws.values["total_mass_msun"][0]
        ratio = batch.noise_free_spectrum[i] / (galaxy.observe(simulator.recipe) * scale) - 1
        rms.append(np.sqrt(np.mean(ratio**2)))
        redshift = draws.values["redshift"][0]
        expected = [magnitude(band, galaxy, redshift, scale) for band in simulator.photometer.filters]
        magnitudes.append(np.abs(batch.noise_free_photometry[i] - expected).max())
    return max(rms), max(magnitudes)


@pytest.mark.parametrize("name", RECIPES)
def test_same_galaxies_without_a_basis(make_simulator, library, name):
    rms, mag = compare(make_simulator, library, RECIPES[name], basis_tolerance=0.0)
    assert rms < RMS_AT_ZERO_TOLERANCE.get(name, 5e-5)
    assert mag < (MAG_TOLERANCE_DRAWN if "drawn" in name else MAG_TOLERANCE_FIXED)


@pytest.mark.parametrize("name", ["fixed kinematics", "drawn kinematics", "narrow lines"])
def test_same_galaxies_within_the_tolerance_of_the_basis(make_simulator, library, name):
    rms, mag = compare(make_simulator, library, RECIPES[name], basis_tolerance=2e-4, n=2)
    assert rms < 2e-4
    assert mag < MAG_TOLERANCE_DRAWN


def test_a_basis_is_used_and_stays_within_its_tolerance(make_simulator):
    exact = make_simulator(basis_tolerance=0.0)
    truth = exact.batch(np.arange(20)).noise_free_spectrum
    for tolerance in (1e-2, 1e-3):
        simulator = make_simulator(basis_tolerance=tolerance)
        rms = np.sqrt(np.mean((simulator.batch(np.arange(20)).noise_free_spectrum / truth - 1) ** 2, axis=1))
        assert rms.max() <= tolerance
        for name in ("old", "young"):
            reduced, whole = (s.light.sources[name].templates for s in (simulator, exact))
            assert len(reduced.vectors["pixels"]) < len(whole.vectors["pixels"])
            assert 0 < reduced.error <= tolerance


@pytest.mark.reference_data
@pytest.mark.parametrize("scaling", ["sfr", "energy"])
def test_same_galaxies_with_lkl10_lines(make_simulator, library, reference_data, monkeypatch, scaling):
    monkeypatch.setenv("SFHSIM_LKL10", str(reference_data / "lkl10"))
    sections = {"nebular": {"model": "lkl10", "scaling": scaling}}
    rms, mag = compare(make_simulator, library, sections, basis_tolerance=0.0)
    assert rms < 5e-5
    assert mag < MAG_TOLERANCE_FIXED


@pytest.mark.reference_data
def test_prospect_forms(make_simulator, library, reference_data, monkeypatch):
    monkeypatch.setenv("SFHSIM_LKL10", str(reference_data / "lkl10"))
    sections = {
        "discretisation": "prospect",
        "histories": miniature_recipe()["histories"][:1],
        "nebular": {"model": "lkl10", "continuum": False, "sfr_to_halpha": "prospect", "line_flux": "prospect"},
        "photometry": {"filters": list(BANDS), "interpolation": "log"},
    }
    rms, mag = compare(make_simulator, library, sections, basis_tolerance=0.0)
    assert rms < 5e-5
    assert mag < MAG_TOLERANCE_DRAWN  # the logarithmic mean between pixels instead of the mean


def test_lines_of_the_table_that_is_not_there(make_simulator, tmp_path, monkeypatch):
    monkeypatch.delenv("SFHSIM_LKL10", raising=False)
    monkeypatch.setenv("SFHSIM_HOME", str(tmp_path))
    with pytest.raises(SfhsimError, match="sfhsim nebular install lkl10"):
        make_simulator(nebular={"model": "lkl10"})
    with pytest.raises(SfhsimError, match="sfhsim nebular install lkl10"):
        load_lkl10()


def test_components_add_up(make_simulator, library):
    simulator = make_simulator()
    galaxy = synthesize_galaxy(simulator.recipe, sample_id=1, library=library)
    parts = {name: galaxy.observe(simulator.recipe, name) for name in ("stars", "nebular_continuum", "lines", "total")}
    np.testing.assert_allclose(parts["stars"] + parts["nebular_continuum"] + parts["lines"], parts["total"], rtol=1e-12)
    assert (galaxy.observe(simulator.recipe, "young") <= parts["stars"]).all()
    assert (galaxy.observe(simulator.recipe, "dust_free") >= parts["total"]).all()
