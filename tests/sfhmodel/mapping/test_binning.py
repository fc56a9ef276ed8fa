"""Bins: every spaxel in one, and of the signal to noise that was asked for."""

import numpy as np
import pytest
from astropy.io import fits

from sfhmodel.errors import ConfigError, InputError
from sfhmodel.mapping.binning import BinMap, bins_of
from sfhmodel.mapping.binning.adaptive import adaptive_bins
from sfhmodel.mapping.binning.given import bin_map_of_file, snr_map_of_file
from sfhmodel.mapping.survey import Survey


def independent(n):
    return np.ones(np.shape(n))


def disc(shape=(60, 80)):
    """An exponential disc with a hole, S/N 20 in the centre."""
    y, x = np.indices(shape)
    signal = 20.0 * np.exp(-np.hypot(x - 40.0, y - 30.0) / 15.0)
    with_data = np.ones(shape, bool)
    with_data[5:9, 10:20] = False
    return Survey(signal, np.ones(shape), with_data)


def snr_of(labels, seen, covariance=independent):
    bins = BinMap.of(labels)
    return bins.sum(seen.signal) / np.sqrt(bins.sum(seen.noise**2)) / covariance(bins.count)


@pytest.mark.parametrize("factor", [0.0, 0.5])
def test_adaptive_bins_reach_the_target_and_not_much_more(factor):
    seen = disc()

    def covariance(n):
        return 1.0 + factor * np.log10(n)

    labels = adaptive_bins(seen.signal, seen.noise, seen.with_data, 30.0, covariance)
    np.testing.assert_array_equal(labels >= 0, seen.with_data)
    snr = snr_of(labels, seen, covariance)
    assert snr.size > 20
    assert snr.min() >= 30.0
    assert np.median(snr) < 34.0


def test_bright_spaxels_stay_alone_and_bins_are_compact():
    seen = disc()
    labels = adaptive_bins(seen.signal, seen.noise, seen.with_data, 10.0, independent)
    bins = BinMap.of(labels)
    assert bins.count[labels[30, 40]] == 1
    y, x = np.indices(labels.shape)
    ones = np.ones(labels.shape)
    variance = bins.mean(x**2.0 + y**2.0, ones) - bins.mean(x, ones) ** 2 - bins.mean(y, ones) ** 2
    spread = np.sqrt(np.maximum(variance, 0.0))
    assert np.median(spread / np.sqrt(bins.count)) < 0.5  # 0.41 of a square


def test_too_little_light_is_one_bin_and_nothing_is_none():
    dark = np.full((4, 4), 0.1)
    assert adaptive_bins(dark, np.ones((4, 4)), dark > 0.0, 50.0, independent).max() == 0
    assert adaptive_bins(dark, np.ones((4, 4)), dark > 1.0, 50.0, independent).max() == -1


def test_words_choose_bins():
    seen = disc()
    usable = seen.with_data
    spaxels = bins_of("spaxel", seen, usable, 5.0, independent)
    assert spaxels.map.n_bin == (usable & (seen.snr >= 5.0)).sum()
    np.testing.assert_allclose(np.sort(spaxels.snr), np.sort(seen.snr[usable & (seen.snr >= 5.0)]))
    squares = bins_of("square:10", seen, usable, 0.0, independent)
    assert squares.map.n_bin == 48
    assert squares.map.count.max() == 100
    assert bins_of("sn:40", seen, usable, 1.0, independent).snr.min() >= 40.0


def test_power_bins_have_about_the_target():
    pytest.importorskip("powerbin")
    seen = disc((30, 40))
    found = bins_of("powerbin:30", seen, seen.with_data, 0.5, independent)
    assert 24.0 < np.median(found.snr) < 40.0


@pytest.mark.parametrize("words", ["squares", "square:0", "square:2.5", "sn:", "sn:-3", "/nowhere/bins.fits"])
def test_other_words_are_refused(words):
    with pytest.raises(ConfigError, match="choose spaxel, square:N"):
        bins_of(words, disc(), disc().with_data, 1.0, independent)


def test_maps_of_bins_are_read_and_must_fit(tmp_path):
    labels = np.array([[3, 3, -1], [7, 7, 7]])
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(labels, name="BIN_ID")]).writeto(tmp_path / "bins.fits")
    found = BinMap.of(bin_map_of_file(tmp_path / "bins.fits", (2, 3)))
    np.testing.assert_array_equal(found.bin_id, [[0, 0, -1], [1, 1, 1]])
    assert found.rows()[0].tolist() == [0, 1]
    np.testing.assert_array_equal(found.image(np.array([5.0, 6.0])), [[5.0, 5.0, np.nan], [6.0, 6.0, 6.0]])
    with pytest.raises(InputError, match="has 3 x 2 spaxels, the cube 4 x 5"):
        bin_map_of_file(tmp_path / "bins.fits", (5, 4))
    fits.HDUList([fits.PrimaryHDU()]).writeto(tmp_path / "none.fits")
    with pytest.raises(InputError, match="no map of bins"):
        bin_map_of_file(tmp_path / "none.fits", (5, 4))


def test_bins_by_a_map_of_signal_to_noise(tmp_path):
    """One that says half of the errors' S/N: a quarter of the bins; spaxels that it leaves out are in none."""
    seen = disc()
    half = 0.5 * seen.snr
    half[20:25, 20:25] = np.nan
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(half, name="SNR")]).writeto(tmp_path / "snr.fits")
    given = seen.with_snr(snr_map_of_file(tmp_path / "snr.fits", (60, 80)))
    np.testing.assert_allclose(given.snr[given.with_data], half[given.with_data], rtol=1e-6)
    assert not given.with_data[20:25, 20:25].any()
    own, found = (bins_of("sn:40", s, s.with_data, 0.1, independent).map for s in (seen, given))
    assert found.n_bin == pytest.approx(own.n_bin / 4.0, rel=0.2)
    assert (found.bin_id[20:25, 20:25] < 0).all()
    with pytest.raises(InputError, match="map of S/N has 80 x 60 spaxels, the cube 4 x 5"):
        snr_map_of_file(tmp_path / "snr.fits", (5, 4))
    fits.PrimaryHDU(-half).writeto(tmp_path / "negative.fits")
    with pytest.raises(InputError, match="nowhere positive"):
        snr_map_of_file(tmp_path / "negative.fits", (60, 80))
    fits.HDUList([fits.PrimaryHDU()]).writeto(tmp_path / "none.fits")
    with pytest.raises(InputError, match="holds no map of S/N: an image SNR"):
        snr_map_of_file(tmp_path / "none.fits", (60, 80))


def test_signal_to_noise_of_ngist(reference_data):
    path = reference_data / "observed" / "resolved" / "ngist_ngc0000" / "nGIST_NGC0000_table.fits"
    np.testing.assert_array_equal(snr_map_of_file(path, (30, 30)), fits.getdata(path)["SNR"].reshape(30, 30))


def test_bins_of_manga_and_ngist(tmp_path, reference_data):
    folder = reference_data / "observed" / "resolved"
    labels = bin_map_of_file(folder / "ngist_ngc0000" / "nGIST_NGC0000_table.fits", (30, 30))
    table = fits.getdata(folder / "ngist_ngc0000" / "nGIST_NGC0000_table.fits")
    np.testing.assert_array_equal(labels, table["BIN_ID"].reshape(30, 30))
    name = "manga-8080-12701-MAPS-VOR10-GAU-MILESHC.fits.gz"
    np.testing.assert_array_equal(bin_map_of_file(folder / name, (74, 74)), fits.getdata(folder / name, "BINID")[0])
    with pytest.raises(InputError, match="span 30 x 30, the cube has 20 x 20"):
        bin_map_of_file(folder / "ngist_ngc0000" / "nGIST_NGC0000_table.fits", (20, 20))
