import shutil

import numpy as np
import pytest

from sfhsim.constants import LYMAN_LIMIT_AA
from sfhsim.data.builders.bc03_miles import build, pixel_centres_aa
from sfhsim.errors import LibraryError, MissingDataError
from sfhsim.libraries.checks import check_library
from sfhsim.libraries.embedded import EMBEDDED_FOLDER, load_embedded
from sfhsim.pixels import pixel_edges, rebin_padded


@pytest.fixture(scope="module")
def embedded():
    return load_embedded()


def test_files_are_small():
    assert sum(file.stat().st_size for file in EMBEDDED_FOLDER.iterdir()) < 8.5e6


def test_axes(embedded):
    np.testing.assert_allclose(embedded.metallicity, 0.02 * np.array([0.005, 0.02, 0.2, 0.4, 1, 2.5, 5]))
    assert embedded.age_yr.size == 196
    assert embedded.age_yr[0] == 1e5
    assert embedded.age_yr[-1] == pytest.approx(1.4e10)
    assert embedded.wave_aa[0] < 100
    assert embedded.wave_aa[-1] == 1e6
    assert embedded.flux.dtype == np.float32


def test_content_passes_every_check(embedded):
    check_library(embedded)
    assert not embedded.flux.flags.writeable
    assert len(embedded.checksum) == 64


def test_optical_sampling_is_native(embedded):
    optical = embedded.wave_aa[(embedded.wave_aa > 3541) & (embedded.wave_aa < 7349)]
    np.testing.assert_allclose(np.diff(optical), 0.9, atol=2e-3)


def test_a_pixel_edge_is_the_lyman_limit(embedded):
    assert np.abs(pixel_edges(embedded.wave_aa) - LYMAN_LIMIT_AA).min() < 1e-9


def test_ionising_output_agrees_with_the_light(embedded):
    edges = pixel_edges(embedded.wave_aa)
    n_below = int(np.argmin(np.abs(edges - LYMAN_LIMIT_AA)))
    light = (embedded.flux[..., :n_below] * np.diff(edges)[:n_below]).sum(axis=-1)
    np.testing.assert_allclose(light, embedded.ionizing_luminosity_lsun, rtol=1e-2)
    # Young stars ionise: some 10^46.5 photons/s per Msun in every population model; Z = 0.1: see the notes.
    assert np.abs(np.log10(embedded.ionizing_photon_rate[:6, 10]) - 46.5).max() < 0.5
    assert "Z = 0.1" in embedded.notes


def test_decoding_is_deterministic(embedded):
    np.testing.assert_array_equal(load_embedded().flux[:, ::50, ::100], embedded.flux[:, ::50, ::100])


def test_damaged_file(tmp_path):
    shutil.copytree(EMBEDDED_FOLDER, tmp_path / "copy")
    archive = tmp_path / "copy" / "bc03-miles.npz"
    archive.write_bytes(archive.read_bytes()[:100000])
    with pytest.raises(LibraryError, match=r"embedded library .* is damaged"):
        load_embedded(tmp_path / "copy")


def test_build_without_the_grid(tmp_path):
    with pytest.raises(MissingDataError, match=r"no bc03_miles_stellar_grids.fits in"):
        build(tmp_path, tmp_path / "out")


def test_pixels_increase():
    native = np.concatenate([np.arange(5.6, 3540, 0.9), np.arange(3540, 25000, 0.9), np.arange(2.5e4, 1e6, 5e3)])
    centres = pixel_centres_aa(native)
    assert (np.diff(centres) > 0).all()
    assert np.isin(np.round(native[(native > 3540) & (native < 8000)], 4), centres).all()


@pytest.mark.download
def test_against_the_full_grid(embedded, full_grid):
    """Relative rms of every template on the embedded pixels: the optical, and the rest redward of 912 A."""
    start = int(np.searchsorted(embedded.wave_aa, 912.0))
    wave_aa, edges = embedded.wave_aa[start:], pixel_edges(embedded.wave_aa)[start:]
    optical = (wave_aa > 3537) & (wave_aa < 8751)
    for i in range(7):
        ratio = embedded.flux[i, :, start:] / rebin_padded(full_grid.wave_aa, full_grid.flux[i], edges)
        rms = np.sqrt(np.mean((ratio[:, optical] - 1) ** 2, axis=1))
        assert np.median(rms) < 6e-5
        assert rms.max() < 3e-4
        assert np.sqrt(np.mean((ratio[:, ~optical] - 1) ** 2, axis=1)).max() < 6e-4
    np.testing.assert_allclose(embedded.ionizing_photon_rate, full_grid.ionizing_photon_rate, rtol=1e-12)
