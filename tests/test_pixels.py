"""Pixel edges and rebinning: by hand, and for grids of any kind."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfhsim.errors import CoverageError
from sfhsim.instrument import rebin, rebin_operator
from sfhsim.pixels import pixel_edges, rebin_padded


def test_flux_is_conserved():
    wave_aa = np.array([1.0, 2.0, 4.0, 7.0, 8.0])
    flux = np.array([[1.0, 5.0, 2.0, 0.0, 3.0], [0.0, 1.0, 0.0, 1.0, 0.0]])
    edges = pixel_edges(wave_aa)
    new_edges = np.array([-5.0, 1.3, 1.4, 6.0, 20.0])
    total = (flux * np.diff(edges)).sum(axis=-1)
    np.testing.assert_allclose((rebin_padded(wave_aa, flux, new_edges) * np.diff(new_edges)).sum(axis=-1), total)


def test_same_pixels_give_the_same_flux():
    wave_aa = np.array([1.0, 2.0, 4.0, 7.0, 8.0])
    flux = np.array([1.0, 5.0, 2.0, 0.0, 3.0])
    np.testing.assert_allclose(rebin_padded(wave_aa, flux, pixel_edges(wave_aa)), flux, atol=1e-14)


def test_centres_must_increase():
    for centres in ([1.0], [2.0, 1.0], [1.0, 1.0], [[1.0, 2.0]]):
        with pytest.raises(CoverageError, match="one increasing array of at least two"):
            pixel_edges(centres)


@st.composite
def spectra(draw):
    """Centres (n,) of uneven pixels, and a flux density (n,) of any sign in them."""
    widths = draw(st.lists(st.floats(0.01, 50.0), min_size=2, max_size=30))
    wave_aa = draw(st.floats(100.0, 20000.0)) + np.cumsum(widths)
    size = wave_aa.size
    return wave_aa, np.array(draw(st.lists(st.floats(-1e3, 1e3), min_size=size, max_size=size)))


@settings(max_examples=100, derandomize=True, deadline=None, database=None)
@given(spectrum=spectra(), shares=st.lists(st.floats(0.0, 1.0), min_size=2, max_size=12, unique=True))
def test_flux_is_conserved_between_any_edges(spectrum, shares):
    wave_aa, flux = spectrum
    native = pixel_edges(wave_aa)
    edges = np.unique(native[0] + np.array(shares) * (native[-1] - native[0]))
    edges = edges[np.concatenate([[True], np.diff(edges) > 1e-6])]
    if edges.size < 2:
        return
    inside = np.clip(native, edges[0], edges[-1])
    total, largest = np.sum(flux * np.diff(inside)), np.abs(flux).max() * (edges[-1] - edges[0])
    for rebinned in (rebin_padded(wave_aa, flux, edges), rebin(wave_aa, flux, edges)):
        assert np.sum(rebinned * np.diff(edges)) == pytest.approx(total, abs=1e-9 * largest + 1e-9)
        # means of pixels lie among those of the pixels that they are made of
        assert (rebinned <= flux.max() + 1e-6 * np.abs(flux).max() + 1e-9).all()
    ones = rebin_operator(wave_aa, edges) @ np.ones(wave_aa.size)
    np.testing.assert_allclose(ones, 1.0, rtol=1e-9)


@settings(max_examples=50, derandomize=True, deadline=None, database=None)
@given(spectrum=spectra(), beyond=st.floats(0.1, 1000.0))
def test_beyond_the_spectrum_there_is_nothing_or_an_error(spectrum, beyond):
    wave_aa, flux = spectrum
    native = pixel_edges(wave_aa)
    edges = np.array([native[0] - 2 * beyond, native[0] - beyond, native[-1] + beyond])
    rebinned = rebin_padded(wave_aa, flux, edges)
    total = np.sum(flux * np.diff(native))
    assert rebinned[0] == 0.0
    assert rebinned[1] * (edges[2] - edges[1]) == pytest.approx(total, abs=1e-9 * np.abs(flux).max() * np.ptp(native))
    with pytest.raises(CoverageError, match="missing"):
        rebin(wave_aa, flux, edges)
