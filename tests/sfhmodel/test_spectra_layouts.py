"""Layouts of surveys and instruments, made up here: DESI, JWST, IRAF, nGIST, SDSS; redshifts, resolution, guards."""

import sys
import types
import warnings

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.table import Table
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from sfhmodel.description import NEEDED_TRUTHS, ModelDescription
from sfhmodel.errors import InputError, SfhmodelWarning
from sfhmodel.spectra import PreparationSettings, ReadOptions, SpectrumPreparer, read_pieces, read_spectra
from sfhmodel.spectra.multispec import multispec_wavelengths
from sfhmodel.spectra.units import parsed_unit, per_angstrom_factor, to_angstrom
from sfhmodel.spectra.vocabulary import flux_unit_of, mask_means, medium_of, roles_of
from sfhmodel.spectra.wavelength_guards import valid_range

WAVE_AA = 4000.0 + 2.0 * np.arange(1500)
FLUX = 5.0 + np.sin(WAVE_AA / 300.0)


def only(path, **options):
    (spectrum,) = read_spectra(path, ReadOptions(**options))
    return spectrum


def write(path, *hdus):
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(path)
    return path


def image(data, name, **cards):
    hdu = fits.ImageHDU(np.asarray(data), name=name)
    hdu.header.update(cards)
    return hdu


# --- surveys --------------------------------------------------------------------------------------------------------


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


def test_spectra_in_groups(tmp_path):
    import h5py

    with h5py.File(tmp_path / "a.h5", "w") as file:
        for k, name in enumerate(("one", "two"), start=1):
            group = file.create_group(name)
            group["wave"], group["flux"], group["ivar"] = WAVE_AA, FLUX * k, np.full(1500, 100.0)
    first, second = read_spectra(tmp_path / "a.h5")
    assert (first.name, second.name) == ("one", "two")
    np.testing.assert_allclose(second.flux, 2.0 * first.flux)
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file.create_group("three")["flux"] = FLUX
    with pytest.raises(InputError, match="group 'three': there is no wavelength_aa"):
        read_spectra(tmp_path / "a.h5")


def test_what_groups_say_of_themselves(tmp_path):
    import h5py

    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.attrs["redshift"] = 0.01
        file.attrs["history"] = np.arange(9.0)
        for k, name in enumerate(("one", "two")):
            group = file.create_group(name)
            group["wave"], group["flux"], group["ivar"] = WAVE_AA, FLUX, np.full(1500, 100.0)
            if k:
                group.attrs["Z"] = "unknown"
                group.attrs["redshift"] = np.array([0.02])
                group.attrs["medium"] = np.bytes_("vacuum")
    first, second = read_spectra(tmp_path / "a.h5")
    assert (first.redshift, second.redshift) == (0.01, 0.02)
    assert (first.medium, second.medium) == ("air", "vacuum")


def test_metadata_of_tables_in_hdf5(tmp_path):
    table = Table({"wave": WAVE_AA, "flux": FLUX}, meta={"truths": {"redshift": 0.03}, "comments": ["a", "b"]})
    table.write(tmp_path / "a.h5", path="spectrum", serialize_meta=True)
    assert only(tmp_path / "a.h5").redshift == 0.03


@pytest.mark.parametrize("name", ["rest_wavelength", "WAVE_REST", "lambda_rest", "restwave", "wavelength_rest_frame"])
def test_wavelengths_at_rest_keep_no_redshift(tmp_path, name):
    table = Table({name: WAVE_AA, "flux": FLUX}, meta={"redshift": 0.03})
    table.write(tmp_path / "a.ecsv")
    spectrum = only(tmp_path / "a.ecsv")
    assert spectrum.redshift == 0.0
    assert any("at rest by its name" in note for note in spectrum.notes)
    assert only(tmp_path / "a.ecsv", redshift=0.03).redshift == 0.03
    np.savez(tmp_path / "a.npz", **{name: WAVE_AA, "flux": FLUX, "z": 0.03})
    assert only(tmp_path / "a.npz").redshift == 0.0
    assert only(tmp_path / "a.npz", redshift="z").redshift == 0.03


@pytest.mark.parametrize("name", ["abmag", "mag_ab", "logflux", "log_flux", "snr", "sky", "template", "transmission"])
def test_what_is_no_flux_is_not_taken_for_it(tmp_path, name):
    path = tmp_path / "a.ecsv"
    Table({"wave": WAVE_AA, name: FLUX}).write(path)
    with pytest.raises(InputError, match=f"column of the fluxes among wave, {name}"):
        only(path)
    assert only(path, flux_column=name).flux == pytest.approx(FLUX)
    np.savetxt(path, np.stack([WAVE_AA, FLUX], axis=1), header=f"w {name}")
    with pytest.raises(InputError, match=f"wavelengths and fluxes among w, {name}"):
        only(path)


@pytest.mark.parametrize("name", ["median_flux", "flux_norm", "smoothed", "counts", "y", "NGC_4636"])
def test_a_second_column_that_may_be_the_flux_is_taken_and_named(tmp_path, name):
    Table({"wave": WAVE_AA, name: FLUX}).write(tmp_path / "a.csv")
    spectrum = only(tmp_path / "a.csv")
    assert spectrum.flux == pytest.approx(FLUX)
    assert any(name in note for note in spectrum.notes)


@pytest.mark.parametrize("unit", ["mag(AB)", "mag", "ABmag", "dex(erg/s/cm2/A)", "dB(Jy)"])
def test_logarithms_of_fluxes_are_refused(tmp_path, unit):
    Table({"wave": WAVE_AA, f"flux [{unit}]": FLUX}).write(tmp_path / "a.csv")
    with pytest.raises(InputError, match=r"give the unit \(flux_unit"):
        only(tmp_path / "a.csv")


def test_names_that_only_contain_rest(tmp_path):
    for name in ("restored_wave", "obs_wave", "crest_wave"):
        Table({name: WAVE_AA, "flux": FLUX}, meta={"redshift": 0.03}).write(tmp_path / f"{name}.ecsv")
        assert only(tmp_path / f"{name}.ecsv").redshift == 0.03


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


# --- redshifts and media --------------------------------------------------------------------------------------------


def stack(n=2):
    return (
        image(np.stack([FLUX] * n), "FLUX"),
        image(np.ones((n, 1500)), "IVAR"),
        image(WAVE_AA, "WAVE"),
    )


@pytest.mark.parametrize("name", ["Z", "REDSHIFT"])
def test_a_redshift_for_each_spectrum_of_a_stack(tmp_path, name):
    path = write(tmp_path / "a.fits", *stack(), image([0.01, -999.0], name))
    assert [spectrum.redshift for spectrum in read_spectra(path)] == [0.01, None]
    table = fits.BinTableHDU(Table({name: [0.01, 0.02]}), name="INFO")
    path = write(tmp_path / "b.fits", *stack(), table)
    assert [spectrum.redshift for spectrum in read_spectra(path)] == [0.01, 0.02]


def test_redshifts_that_the_user_names(tmp_path):
    path = write(tmp_path / "a.fits", *stack())
    (tmp_path / "z.csv").write_text("name,z\na-2,0.2\na-1,0.1\n")
    assert [s.redshift for s in read_spectra(path, ReadOptions(redshift=str(tmp_path / "z.csv")))] == [0.1, 0.2]
    (tmp_path / "order.csv").write_text("redshift\n0.3\n0.4\n")
    assert [s.redshift for s in read_spectra(path, ReadOptions(redshift=tmp_path / "order.csv"))] == [0.3, 0.4]
    Table({"wave": WAVE_AA, "flux": FLUX, "mine": np.full(1500, 0.7)}).write(tmp_path / "c.ecsv")
    assert only(tmp_path / "c.ecsv", redshift="mine").redshift == 0.7
    assert only(tmp_path / "c.ecsv", redshift="0.8").redshift == 0.8
    for wrong, words in (("flux", "value of its own"), ("nothing", "no number, no file, and no column")):
        with pytest.raises(InputError, match=words):
            only(tmp_path / "c.ecsv", redshift=wrong)
    (tmp_path / "few.csv").write_text("name,z\na-2,0.2\n")
    with pytest.raises(InputError, match="no redshift of 'a-1'"):
        read_spectra(path, ReadOptions(redshift=tmp_path / "few.csv"))
    (tmp_path / "none.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="holds no column of redshifts"):
        read_spectra(path, ReadOptions(redshift=tmp_path / "none.csv"))
    with pytest.raises(InputError, match="above -1"):
        ReadOptions(redshift="-3")


@pytest.mark.parametrize("meta", [{"truths": {"redshift": 0.03}}, {"Z": "0.03"}, {"a": {"b": {"REDSHIFT": 0.03}}}])
def test_redshifts_in_metadata(tmp_path, meta):
    Table({"wave": WAVE_AA, "flux": FLUX}, meta=meta).write(tmp_path / "a.ecsv")
    assert only(tmp_path / "a.ecsv").redshift == 0.03


def test_redshifts_in_columns_and_headers(tmp_path):
    Table({"wave": WAVE_AA, "flux": FLUX, "z": np.full(1500, 0.04)}).write(tmp_path / "a.ecsv")
    assert only(tmp_path / "a.ecsv").redshift == 0.04
    cells = Table({"wave": [WAVE_AA] * 2, "flux": [FLUX] * 2, "REDSHIFT": [0.1, np.nan]})
    cells.write(tmp_path / "cells.fits")
    assert [s.redshift for s in read_spectra(tmp_path / "cells.fits")] == [0.1, None]
    hdu = image(FLUX, "SCI", CRVAL1=4000.0, CDELT1=2.0)
    hdu.header["HIERARCH ESO OBS TARG REDSHIFT"] = 0.06
    assert only(write(tmp_path / "b.fits", hdu)).redshift == 0.06


@pytest.mark.parametrize(
    ("header", "medium"),
    [("wave_vac flux", "vacuum"), ("wavelength_air flux", "air"), ("# wavelengths in vacuum\nwave flux", "vacuum")],
)
def test_media_in_names_and_comments(tmp_path, header, medium):
    np.savetxt(tmp_path / "a.txt", np.column_stack([WAVE_AA, FLUX]), header=header, comments="")
    found = only(tmp_path / "a.txt")
    assert found.medium == medium
    assert not any("--medium" in note for note in found.notes)


def test_media_of_ucds(tmp_path):
    for ucd, medium in (("em.wl;obs.atmos", "air"), ("em.wl", "vacuum")):
        hdu = fits.BinTableHDU(Table({"WAVE": [WAVE_AA], "FLUX": [FLUX]}))
        hdu.header["TUCD1"] = ucd
        assert only(write(tmp_path / f"{medium}.fits", hdu)).medium == medium


# --- guards ---------------------------------------------------------------------------------------------------------


def write_columns(path, **columns):
    np.savetxt(path, np.column_stack(list(columns.values())), header=" ".join(columns), comments="")
    return path


def test_errors_that_cannot_be_true(tmp_path):
    rng = np.random.default_rng(1)
    noisy = 1.0 + 0.02 * rng.standard_normal(1500)
    path = write_columns(tmp_path / "a.txt", wave=WAVE_AA, flux=noisy, err=np.full(1500, 4e-4))
    with pytest.raises(InputError, match=r"a\.txt: the errors of column 'err' are .* of the scatter .*--error-is"):
        only(path)
    np.testing.assert_allclose(only(path, error_is="variance").flux_error, 0.02)
    assert only(path, error_is="error").flux_error[0] == pytest.approx(4e-4)
    coarse = 1.0 + 0.1 * rng.standard_normal(1500)
    squared = write_columns(tmp_path / "c.txt", wave=WAVE_AA, flux=coarse, err=np.full(1500, 0.01))
    with pytest.raises(InputError, match="too small to be one sigma"):
        only(squared)
    tiny = write_columns(tmp_path / "b.txt", wave=WAVE_AA, flux=FLUX, err=np.full(1500, 1e-6))
    with pytest.raises(InputError, match="S/N of .* more than is possible"):
        only(tiny)


def test_one_spectrum_of_many_with_errors_that_cannot_be_true(tmp_path):
    error = np.full((5, 1500), 0.1)
    error[3] = 1e-9
    np.savez(tmp_path / "a.npz", wavelength_aa=WAVE_AA, flux=np.stack([FLUX] * 5), flux_error=error)
    spectra = read_spectra(tmp_path / "a.npz")
    assert [spectrum.mask is None for spectrum in spectra] == [True, True, True, False, True]
    assert not spectra[3].mask.any()
    assert any("a-4 is left out: the errors" in note for note in spectra[3].notes)
    error[:3] = 1e-9
    np.savez(tmp_path / "b.npz", wavelength_aa=WAVE_AA, flux=np.stack([FLUX] * 5), flux_error=error)
    with pytest.raises(InputError, match="more than is possible"):
        read_spectra(tmp_path / "b.npz")


def test_errors_that_mark_bad_pixels(tmp_path):
    error = np.where(np.arange(1500) == 7, 4e10, 0.1)
    found = only(write_columns(tmp_path / "a.txt", wave=WAVE_AA, flux=FLUX, err=error))
    assert np.isnan(found.flux_error[7])
    assert any("mark bad pixels" in note for note in found.notes)


@pytest.mark.parametrize(
    ("wave", "words"),
    [
        (WAVE_AA / 1e4, "look like micrometres: --wave-unit um"),
        (np.linspace(1.0, 2.0, 1500), "a file of maps"),
        (WAVE_AA * 1e4, "outside of 0.05-500 um"),
        (np.full(1500, np.nan), "no wavelength is a number"),
    ],
)
def test_wavelengths_that_are_none(tmp_path, wave, words):
    with pytest.raises(InputError, match=rf"a\.txt: column 'wave': .*{words}"):
        only(write_columns(tmp_path / "a.txt", wave=wave, flux=FLUX))


def test_metres_without_a_unit_are_certain(tmp_path):
    found = only(write_columns(tmp_path / "a.txt", wave=WAVE_AA * 1e-10, flux=FLUX))
    np.testing.assert_allclose(found.wave_aa, WAVE_AA)
    assert any("taken to be metres" in note for note in found.notes)


def description(recipe=None):
    return ModelDescription(
        wave_aa=np.arange(4800.0, 6800.0, 1.25),
        age_bin_edges_yr=np.array([0.0, 1e9, 1.38e10]),
        bands=(),
        truth_names=NEEDED_TRUTHS,
        recipe=recipe or {},
    )


def test_pixels_far_wider_than_the_model_s():
    prepare = SpectrumPreparer(description())
    coarse = np.array([4000.0, 6000.0, 8000.0])
    with pytest.raises(InputError, match=r"pixels are .* A wide, the model's 1\.25 A"):
        prepare(coarse, np.ones((1, 3)))
    gap = np.concatenate([np.arange(4700.0, 5500.0, 1.0), np.arange(5900.0, 6900.0, 1.0)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SfhmodelWarning)
        prepared = prepare(gap, np.ones((1, gap.size)))
    inside = (prepare.grid_wave_aa > 5501.0) & (prepare.grid_wave_aa < 5899.0)
    assert (prepared.mask[0, inside] == 0.0).all()
    assert (prepared.mask[0, ~inside].mean()) > 0.99


DRAWN = {
    "kinematics": {"redshift": 0.0, "velocity_dispersion_kms": {"distribution": "uniform", "min": 50.0, "max": 300.0}},
    "spectrum": {"lsf": {"name": "constant", "fwhm_aa": 3.0}},
}


def line_width(fwhm_aa=None, **said):
    """Sigma [A] of a line of 0.5 A after preparation for training spectra with drawn dispersions and 3 A of FWHM."""
    wave_aa = np.arange(4700.0, 6900.0, 0.25)
    line = 1.0 + np.exp(-0.5 * ((wave_aa - 5800.0) / 0.5) ** 2)
    prepare = SpectrumPreparer(description(DRAWN), PreparationSettings(**said))
    prepared = prepare(wave_aa, line[None], fwhm_aa=fwhm_aa)
    near = np.abs(prepare.grid_wave_aa - 5800.0) < 15.0
    profile = (prepared.flux[0] / np.median(prepared.flux[0]) - 1.0)[near]
    grid = prepare.grid_wave_aa[near]
    mean = np.sum(grid * profile) / profile.sum()
    return np.sqrt(np.sum((grid - mean) ** 2 * profile) / profile.sum()), prepared.notes


def test_line_spread_functions_are_matched_also_when_dispersions_were_drawn():
    wave_aa = np.arange(4700.0, 6900.0, 0.25)
    native, _ = line_width()
    for said in (
        {"resolving_power": 11000.0},
        {"resolution_fwhm_aa": 5800.0 / 11000.0},
        {"fwhm_aa": wave_aa / 11000.0},
        {"fwhm_aa": np.where(wave_aa < 5000.0, np.nan, wave_aa / 11000.0)},
    ):
        width, notes = line_width(**said)
        assert width == pytest.approx(np.sqrt(native**2 + (3.0**2 - (5800.0 / 11000.0) ** 2) / 2.3548**2), rel=0.02)
        assert "broadened" in notes[0]
    assert "broader than the training spectra" in line_width(resolution_fwhm_aa=5.0)[1][0]
    assert line_width(velocity_dispersion_kms=100.0)[1] == ()
    for wrong in ({"resolving_power": 0.5}, {"resolving_power": 2000.0, "resolution_fwhm_aa": 2.0}):
        with pytest.raises(InputError, match="resolving_power"):
            PreparationSettings(**wrong)


# --- words ----------------------------------------------------------------------------------------------------------


def test_roles_of_names():
    assert roles_of(["wave", "sky_flux", "flux", "err"]) == {"wave": "wave", "flux": "flux", "error": "err"}
    assert roles_of(["LAMBDA", "F_LAMBDA", "E_FLUX", "QUAL"]).keys() == {"wave", "flux", "error", "mask"}
    assert "flux" not in roles_of(["wave", "model_flux", "continuum", "template_flux"])
    assert [mask_means(name) for name in ("mask", "DQ", "good", "good_pixels", "usable")] == ["ignore"] * 2 + [
        "use"
    ] * 3
    assert [medium_of(name) for name in ("wave_vac", "lambda (air)", "wave", "vacuum or air")] == [
        "vacuum",
        "air",
        None,
        None,
    ]
    assert (flux_unit_of("f_nu"), flux_unit_of("flux")) == ("Jy", "")


@pytest.mark.parametrize("text", ["parrots", "", "10**", "((", "erg//s", "1e400 Jy"])
def test_units_that_cannot_be_read(text):
    parsed_unit(text)  # never an error of another kind
    if text:
        with pytest.raises(InputError):
            per_angstrom_factor(f"{text} counts", np.array([5000.0]))


# --- properties -----------------------------------------------------------------------------------------------------

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
UNITS = ["Angstrom", "nm", "um", "m", "mm", "Hz", "THz", "eV", "keV", "1 / cm"]


@QUICK
@given(st.lists(st.floats(1000.0, 5e4), min_size=2, max_size=20), st.sampled_from(UNITS))
def test_wavelengths_come_back_from_any_unit(wave_aa, unit):
    there = (np.array(wave_aa) * u.AA).to_value(u.Unit(unit), u.spectral())
    np.testing.assert_allclose(to_angstrom(there, unit), wave_aa, rtol=1e-9)


@QUICK
@given(
    st.integers(0, 9),
    st.integers(0, 9),
    st.booleans(),
    st.sampled_from([0.0, np.nan]),
    st.sampled_from(["nm", "um", ""]),
)
def test_padding_orders_and_units_change_nothing(tmp_path, before, after, turned, filling, unit):
    scale = {"nm": 0.1, "um": 1e-4, "": 1.0}[unit]
    wave = np.concatenate([[filling] * before, WAVE_AA * scale, [filling] * after])
    flux = np.concatenate([[filling] * before, FLUX, [filling] * after])
    order = slice(None, None, -1) if turned else slice(None)
    path = tmp_path / "a.npz"
    np.savez(path, wavelength_aa=wave[order], flux=flux[order], flux_error=0.1 * np.abs(flux[order]))
    found = only(path, wave_unit=unit or None)
    np.testing.assert_allclose(found.wave_aa, WAVE_AA, rtol=1e-9)
    np.testing.assert_allclose(found.flux, FLUX)
    np.testing.assert_allclose(found.flux_error, 0.1 * FLUX)


@QUICK
@given(arrays_of.arrays(bool, 300), st.sampled_from(["mask", "good", "dq"]), st.sampled_from([None, "use", "ignore"]))
def test_masks_mean_what_is_said(tmp_path, marked, name, means):
    path = tmp_path / "a.fits"
    Table({"wave": WAVE_AA[:300], "flux": FLUX[:300], name: marked.astype(np.int16)}).write(path, overwrite=True)
    expected = marked if (means or ("use" if name == "good" else "ignore")) == "use" else ~marked
    np.testing.assert_array_equal(only(path, mask_means=means).mask, expected)


@QUICK
@given(arrays_of.arrays(np.float64, st.integers(2, 40), elements=st.sampled_from([np.nan, 0.0, 1.0, 2.0, 3.0])))
def test_what_is_cut_is_at_the_ends(wave):
    kept = valid_range(wave)
    good = np.isfinite(wave) & (wave > 0.0)
    if good.any():
        assert good[kept][0]
        assert good[kept][-1]
    else:
        assert kept == slice(0, 0)


# --- many spectra ---------------------------------------------------------------------------------------------------


def test_pieces_of_a_large_file(tmp_path):
    flux = np.ones((1100, 20)) + np.arange(1100)[:, None]
    np.savez(
        tmp_path / "a.npz", wavelength_aa=np.linspace(5000.0, 6000.0, 20), flux=flux, mask=np.ones((1100, 20), bool)
    )
    pieces = list(read_pieces(tmp_path / "a.npz"))
    assert [len(piece) for piece in pieces] == [512, 512, 76]
    assert [piece[0].flux[0] for piece in pieces] == [1.0, 513.0, 1025.0]
    assert pieces[2][-1].name == "a-1100"


def test_pieces_of_a_large_stack(tmp_path):
    n = 700
    flux = 1.0 + np.arange(n)[:, None] + np.zeros(40)
    wave_aa = np.linspace(5000.0, 6000.0, 40)
    bad = np.zeros((n, 40), np.int32)
    bad[650, 3] = 1
    redshift = np.where(np.arange(n) == 600, -999.0, 0.1 + 1e-4 * np.arange(n))
    hdus = [image(flux, "FLUX"), image(np.full((n, 40), 4.0), "IVAR"), image(bad, "MASK"), image(wave_aa, "WAVE")]
    path = write(tmp_path / "a.fits", *hdus, image(redshift, "Z"))
    pieces = list(read_pieces(path))
    assert [len(piece) for piece in pieces] == [512, 188]
    last = pieces[1]
    assert (last[0].name, last[0].flux[0], last[0].flux_error[0]) == ("a-513", 513.0, 0.5)
    assert last[0].redshift == pytest.approx(0.1512)
    assert last[600 - 512].redshift is None
    assert np.flatnonzero(~last[650 - 512].mask).tolist() == [3]
    short = [image(flux, "FLUX"), image(np.full((n - 1, 40), 4.0), "IVAR"), image(wave_aa, "WAVE")]
    with pytest.raises(InputError, match="699 rows where flux has 700"):
        read_spectra(write(tmp_path / "b.fits", *short))
