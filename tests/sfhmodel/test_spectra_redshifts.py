"""Redshifts, and wavelengths in air or vacuum, as files and users say them."""

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from spectra_files import FLUX, WAVE_AA, image, only, write

from sfhmodel.errors import InputError
from sfhmodel.spectra import ReadOptions, read_spectra


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
