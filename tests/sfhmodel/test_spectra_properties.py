"""Properties of readers for files of any values: units, orders, padding, masks."""

import numpy as np
import pytest
from astropy import units as u
from astropy.table import Table
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of
from spectra_files import FLUX, WAVE_AA, only

from sfhmodel.spectra.units import to_angstrom
from sfhmodel.spectra.wavelength_guards import valid_range

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
UNITS = ["Angstrom", "nm", "um", "m", "mm", "Hz", "THz", "eV", "keV", "1 / cm"]


@QUICK
@given(st.lists(st.floats(1000.0, 5e4), min_size=2, max_size=20), st.sampled_from(UNITS))
def test_wavelengths_come_back_from_any_unit(wave_aa, unit):
    there = (np.array(wave_aa) * u.AA).to_value(u.Unit(unit), u.spectral())
    np.testing.assert_allclose(to_angstrom(there, unit), wave_aa, rtol=1e-9)


@pytest.mark.parametrize(("unit", "medium"), [("Hz", "vacuum"), ("eV", "vacuum"), ("1 / cm", "vacuum"), ("nm", "air")])
def test_frequencies_and_energies_are_of_vacuum(tmp_path, unit, medium):
    axis = (WAVE_AA * u.AA).to(u.Unit(unit), u.spectral())
    Table({"axis": axis, "flux": FLUX}).write(tmp_path / "a.fits")
    found = only(tmp_path / "a.fits", wave_column="axis")
    assert found.medium == medium
    assert any("taken to be in air" in note for note in found.notes) == (medium == "air")
    np.testing.assert_allclose(np.sort(found.wave_aa), WAVE_AA, rtol=1e-9)
    assert only(tmp_path / "a.fits", wave_column="axis", medium="air").medium == "air"  # who says so is believed
    Table({"axis": axis.value, "flux": FLUX}).write(tmp_path / "b.fits")
    assert only(tmp_path / "b.fits", wave_column="axis", wave_unit=unit).medium == medium


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
