"""What cannot be true is refused or marked: errors, wavelengths, masks; resolutions are matched."""

import warnings

import numpy as np
import pytest
from spectra_files import FLUX, WAVE_AA, only

from sfhmodel.description import NEEDED_TRUTHS, ModelDescription
from sfhmodel.errors import InputError, SfhmodelWarning
from sfhmodel.spectra import PreparationSettings, SpectrumPreparer, read_spectra


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
