"""Cloudy emission per SSP: photon counting, case B, interpolation, and other libraries' ionising output."""

import numpy as np
import pytest

from sfhsim.constants import LSUN_ERG_S
from sfhsim.errors import LibraryError, RecipeError
from sfhsim.nebular.cloudy import load_cloudy

AGE_YR = np.array([1e5, 1e6, 2e6, 5e6, 1e7, 2.51e7, 2.6e7, 1e10])
METALLICITY = np.array([0.0004, 0.004, 0.02, 0.04, 0.1])


@pytest.fixture(scope="module")
def model():
    return load_cloudy()


def line(model, wave_aa):
    return int(np.argmin(np.abs(model.line_wave_aa - wave_aa)))


@pytest.mark.parametrize("log_u", [-4.0, -3.0, -2.2, 0.0])
def test_every_ionizing_photon_gives_its_halpha(model, log_u):
    """1.37e-12 erg of Halpha per ionising photon: case B at 10^4 K (Osterbrock & Ferland 2006)."""
    rate = np.full((5, 4), 3e46)
    halpha = model.ssp_lines(METALLICITY, AGE_YR[:4], rate, log_u)[..., line(model, 6562.8)]
    np.testing.assert_allclose(halpha * LSUN_ERG_S / 3e46, 1.37e-12, rtol=0.15)


def test_line_ratios_that_atomic_physics_fixes(model):
    lines = model.ssp_lines(METALLICITY, AGE_YR[:4], None, -3.0)
    assert (np.abs(lines[..., line(model, 6562.8)] / lines[..., line(model, 4861.32)] - 2.86) < 0.12).all()
    ratio = lines[..., line(model, 5006.84)] / lines[..., line(model, 4958.91)]
    np.testing.assert_allclose(ratio, 2.98, rtol=0.04)  # Storey & Zeippen 2000
    ratio = lines[..., line(model, 6583.45)] / lines[..., line(model, 6548.05)]
    np.testing.assert_allclose(ratio, 3.0, rtol=0.04)


def test_names_go_with_their_wavelengths(model):
    assert (np.diff(model.line_wave_aa) >= 0).all()
    assert model.line_names[line(model, 6562.8)] == "H I 6562.80A"
    assert model.line_names[line(model, 5006.84)] == "O III 5006.84A"
    assert model.line_names[line(model, 18.7078e4)] == "S III 18.7078m"
    assert model.line_wave_aa.size == model.line_names.size == 124


def test_the_ionization_parameter_drives_oxygen(model):
    lines = [model.ssp_lines(METALLICITY[1:2], AGE_YR[1:2], None, u)[0, 0] for u in (-3.5, -2.5, -1.5)]
    o32 = [x[line(model, 5006.84)] / x[line(model, 3728.81)] for x in lines]
    assert o32[0] < o32[1] < o32[2]


def test_equivalent_width_of_hbeta_and_the_balmer_jump(model):
    lines = model.ssp_lines(METALLICITY[2:3], AGE_YR[1:2], None, -3.0)[0, 0]
    continuum = model.ssp_continuum(METALLICITY[2:3], AGE_YR[1:2], None, -3.0)[0, 0]
    at = np.interp([4861.3, 3600.0, 3700.0], model.continuum_wave_aa, continuum)
    assert 1000.0 < lines[line(model, 4861.32)] / at[0] < 1900.0  # against the nebular continuum alone
    assert at[1] / at[2] > 4.0
    assert (continuum >= 0).all()
    assert model.continuum_wave_aa[0] >= 911.75


def test_continuum_agrees_with_recombination_theory_at_solar_metallicity(model):
    """Cloudy against the free-bound, free-free and two-photon continuum at the 8200 K that fits it best."""
    from sfhsim.nebular.continuum import load_continuum

    theory = load_continuum()
    hbeta = model.ssp_lines([0.02], [1e6], None, -3.0)[0, 0, line(model, 4861.32)]
    continuum = model.ssp_continuum([0.02], [1e6], None, -3.0)[0, 0] / hbeta
    wave_aa = np.linspace(4000.0, 9000.0, 300)
    blurred = (np.abs(wave_aa - 8210.0) < 60.0) | (np.abs(wave_aa - 6570.0) < 30.0)  # edge; remains of lines
    wave_aa = wave_aa[~blurred]
    expected = np.interp(wave_aa, theory.wave_aa, theory.per_hbeta(8200.0, 100.0, 0.1))
    assert np.abs(np.interp(wave_aa, model.continuum_wave_aa, continuum) / expected - 1.0).max() < 0.02


@pytest.mark.parametrize("method", ["ssp_lines", "ssp_continuum"])
def test_emission_is_linear_in_log_u_between_nodes(model, method):
    index, fraction = model.log_u_bracket(np.array([-2.8]))
    assert model.log_u_nodes[index[0]] == -3.0
    assert fraction[0] == pytest.approx(0.4)
    low, high, between = (getattr(model, method)(METALLICITY, AGE_YR, None, u) for u in (-3.0, -2.5, -2.8))
    np.testing.assert_allclose(between, 0.6 * low + 0.4 * high, rtol=1e-6)


@pytest.mark.parametrize("method", ["ssp_lines", "ssp_continuum"])
def test_escape_fraction_and_photon_rate_scale_everything(model, method):
    rate = np.full((5, 8), 1e46)
    emission = getattr(model, method)
    whole = emission(METALLICITY, AGE_YR, rate, -3.0)
    np.testing.assert_allclose(emission(METALLICITY, AGE_YR, 2.0 * rate, -3.0, escape_fraction=0.5), whole, rtol=1e-12)
    assert not emission(METALLICITY, AGE_YR, rate, -3.0, escape_fraction=1.0).any()


def test_ages_outside_the_table(model):
    lines = model.ssp_lines(METALLICITY, AGE_YR, None, -3.0)
    np.testing.assert_array_equal(lines[:, 0], lines[:, 1])  # constant below 1 Myr
    assert lines[:, 5].any()  # the oldest age, written with other digits
    assert not lines[:, 6:].any()


def test_the_tables_own_nodes_are_reproduced(model):
    lines = model.ssp_lines(model.metallicity, model.age_yr, None, -2.0)
    rate = 10.0 ** model.source_log10_photon_rate[:-1]
    u = int(np.argmin(np.abs(model.log_u_nodes + 2.0)))
    np.testing.assert_allclose(lines * LSUN_ERG_S / rate[..., None], model.line_erg_per_photon[u], rtol=1e-10)


def test_unknown_photon_rates_fall_back_on_the_source(model):
    own = np.full((5, 8), np.nan)
    own[2, 3] = 7e45
    rate = model.photon_rate(METALLICITY, AGE_YR, own)
    source = model.photon_rate(METALLICITY, AGE_YR)
    assert rate[2, 3] == 7e45
    rate[2, 3] = source[2, 3]
    np.testing.assert_array_equal(rate, source)
    assert np.isnan(own).sum() == own.size - 1  # not modified


def test_few_models_were_replaced_and_only_metal_rich_ones(model):
    assert model.replaced.sum() == 103
    assert not model.replaced[:, model.metallicity < 0.02].any()
    assert model.replaced[:, model.metallicity == 0.02].sum() == 1


@pytest.mark.parametrize("log_u", [-4.5, 0.1, np.nan])
def test_log_u_outside_the_table_is_refused(model, log_u):
    with pytest.raises(RecipeError, match=r"log U must lie in \[-4, 0\]"):
        model.ssp_lines(METALLICITY, AGE_YR, None, log_u)


def test_other_bad_input_is_named(model):
    with pytest.raises(RecipeError, match="escape_fraction"):
        model.ssp_continuum(METALLICITY, AGE_YR, None, -3.0, escape_fraction=-0.1)
    with pytest.raises(LibraryError, match=r"\(5, 8\), not \(2,\)"):
        model.photon_rate(METALLICITY, AGE_YR, np.ones(2))
    rate = np.ones((5, 8))
    rate[1, 2] = -1.0
    with pytest.raises(LibraryError, match=r"negative at Z = 0\.004, age 2e"):
        model.photon_rate(METALLICITY, AGE_YR, rate)
