"""What names and units of columns say: which is the flux, what is at rest, what is no flux."""

import numpy as np
import pytest
from astropy.table import Table
from spectra_files import FLUX, WAVE_AA, only

from sfhmodel.errors import InputError
from sfhmodel.spectra.units import parsed_unit, per_angstrom_factor
from sfhmodel.spectra.vocabulary import flux_unit_of, mask_means, medium_of, roles_of


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
