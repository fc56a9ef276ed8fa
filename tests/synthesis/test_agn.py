"""The active nucleus: compiled as it reads, in its classes, and as bright, broad and dusty as it is said to be."""

import itertools

import numpy as np
import pytest
from miniature import BANDS, miniature_library, miniature_recipe
from test_simulator_against_galaxy import DRAWN, compare

from sfhsim import Simulator, generate_dataset
from sfhsim.errors import RecipeError
from sfhsim.generation import verify_dataset
from sfhsim.libraries import save_library
from sfhsim.nebular.profiles import line_pixel_matrix
from sfhsim.recipe.loading import recipe_from_dict
from sfhsim.records.dataset import Dataset
from sfhsim.sources import Surroundings, get_source
from sfhsim.sources.agn import LINER, LINES, SEYFERT
from sfhsim.synthesis import synthesize_galaxy


def uniform(low, high):
    return {"distribution": "uniform", "min": low, "max": high}


VARIED = {"fraction": uniform(0.0, 0.6), "slope": uniform(-3.0, 1.0), "hbeta_width_aa": uniform(0.0, 20.0)}
SEYFERTS = VARIED | {name: uniform(*ends) for name, ends in SEYFERT.items()}
RECIPES = {
    "fixed": {"sources": {"agn": SEYFERTS}},
    "lines of drawn width": {"sources": {"agn": SEYFERTS | {"velocity_dispersion_kms": uniform(100.0, 500.0)}}},
    "broad lines beyond the spectrum's end": {
        "sources": {"agn": SEYFERTS | {"velocity_dispersion_kms": 900.0, "hbeta_width_aa": 20.0}},
        "spectrum": {"start_aa": 5030.0, "stop_aa": 6530.0, "step_aa": 5.0},
        "kinematics": {"velocity_dispersion_kms": 40.0},
    },
    "drawn": {"sources": {"agn": SEYFERTS}, "kinematics": DRAWN},
    "interpolated in log": {
        "sources": {"agn": SEYFERTS},
        "kinematics": DRAWN,
        "photometry": {"filters": list(BANDS), "interpolation": "log"},
    },
    "no gas": {"sources": {"agn": SEYFERTS}, "nebular": {"model": "none"}},
    "no gas, drawn": {"sources": {"agn": SEYFERTS}, "nebular": {"model": "none"}, "kinematics": DRAWN},
}


@pytest.mark.parametrize("name", RECIPES)
def test_compiled_as_it_reads(make_simulator, library, name):
    rms, mag = compare(make_simulator, library, RECIPES[name], basis_tolerance=0.0)
    assert rms < 5e-5
    assert mag < 1e-3
    rms, mag = compare(make_simulator, library, RECIPES[name], basis_tolerance=2e-4)
    assert rms < 2e-4
    assert mag < 1e-3


def ratios(given):
    """[O III]/Hbeta, [N II]/Halpha, [S II]/Halpha and [O I]/Halpha of the lines, log10."""
    source = get_source("agn")
    params = {p.name: np.array([given.get(p.name, p.default)]) for p in source.parameters}
    luminosity = source.line_luminosities(params, Surroundings(np.ones(1)))[0]
    lines = dict(zip(LINES, luminosity, strict=True))
    sii = lines["[S II] 6716"] + lines["[S II] 6731"]
    pairs = (lines["[O III] 5007"], "Hbeta"), (lines["[N II] 6583"], "Halpha"), (sii, "Halpha")
    return [np.log10(line / lines[of]) for line, of in (*pairs, (lines["[O I] 6300"], "Halpha"))]


def is_above_all_starbursts(oiii, nii, sii, oi):
    """Kewley et al. (2006): the curves of Kewley et al. (2001) in all three diagrams."""
    edges = (
        (0.61 / (nii - 0.47) + 1.19) if nii < 0.47 else -np.inf,
        (0.72 / (sii - 0.32) + 1.30) if sii < 0.32 else -np.inf,
        (0.73 / (oi + 0.59) + 1.33) if oi < -0.59 else -np.inf,
    )
    return all(oiii > edge for edge in edges)


def is_above_the_division(oiii, sii, oi):
    """Seyferts lie above both of their lines, LINERs below."""
    above = {oiii > 1.89 * sii + 0.76, oiii > 1.18 * oi + 1.30}
    assert len(above) == 1, "between the classes"
    return above.pop()


@pytest.mark.parametrize(("ranges", "is_seyfert"), [(SEYFERT, True), (LINER, False)], ids=["Seyfert", "LINER"])
def test_ranges_lie_in_their_classes(ranges, is_seyfert):
    for corner in itertools.product(*ranges.values()):
        oiii, nii, sii, oi = found = ratios(dict(zip(ranges, corner, strict=True)))
        np.testing.assert_allclose(found, corner, atol=1e-9)
        assert is_above_all_starbursts(oiii, nii, sii, oi)
        assert is_above_the_division(oiii, sii, oi) == is_seyfert


def test_defaults_are_a_seyfert():
    oiii, nii, sii, oi = ratios({})
    assert is_above_all_starbursts(oiii, nii, sii, oi)
    assert is_above_the_division(oiii, sii, oi)


def test_fraction_and_width_are_what_they_are_called(make_simulator, library):
    recipe = make_simulator(sources={"agn": {"fraction": 0.4, "hbeta_width_aa": 7.0, "slope": -0.5}}).recipe
    galaxy = synthesize_galaxy(recipe, sample_id=2, library=library)
    nucleus, band = galaxy.components["agn"], (galaxy.wave_aa > 5450) & (galaxy.wave_aa < 5550)
    share = nucleus.continuum[band].mean() / (nucleus.continuum + galaxy.stellar)[band].mean()
    assert share == pytest.approx(0.4, abs=2e-3)
    assert nucleus.line_luminosity_lsun[0] == pytest.approx(7.0 * galaxy.stellar[band].mean(), rel=5e-3)
    assert nucleus.attenuated_lines_lsun[0] == pytest.approx(
        nucleus.line_luminosity_lsun[0] * np.interp(4861.33, galaxy.wave_aa, nucleus.screen), rel=1e-4
    )
    np.testing.assert_array_equal(nucleus.birth, 1.0)


def test_narrow_lines_have_their_own_width(make_simulator):
    """The nucleus' light alone, by difference, is that of its lines at its width whatever the stars' is."""
    spectra = []
    for width_aa in (0.0, 10.0):
        nucleus = {"fraction": 0.0, "hbeta_width_aa": width_aa, "velocity_dispersion_kms": 250.0}
        simulator = make_simulator(sources={"agn": nucleus}, noise={"model": "none"}, nebular={"model": "none"})
        spectra.append(simulator.batch([0]).noise_free_spectrum[0].astype(np.float64))
    lines = spectra[1] - spectra[0]
    wave_aa = simulator.spectrograph.wave_aa
    near = np.abs(wave_aa - 5006.84 * 1.002) < 24.0
    centre = (lines * wave_aa)[near].sum() / lines[near].sum()
    spread_aa = np.sqrt((lines * (wave_aa - centre) ** 2)[near].sum() / lines[near].sum())
    lsf_aa = float(simulator.spectrograph.lsf.fwhm_aa(np.array([centre]))[0]) / 2.3548
    assert centre == pytest.approx(5006.84 * 1.002, abs=0.2)
    assert spread_aa == pytest.approx(np.sqrt((250.0 / 299792.458 * centre) ** 2 + lsf_aa**2 + 25 / 12), rel=0.02)
    profile = line_pixel_matrix(simulator.spectrograph.edges_aa, np.array([centre]), np.array([spread_aa]))[0]
    assert np.corrcoef(profile[near], lines[near])[0, 1] > 0.999


def test_switched_on_it_leaves_the_rest_as_it_was(make_simulator):
    ids = np.arange(20)
    without, faint = make_simulator(), make_simulator(sources={"agn": {"fraction": 0.0, "hbeta_width_aa": 0.0}})
    one, other = without.batch(ids), faint.batch(ids)
    for name, values in one.draws.values.items():
        np.testing.assert_array_equal(other.draws.values[name], values)
    assert set(other.draws.values) - set(one.draws.values) == {
        f"sources.agn.{p.name}" for p in get_source("agn").parameters
    }
    np.testing.assert_array_equal(one.noise_free_spectrum, other.noise_free_spectrum)
    assert without.fingerprint() != faint.fingerprint()
    assert "agn" not in without.describe().split("parameters")[0]
    assert "sources     agn" in faint.describe()


def test_energy_is_balanced_with_a_nucleus(make_simulator, library):
    recipe = make_simulator(sources={"agn": SEYFERTS}).recipe
    for sample in range(3):
        galaxy = synthesize_galaxy(recipe, sample_id=sample, library=library)
        energy = galaxy.energy_lsun()
        accounted = energy["attenuated"] + energy["absorbed_birth"] + energy["absorbed_screen"]
        assert accounted == pytest.approx(energy["emitted"], rel=1e-9)
        parts = {name: galaxy.observe(recipe, name) for name in ("stars", "nebular_continuum", "lines", "agn")}
        own_lines = galaxy.components["agn"].line_luminosity_lsun
        assert (own_lines > 0).all()
        with pytest.raises(RecipeError, match="no component 'quasar': this galaxy has total, stars, .*, agn"):
            galaxy.observe(recipe, "quasar")
        assert (parts["agn"] > 0).all()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"agn": {"fractoin": 0.1}}, "sources.agn: unknown key 'fractoin' in parameters: agn takes fraction, "),
        ({"agn": {"fraction": 1.5}}, "sources.agn: fraction spans 1.5 to 1.5, outside what agn allows: 0 to 0.99"),
        ({"agn": {"slope": uniform(-4, 0)}}, "slope spans -4 to 0, outside what agn allows: -3 to 1"),
        ({"ang": {}}, "sources.ang: no source is called 'ang'; known: .*Did you mean 'agn'?"),
        ({"agn": 3}, "sources.agn"),
    ],
)
def test_nuclei_that_cannot_be(given, message):
    with pytest.raises(RecipeError, match=message):
        recipe_from_dict(miniature_recipe(sources=given))


def test_from_a_recipe_to_verified_shards(tmp_path, monkeypatch):
    monkeypatch.setenv("SFHSIM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SFHSIM_CACHE", str(tmp_path / "cache"))
    save_library(miniature_library(), tmp_path / "home" / "libraries" / "miniature")
    recipe = recipe_from_dict(miniature_recipe(sources={"agn": SEYFERTS}))
    generate_dataset(recipe, 40, tmp_path / "d", seed=3, workers=1)
    assert verify_dataset(tmp_path / "d").ok
    dataset = Dataset(tmp_path / "d")
    records = dataset.arrays()
    truths = dict(zip(dataset.truth_names, records["truth"].T, strict=True))
    assert len(set(truths["sources.agn.fraction"])) == 40
    assert dataset.manifest["recipe"]["sources"]["agn"]["slope"] == uniform(-3.0, 1.0)
    batch = Simulator(recipe, miniature_library(), seed=3).batch(records["sample_id"])
    np.testing.assert_array_equal(batch.spectrum, records["spectrum"])
