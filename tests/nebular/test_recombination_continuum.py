"""The recombination continuum: atomic physics with known answers, and PyNeb itself where it is installed."""

import numpy as np
import pytest

from sfhsim.constants import H_ERG_S
from sfhsim.errors import RecipeError
from sfhsim.nebular.continuum import LYMAN_ALPHA_AA, load_continuum, two_photon_emissivity


@pytest.fixture(scope="module")
def continuum():
    return load_continuum()


def at(continuum, wave_aa, *parameters):
    return np.interp(wave_aa, continuum.wave_aa, continuum.per_hbeta(*parameters))


def test_two_photon_decay_emits_two_photons():
    """Sum rules: each decay gives 2 photons and the energy of one Lyman alpha (Nussbaumer & Schmutz 1984)."""
    y = np.linspace(1e-5, 1.0, 200001)
    wave_aa = LYMAN_ALPHA_AA / y[::-1]
    emissivity = two_photon_emissivity(wave_aa, 1e4, 1e-3)[0]
    photon_erg = H_ERG_S * 2.99792458e18 / wave_aa
    alpha_2s = 0.838e-13
    assert np.trapezoid(emissivity / photon_erg, wave_aa) / alpha_2s == pytest.approx(2.0, rel=2e-3)
    lyman_alpha_erg = H_ERG_S * 2.99792458e18 / LYMAN_ALPHA_AA
    assert np.trapezoid(emissivity, wave_aa) == pytest.approx(alpha_2s * lyman_alpha_erg, rel=2e-3)


def test_two_photon_emission_is_quenched_at_high_density():
    """Half the decays are lost at ne = A_2q / q = 1.5e4 per cm3 (Osterbrock & Ferland 2006, section 4.3)."""
    low, half = two_photon_emissivity(np.array([2000.0]), [1e4, 1e4], [1e-3, 8.226 / 5.31e-4])
    assert half[0] / low[0] == pytest.approx(0.5, rel=1e-6)


def test_no_two_photon_emission_shortward_of_lyman_alpha():
    assert not two_photon_emissivity(np.array([950.0, 1215.7]), 1e4, 100.0).any()


def test_hbeta_emissivity_is_the_published_one(continuum):
    """4 pi j / (ne np) = 1.235e-25 erg cm3 / s at 10^4 K, 100 per cm3, case B (Storey & Hummer 1995)."""
    row = np.argmin(np.abs(continuum.log10_temperature - 4.0))
    assert 10.0 ** continuum.log10_hbeta[row, 0] == pytest.approx(1.235e-25, rel=1e-6)


@pytest.mark.parametrize("temperature_k", [7000.0, 10000.0, 15000.0])
def test_balmer_jump_follows_liu_2001(continuum, temperature_k):
    """T = 368 (1 + 0.259 y+ + 3.409 y++) (BJ / H11)^-3/2 (Liu et al. 2001), H11 = 0.0397 Hbeta."""
    jump = at(continuum, 3643.0, temperature_k) - at(continuum, 3681.0, temperature_k)
    inferred_k = 368.0 * (1.0 + 0.0259) * (jump / 0.0397) ** -1.5
    assert inferred_k == pytest.approx(temperature_k, rel=0.06)


def test_long_wavelengths_are_free_free(continuum):
    """At 30 um and 10^4 K, j_lambda of free-free falls as lambda^-2 times a Gaunt factor ~ lambda^0.1-0.2."""
    slope = np.log(at(continuum, 6e5) / at(continuum, 3e5)) / np.log(2.0)
    assert -1.95 < slope < -1.75


def test_nodes_increase_and_the_edges_are_steep(continuum):
    assert (np.diff(continuum.wave_aa) > 0).all()
    assert continuum.wave_aa[0] >= 911.75
    assert continuum.wave_aa[-1] == pytest.approx(1e6)
    assert at(continuum, 3646.9) / at(continuum, 3647.1) > 3.0
    assert at(continuum, 8205.7) / at(continuum, 8205.9) > 1.8


def test_helium_adds(continuum):
    without, with_he1, with_he2 = (continuum.per_hbeta(1e4, 100.0, y, z) for y, z in ((0, 0), (0.1, 0), (0, 0.1)))
    assert (with_he1 > without).all()
    assert (with_he2 > without).all()
    np.testing.assert_allclose(
        continuum.per_hbeta(1e4, 100.0, 0.1, 0.1) - without,
        (with_he1 - without) + (with_he2 - without),
        rtol=1e-10,
    )


def test_batch_is_its_galaxies_one_by_one(continuum):
    temperature_k, density_cm3 = np.array([6000.0, 9000.0, 2e4]), np.array([10.0, 300.0, 2e3])
    batch = continuum.per_hbeta(temperature_k, density_cm3, 0.08)
    assert batch.shape == (3, continuum.wave_aa.size)
    for i in range(3):
        np.testing.assert_array_equal(batch[i], continuum.per_hbeta(temperature_k[i], density_cm3[i], 0.08))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ((1000.0,), "electron temperature must lie in 3981-25119 K, got 1000"),
        ((np.nan,), "electron temperature"),
        ((1e4, 0.0), "electron density"),
        ((1e4, 1e6), "electron density"),
        ((1e4, 100.0, -0.1), "He"),
        ((1e4, 100.0, 0.9, 0.2), "at most 1"),
    ],
)
def test_parameters_outside_the_table_are_refused(continuum, parameters, message):
    with pytest.raises(RecipeError, match=message):
        continuum.per_hbeta(*parameters)


@pytest.mark.peer
def test_equals_pyneb_at_random_conditions(continuum):
    pyneb = pytest.importorskip("pyneb", reason="pip install pyneb==1.1.32 to compare with it")
    model, rng = pyneb.Continuum(), np.random.default_rng(11)
    for _ in range(20):
        temperature_k, density_cm3 = rng.uniform(5000.0, 20000.0), 10 ** rng.uniform(1.0, 4.0)
        he1, he2 = rng.uniform(0.0, 0.12), rng.uniform(0.0, 0.02)
        ranges = ((4000.0, 9000.0, 0.005), (1240.0, 4000.0, 0.005), (9000.0, 3e5, 0.03))
        for low_aa, high_aa, tolerance in ranges:
            wave_aa = np.exp(rng.uniform(np.log(low_aa), np.log(high_aa), 100))
            jump = (np.abs(np.subtract.outer(wave_aa, continuum.wave_aa[:-1])) < 1e-4 * wave_aa[:, None]) & (
                np.diff(continuum.wave_aa) < 1e-5 * continuum.wave_aa[:-1]
            )
            wave_aa = wave_aa[~jump.any(axis=1)]  # on an edge the ratio of two steps means nothing
            expected = model.get_continuum(
                tem=temperature_k, den=density_cm3, He1_H=he1, He2_H=he2, wl=wave_aa, HI_label="4_2"
            )
            ours = at(continuum, wave_aa, temperature_k, density_cm3, he1, he2)
            assert np.abs(ours / expected - 1.0).max() < tolerance
