"""Spectra in groups and tables of HDF5 files; pieces of large npz and FITS files."""

import numpy as np
import pytest
from astropy.table import Table
from spectra_files import FLUX, WAVE_AA, image, only, write

from sfhmodel.errors import InputError
from sfhmodel.spectra import read_pieces, read_spectra


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
