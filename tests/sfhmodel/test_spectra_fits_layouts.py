"""FITS files of surveys and instruments, made up here: DESI, JWST, SDSS, IRAF, nGIST; several images of one file."""

import sys
import types

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.table import Table
from spectra_files import FLUX, WAVE_AA, image, only, write

from sfhmodel.errors import InputError
from sfhmodel.spectra import read_spectra
from sfhmodel.spectra.multispec import multispec_wavelengths


def write_desi(folder, n=2, shift=0.0):
    hdus = [fits.BinTableHDU(Table({"TARGETID": np.arange(n) + 100}), name="FIBERMAP")]
    matrix = np.exp(-0.5 * ((np.arange(11) - 5) / 1.2) ** 2)
    for k, (arm, low, high) in enumerate((("B", 3600.0, 5800.0), ("R", 5760.0, 7620.0), ("Z", 7520.0, 9824.0))):
        wave = np.arange(low, high + 0.1, 0.8) + (shift if k else 0.0)
        flux = np.stack([np.full(wave.size, 10.0 * (j + 1)) for j in range(n)])
        hdus += [
            image(wave, f"{arm}_WAVELENGTH"),
            image(flux + 0.3 * k, f"{arm}_FLUX", BUNIT="10**-17 erg/(s cm2 Angstrom)"),
            image(np.full(flux.shape, 4.0 if k == 0 else 12.0), f"{arm}_IVAR"),
            image(np.zeros(flux.shape, np.int32), f"{arm}_MASK"),
            image(np.broadcast_to(matrix[:, None], (n, 11, wave.size)), f"{arm}_RESOLUTION"),
        ]
    write(folder / "coadd-main.fits", *hdus)
    redshifts = Table({"TARGETID": [101, 100], "Z": [0.2, 0.1], "ZWARN": [0, 4]})
    write(folder / "redrock-main.fits", fits.BinTableHDU(redshifts, name="REDSHIFTS"))
    return folder / "coadd-main.fits"


def test_desi_arms_are_joined_by_inverse_variance(tmp_path):
    first, second = read_spectra(write_desi(tmp_path))
    assert (first.redshift, second.redshift, first.medium, first.name) == (0.1, 0.2, "vacuum", "coadd-main-100")
    np.testing.assert_allclose(np.diff(first.wave_aa), 0.8, rtol=1e-6)
    overlap = np.argmin(np.abs(first.wave_aa - 5780.0))
    assert first.flux[overlap] == pytest.approx((10.0 * 4.0 + 10.3 * 12.0) / 16.0)
    assert first.flux_error[overlap] == pytest.approx(0.25)
    assert np.median(first.resolution_fwhm_aa) == pytest.approx(2.3548 * 1.2 * 0.8, rel=0.02)
    assert any("redrock is not sure" in note for note in first.notes)


def test_desi_arms_on_other_grids_are_cut(tmp_path):
    spectrum = read_spectra(write_desi(tmp_path, n=1, shift=0.3))[0]
    assert (np.diff(spectrum.wave_aa) > 0.0).all()
    assert any("cut in the middle" in note for note in spectrum.notes)


def test_all_extracted_spectra_of_jwst(tmp_path):
    hdus = []
    for k in range(3):
        columns = {
            "WAVELENGTH": np.linspace(0.6, 5.3, 900) * u.um,
            "FLUX": np.full(900, 1e-6 * (k + 1)) * u.Jy,
            "FLUX_ERROR": np.full(900, 1e-7) * u.Jy,
            "FLUX_VAR_POISSON": np.full(900, 1e-20) * u.Jy**2,
            "SURF_BRIGHT": np.full(900, 9.0) * u.MJy / u.sr,
            "DQ": (np.arange(900) == 5).astype(np.uint32),
            "BACKGROUND": np.full(900, 1e-7) * u.Jy,
        }
        hdus.append(fits.BinTableHDU(Table(columns), name="EXTRACT1D"))
    fits.HDUList([fits.PrimaryHDU(header=fits.Header({"TELESCOP": "JWST"})), *hdus]).writeto(tmp_path / "x1d.fits")
    spectra = read_spectra(tmp_path / "x1d.fits")
    assert [spectrum.name for spectrum in spectra] == ["x1d-1", "x1d-2", "x1d-3"]
    ratio = spectra[1].flux / spectra[0].flux
    np.testing.assert_allclose(ratio, 2.0)
    np.testing.assert_allclose(spectra[0].flux / spectra[0].flux_error, 10.0)
    assert spectra[0].medium == "vacuum"
    assert spectra[0].mask.sum() == 899


def test_sdss_resolution_is_read(tmp_path):
    columns = {"flux": FLUX, "loglam": np.log10(WAVE_AA), "ivar": np.ones(1500), "and_mask": np.zeros(1500, np.int32)}
    columns["wdisp"] = np.full(1500, 1.1)
    path = write(tmp_path / "spec.fits", fits.BinTableHDU(Table(columns), name="COADD"))
    expected = 2.3548 * 1.1 * 1e-4 * np.log(10.0) * WAVE_AA
    np.testing.assert_allclose(only(path).resolution_fwhm_aa, expected, rtol=1e-4)


def test_resolving_power_in_a_header(tmp_path):
    path = write(tmp_path / "a.fits", image(FLUX, "SCI", CRVAL1=4000.0, CDELT1=2.0, CRPIX1=1.0, SPEC_RES=8000.0))
    np.testing.assert_allclose(only(path).resolution_fwhm_aa, WAVE_AA / 8000.0)


def test_bands_of_iraf(tmp_path):
    bands = np.stack([FLUX, FLUX * 1.1, np.ones(1500), 0.1 * FLUX])[:, None, :]
    names = ("spectrum - background fit", "raw - background fit", "background - fit", "sigma - background fit")
    cards = {f"BANDID{k + 1}": text for k, text in enumerate(names)}
    path = write(tmp_path / "a.fits", image(bands, "", CRVAL1=4000.0, CD1_1=2.0, CRPIX1=1.0, CTYPE1="LINEAR", **cards))
    spectrum = only(path)
    np.testing.assert_allclose(spectrum.flux, FLUX)
    np.testing.assert_allclose(spectrum.flux_error, 0.1 * FLUX)


def test_multispec_of_iraf(tmp_path):
    spec = [
        'spec1 = "1 1 0 4000. 2. 1500 0. 1. 1." ',
        'spec2 = "2 2 2 4000. 2. 1500 0. 1. 1. 1. 0. 1 3 1. 1500. 5499. 1499. 20."',
    ]
    text = "wtype=multispec " + "".join(spec)
    cards = {f"WAT2_{k + 1:03d}": text[68 * k : 68 * (k + 1)] for k in range(-(-len(text) // 68))}
    header = {"WAT0_001": "system=multispec", "WAT1_001": "wtype=multispec label=Wavelength units=angstroms", **cards}
    path = write(tmp_path / "a.fits", image(np.stack([FLUX, FLUX]), "", **header))
    first, second = read_spectra(path)
    np.testing.assert_allclose(first.wave_aa, WAVE_AA)
    x = (np.arange(1.0, 1501.0) - 750.5) / 749.5
    np.testing.assert_allclose(second.wave_aa, 5499.0 + 1499.0 * x + 20.0 * (2.0 * x**2 - 1.0))
    with pytest.raises(InputError, match="no wavelengths of spectrum 3"):
        multispec_wavelengths(header, 3, 1500)
    with pytest.raises(InputError, match="dispersion function of kind 5"):
        multispec_wavelengths({"WAT2_001": 'wtype=multispec spec1 = "1 1 2 1. 1. 9 0. 1. 1. 1. 0. 5 1 1. 9. 1."'}, 1, 9)
    with pytest.raises(InputError, match="cannot be read"):
        multispec_wavelengths({"WAT2_001": 'wtype=multispec spec1 = "1 1 two"'}, 1, 9)


def test_rows_that_the_header_names(tmp_path):
    rows = np.stack([FLUX, FLUX * 0.0, 0.1 * FLUX])
    cards = {"ARRAY1": "SPECTRUM", "ARRAY2": "CONTINUUM-SUBTRACTED", "ARRAY3": "ERROR", "COEFF0": 3.6, "COEFF1": 1e-4}
    path = write(tmp_path / "a.fits", image(rows, "", Z=0.05, **cards))
    spectrum = only(path)
    np.testing.assert_allclose(spectrum.wave_aa, 10.0 ** (3.6 + 1e-4 * np.arange(1500)))
    np.testing.assert_allclose(spectrum.flux_error, 0.1 * FLUX)
    assert spectrum.redshift == 0.05


def test_several_images_of_one_name(tmp_path):
    axis = {"CRVAL1": 4000.0, "CDELT1": 2.0, "CRPIX1": 1.0}
    hdus = []
    for k in (1, 2, 3):
        hdus += [image(FLUX * k, "SCI", EXTVER=k, **axis), image(0.1 * FLUX * k, "ERR", EXTVER=k)]
    spectra = read_spectra(write(tmp_path / "a.fits", *hdus, image((np.arange(1500) == 3).astype("u1"), "MASK")))
    assert [spectrum.name for spectrum in spectra] == ["a-1", "a-2", "a-3"]
    for k, spectrum in enumerate(spectra, start=1):
        np.testing.assert_allclose(spectrum.flux, FLUX * k)
        np.testing.assert_allclose(spectrum.flux_error, 0.1 * FLUX * k)
        assert np.flatnonzero(~spectrum.mask).tolist() == [3]


def test_images_of_which_nothing_is_known_are_named(tmp_path):
    axis = {"CRVAL1": 4000.0, "CDELT1": 2.0, "CRPIX1": 1.0}
    path = write(tmp_path / "a.fits", image(FLUX, "SCI", **axis), image(0.1 * FLUX, "THINGS"), image(FLUX, ""))
    assert any("what they hold: HDU THINGS, HDU 3" in note for note in only(path).notes)


def test_wavelengths_in_a_row(tmp_path):
    rows = np.stack([FLUX, np.full(1500, 100.0), WAVE_AA, np.zeros(1500)])
    cards = {"ARRAY1": "Flux", "ARRAY2": "Inverse variance", "ARRAY3": "Wavelength", "ARRAY4": "Andmask"}
    spectrum = only(write(tmp_path / "a.fits", image(rows, "", **cards)))
    np.testing.assert_allclose(spectrum.wave_aa, WAVE_AA)
    np.testing.assert_allclose(spectrum.flux_error, 0.1)
    with pytest.raises(InputError, match="no spaxels in a file of layout fits-image"):
        only(tmp_path / "a.fits", spaxel=(0, 0))


def test_a_spectrum_beside_a_cube_of_something_else(tmp_path):
    axis = {"CRVAL1": 4000.0, "CDELT1": 2.0, "CRPIX1": 1.0}
    beside = {"COVARIANCES": np.ones((4, 5, 6)), "ERROR": 0.1 * FLUX, "MASK": (np.arange(1500) == 3).astype("u1")}
    path = write(tmp_path / "a.fits", image(FLUX[None], "FLUX", **axis), *(image(v, k) for k, v in beside.items()))
    spectrum = only(path)
    np.testing.assert_allclose(spectrum.flux, FLUX)
    np.testing.assert_allclose(spectrum.flux_error, 0.1 * FLUX)
    assert np.flatnonzero(~spectrum.mask).tolist() == [3]


def test_loaders_of_specutils_are_tried_last(tmp_path, monkeypatch):
    one = types.SimpleNamespace(spectral_axis=WAVE_AA * u.AA, flux=FLUX * u.Jy, uncertainty=None, mask=None, meta={})
    fake = types.ModuleType("specutils")
    fake.SpectrumList = types.SimpleNamespace(read=lambda path: [one])
    monkeypatch.setitem(sys.modules, "specutils", fake)
    monkeypatch.setattr("sfhmodel.spectra.readers.specutils_loaders.find_spec", lambda name: True)
    (tmp_path / "a.bin").write_bytes(bytes(range(256)))
    spectrum = only(tmp_path / "a.bin")
    assert any("read by specutils" in note for note in spectrum.notes)
    np.testing.assert_allclose(spectrum.flux * WAVE_AA**2 / FLUX, spectrum.flux[0] * WAVE_AA[0] ** 2 / FLUX[0])
    monkeypatch.setattr("sfhmodel.spectra.readers.specutils_loaders.find_spec", lambda name: None)
    with pytest.raises(InputError, match="no known layout"):
        only(tmp_path / "a.bin")
    with pytest.raises(InputError, match="specutils is not installed"):
        only(tmp_path / "a.bin", layout="specutils")
