import numpy as np
import pytest

from sfhsim.errors import LibraryError
from sfhsim.libraries.splicing import splice
from sfhsim.pixels import pixel_edges

BOUNDARY_YR = 1e9


@pytest.fixture
def young(make_library):
    return make_library(name="young", wave_aa=np.arange(500.0, 9000.0, 5.0))


@pytest.fixture
def old(make_library):
    return make_library(
        name="old",
        metallicity=[0.004, 0.0126, 0.03],
        age_yr=[1e9, 3e9, 1e10],
        wave_aa=np.arange(1700.0, 8900.0, 7.0),
    )


def test_ages_wavelengths_and_metallicities(young, old):
    spliced = splice(young, old, BOUNDARY_YR, name="both")
    np.testing.assert_allclose(spliced.age_yr, [1e6, 1e7, 1e8, 1e9, 3e9, 1e10])
    np.testing.assert_array_equal(spliced.metallicity, old.metallicity)
    np.testing.assert_array_equal(spliced.wave_aa, old.wave_aa)
    np.testing.assert_array_equal(spliced.flux[:, 3:], old.flux)
    assert spliced.name == "both"
    assert spliced.imf == "Kroupa"
    assert "young below 1000 Myr, old above" in spliced.notes


def test_flux_is_conserved_and_metallicity_linear_in_its_logarithm(young, old):
    spliced = splice(young, old, BOUNDARY_YR)
    edges = pixel_edges(old.wave_aa)
    first, last = 100, 900
    fine = np.linspace(edges[first], edges[last], 200001)
    fine = 0.5 * (fine[1:] + fine[:-1])
    pixel = np.searchsorted(pixel_edges(young.wave_aa), fine) - 1
    total = (spliced.flux[0, :3] * np.diff(edges))[:, first:last].sum(axis=1)
    expected = young.flux[0, :3].astype(float)[:, pixel].mean(axis=1) * (edges[last] - edges[first])
    np.testing.assert_allclose(total, expected, rtol=1e-5)
    f = np.log10(0.0126 / 0.008) / np.log10(0.02 / 0.008)
    expected = (1 - f) * young.ionizing_photon_rate[1] + f * young.ionizing_photon_rate[2]
    np.testing.assert_allclose(spliced.ionizing_photon_rate[1, :3], expected[:3], rtol=1e-12)


def test_clipped_metallicity_and_trimming_are_said(young, old, make_library):
    spliced = splice(young, old, BOUNDARY_YR)
    assert "clipped in Z at 0.03" in spliced.notes
    np.testing.assert_allclose(spliced.ionizing_photon_rate[2, :3], young.ionizing_photon_rate[2, :3])
    narrow = make_library(name="narrow", wave_aa=np.arange(2500.0, 8000.0, 5.0))
    trimmed = splice(narrow, old, BOUNDARY_YR)
    assert trimmed.wave_aa[0] >= 2500
    assert "Trimmed to the common" in trimmed.notes


def test_ionising_output_is_the_young_librarys(young, old):
    assert np.isnan(old.ionizing_photon_rate).all()
    spliced = splice(young, old, BOUNDARY_YR)
    np.testing.assert_allclose(spliced.ionizing_photon_rate[0, :4], young.ionizing_photon_rate[0, :4])
    np.testing.assert_allclose(spliced.ionizing_luminosity_lsun[0, -1], young.ionizing_luminosity_lsun[0, -1])


def test_imf_mismatch(young, old):
    salpeter = old.replace(imf="Salpeter")
    with pytest.raises(LibraryError, match=r"IMFs differ: 'young' has Kroupa, 'old' has Salpeter.*match_window_aa"):
        splice(young, salpeter, BOUNDARY_YR)
    assert splice(young, salpeter, BOUNDARY_YR, allow_imf_mismatch=True).imf == "Kroupa (young) and Salpeter (old)"


def test_window_makes_the_light_continuous(young, old):
    window = (5000.0, 5500.0)
    dim = old.replace(flux=0.5 * old.flux)
    plain, matched = (splice(young, dim, BOUNDARY_YR, **options) for options in ({}, {"match_window_aa": window}))
    scale = matched.flux[0, 0, 500] / plain.flux[0, 0, 500]
    assert scale == pytest.approx(0.5, rel=1e-3)
    np.testing.assert_allclose(matched.flux[:, 3:], dim.flux)
    np.testing.assert_allclose(matched.ionizing_photon_rate[0, 0], scale * plain.ionizing_photon_rate[0, 0], rtol=1e-5)
    assert "scaled by 0.500" in matched.notes
    with pytest.raises(LibraryError, match="match_window_aa 100-200 A"):
        splice(young, dim, BOUNDARY_YR, match_window_aa=(100.0, 200.0))


def test_one_metallicity(make_library, old):
    single = make_library(name="one", metallicity=[0.02])
    spliced = splice(single, old, BOUNDARY_YR)
    np.testing.assert_allclose(spliced.flux[0, 0], spliced.flux[1, 0])


def test_resolution_must_agree(young, old):
    coarse = young.replace(resolution_fwhm_aa=np.full(young.wave_aa.size, 3.5))
    with pytest.raises(LibraryError, match=r"resolutions differ by 40% .*'young' has FWHM 3.50 A, 'old' 2.50 A"):
        splice(coarse, old, BOUNDARY_YR)
    unknown = young.replace(resolution_fwhm_aa=np.zeros(young.wave_aa.size))
    splice(unknown, old, BOUNDARY_YR)


def test_wavelengths_must_overlap(make_library, old):
    infrared = make_library(name="infrared", wave_aa=np.arange(9000.0, 20000.0, 50.0))
    with pytest.raises(LibraryError, match=r"wavelengths do not overlap: 'infrared' has 9000.0-"):
        splice(infrared, old, BOUNDARY_YR)


@pytest.mark.parametrize(
    ("boundary_yr", "message"), [(1e5, "'young' has no ages below"), (2e10, "'old' has no ages from")]
)
def test_both_sides_need_ages(young, old, boundary_yr, message):
    with pytest.raises(LibraryError, match=message):
        splice(young, old, boundary_yr)


def test_inputs_are_not_modified(young, old):
    before = young.content_checksum(), old.content_checksum()
    splice(young, old, BOUNDARY_YR, match_window_aa=(5000.0, 5500.0))
    assert (young.content_checksum(), old.content_checksum()) == before
