import numpy as np
import pytest

from sfhsim.constants import FWHM_PER_SIGMA
from sfhsim.errors import CoverageError
from sfhsim.libraries.broadened import broadened

WAVE_AA = np.arange(4000.0, 5000.0, 0.5)
CENTRE_AA, NATIVE_AA = 4500.0, 3.0


def absorption(fwhm_aa, wave_aa):
    """A Gaussian line of fixed area."""
    sigma = fwhm_aa / FWHM_PER_SIGMA
    return np.exp(-0.5 * ((wave_aa - CENTRE_AA) / sigma) ** 2) / (np.sqrt(2 * np.pi) * sigma)


@pytest.fixture
def sharp(make_library):
    flux = np.broadcast_to(2.0 - absorption(NATIVE_AA, WAVE_AA), (3, 5, WAVE_AA.size))
    return make_library(wave_aa=WAVE_AA, flux=flux, resolution_fwhm_aa=np.full(WAVE_AA.size, NATIVE_AA))


@pytest.mark.parametrize("fwhm_aa", [4.0, 8.0])
def test_a_line_gets_the_width_that_was_asked_for(sharp, fwhm_aa):
    library = broadened(sharp, fwhm_aa)
    assert sharp.wave_aa[0] < library.wave_aa[0] < 4040.0
    assert set(library.resolution_fwhm_aa) == {fwhm_aa}
    np.testing.assert_allclose(library.flux[2, 3], 2.0 - absorption(fwhm_aa, library.wave_aa), atol=2e-4)
    assert library.notes.endswith(f"Broadened to {fwhm_aa:g} A.")


def test_ionising_output_is_kept(sharp):
    known = sharp.replace(ionizing_photon_rate=np.full((3, 5), 1e46), ionizing_luminosity_lsun=np.full((3, 5), 2.0))
    library = broadened(known, 8.0)
    assert set(library.ionizing_photon_rate.ravel()) == {1e46}
    assert set(library.ionizing_luminosity_lsun.ravel()) == {2.0}


def test_what_is_broader_already_stays(sharp):
    library = broadened(sharp, 2.0)
    assert set(library.resolution_fwhm_aa) == {NATIVE_AA}
    np.testing.assert_allclose(library.flux[0, 0], np.interp(library.wave_aa, WAVE_AA, sharp.flux[0, 0]), rtol=1e-6)


def test_other_pixels(sharp):
    wave_aa = np.arange(4300.0, 4700.0, 2.0)
    library = broadened(sharp, 8.0, wave_aa)
    np.testing.assert_allclose(library.wave_aa, wave_aa)
    np.testing.assert_allclose(library.flux[0, 0], 2.0 - absorption(8.0, wave_aa), atol=1e-3)


def test_pixels_beyond_the_library(sharp):
    with pytest.raises(CoverageError, match="covers"):
        broadened(sharp, 8.0, np.arange(4000.0, 4200.0, 2.0))
