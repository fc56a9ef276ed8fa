"""Cubes read by rows, spectra shifted and summed: against the readable way."""

import gc
import tracemalloc

import numpy as np
import pytest
import small_cubes
from astropy.io import fits
from numba import get_num_threads, set_num_threads

from sfhmodel.errors import InputError
from sfhmodel.mapping.binning import BinMap
from sfhmodel.mapping.covariance import Covariance
from sfhmodel.mapping.cube import open_cube
from sfhmodel.mapping.kernels import add_spaxels
from sfhmodel.mapping.planes import section
from sfhmodel.mapping.rest_grid import RestGrid, stretch_of
from sfhmodel.mapping.sums import Chunks, SpectraOfBins
from sfhmodel.mapping.survey import survey
from sfhmodel.spectra import ReadOptions
from sfhsim.pixels import pixel_edges, rebin_padded

WAVE = np.arange(4790.0, 5010.0, 1.25)


def write_cube(path, flux, variance, *, order=(0, 1, 2), descending=False, **more):
    """In MUSE's layout, with the axes of the array in another order if wanted."""
    step = -1.25 if descending else 1.25
    header = small_cubes.wcs_header(np.array([4790.0, 4791.25]))
    if descending:
        flux, variance = flux[::-1], variance[::-1]
        header["CRVAL3"], header["CD3_3"] = WAVE[-1], step
    if order != (0, 1, 2):  # spectra along the first FITS axis
        header = fits.Header({"CTYPE1": "AWAV", "CRVAL1": WAVE[0], "CDELT1": 1.25, "CRPIX1": 1.0, "CUNIT1": "Angstrom"})
        flux, variance = np.moveaxis(flux, 0, -1), np.moveaxis(variance, 0, -1)
    hdus = [fits.PrimaryHDU(), fits.ImageHDU(flux.astype("f4"), header, name="DATA")]
    hdus += [fits.ImageHDU(variance.astype("f4"), header, name="STAT")]
    hdus[1].header["BUNIT"] = small_cubes.UNIT
    hdus += [fits.ImageHDU(values, name=name) for name, values in more.items()]
    fits.HDUList(hdus).writeto(path)
    return path


@pytest.fixture
def data():
    rng = np.random.default_rng(2)
    flux = 100.0 + rng.normal(size=(WAVE.size, 5, 4))
    variance = rng.uniform(0.5, 2.0, size=flux.shape)
    return flux, variance


@pytest.mark.parametrize("rows", [1, 2, 5])
@pytest.mark.parametrize("layout", ["muse", "gz", "spectra last", "descending"])
def test_blocks_hold_what_the_file_holds(rows, layout, data, tmp_path):
    flux, variance = data
    path = tmp_path / ("cube.fits.gz" if layout == "gz" else "cube.fits")
    order = (1, 2, 0) if layout == "spectra last" else (0, 1, 2)
    write_cube(path, flux, variance, order=order, descending=layout == "descending")
    with open_cube(path) as cube:
        assert cube.shape == (5, 4)
        np.testing.assert_allclose(cube.wave_aa, WAVE)
        blocks = list(cube.blocks(slice(3, 90), rows, mask_sky=False))
    assert [block.first_row for block in blocks] == list(range(0, 5, rows))
    found = np.concatenate([block.flux for block in blocks])
    np.testing.assert_allclose(found, flux[3:90].reshape(87, -1).T, rtol=1e-6)
    sigma = np.concatenate([block.sigma for block in blocks])
    np.testing.assert_allclose(sigma, np.sqrt(variance[3:90]).reshape(87, -1).T, rtol=1e-6)


def test_blocks_that_were_read_are_forgotten(tmp_path):
    """Also where a unit cannot be that of a variance: an error that is caught must not keep its callers' arrays."""
    flux = np.full((400, 60, 50), 100.0)
    header = small_cubes.wcs_header(np.array([4790.0, 4791.25]))
    hdus = [fits.PrimaryHDU(), *(fits.ImageHDU(flux.astype("f4"), header, name=name) for name in ("DATA", "STAT"))]
    hdus[1].header["BUNIT"], hdus[2].header["BUNIT"] = small_cubes.UNIT, small_cubes.UNIT + "**2"
    fits.HDUList(hdus).writeto(tmp_path / "cube.fits")
    with open_cube(tmp_path / "cube.fits") as cube:
        blocks = cube.blocks(slice(0, 400), 4)
        one = next(blocks).flux.nbytes
        gc.disable()
        tracemalloc.start()
        try:
            for _ in blocks:
                pass
            kept = tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()
            gc.enable()
    assert kept < 4 * one  # of 14 blocks; the rest is what units and headers remember


def test_bad_pixels_masks_and_sky_are_left_out(data, tmp_path):
    flux, variance = data
    flux[10, 1, 1], variance[11, 1, 1], variance[12, 1, 1] = np.nan, 0.0, 1e20
    flux[20:30, 1, 1] = 0.0
    dq = np.zeros(flux.shape, dtype=np.int32)
    dq[50, 2, 3] = 4
    path = write_cube(tmp_path / "cube.fits", flux, variance, DQ=dq)
    with open_cube(path) as cube:
        block = next(cube.blocks(slice(0, WAVE.size), 5))
    good = block.good.reshape(5, 4, -1)
    assert not good[1, 1, [10, 11, 12]].any()
    assert not good[1, 1, 19:31].any()
    assert good[1, 1, 13:19].all()
    assert not good[2, 3, 50]
    assert good[0, 0].all()


def test_cubes_of_manga_have_their_bits_their_vacuum_and_their_resolution(tmp_path):
    wave = 10.0 ** (3.68 + 1e-4 * np.arange(60))
    shape = (60, 3, 4)
    mask = np.zeros(shape, dtype=np.int32)
    mask[5, 1, 1], mask[6, 1, 1], mask[7, 1, 1] = 1 << 10, 1 << 3, 1 << 5
    parts = {"FLUX": np.full(shape, 2.0, "f4"), "IVAR": np.full(shape, 4.0, "f4"), "MASK": mask, "WAVE": wave}
    parts["SPECRES"] = np.full(60, 2000.0)
    hdus = [fits.PrimaryHDU(), *(fits.ImageHDU(values, name=name) for name, values in parts.items())]
    hdus[1].header["BUNIT"] = "1E-17 erg/s/cm^2/Ang/spaxel"
    fits.HDUList(hdus).writeto(tmp_path / "manga.fits")
    with open_cube(tmp_path / "manga.fits") as cube:
        assert (cube.is_manga, cube.medium, cube.shape) == (True, "vacuum", (3, 4))
        np.testing.assert_allclose(cube.fwhm_aa, wave / 2000.0)
        block = next(cube.blocks(slice(0, 60), 3, mask_sky=False))
    np.testing.assert_allclose(block.sigma, 0.5)
    assert np.flatnonzero(~block.good[5]).tolist() == [5, 6]
    assert block.good[4].all()


def test_packed_and_scaled_images_are_left_to_astropy(tmp_path):
    rng = np.random.default_rng(0)
    values = rng.normal(size=(6, 5, 4)).astype("f4")
    scaled = fits.ImageHDU((values * 100).astype("i2"), name="SCALED")
    scaled.header["BSCALE"] = 0.01
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(values, name="PACKED"), scaled]).writeto(tmp_path / "x.fits")
    wanted = (slice(1, 5), slice(2, 3), slice(None))
    with fits.open(tmp_path / "x.fits", memmap=False) as hdus:
        for name in ("PACKED", "SCALED"):
            np.testing.assert_allclose(section(hdus[name], wanted, None), hdus[name].data[wanted])
            assert section(hdus[name], wanted, None).dtype.isnative


def sums(cube_path, velocity, labels, covariance=None, rows=2, chunk=100):
    """Chunks of spectra on a grid of pixels of 2 A."""
    grid_wave = np.arange(4800.0, 4990.0, 2.0)
    with open_cube(cube_path, ReadOptions(redshift=0.0)) as cube:
        window = slice(0, WAVE.size)
        grid = RestGrid(grid_wave, pixel_edges(grid_wave), pixel_edges(cube.wave_aa), window, 0.0, 0.0)
        seen = survey(cube, grid, ReadOptions(), rows=rows, mask_sky=False)
        bin_map = BinMap.of(labels)
        chunks = Chunks.of(bin_map, chunk)
        maker = SpectraOfBins(
            cube, grid, bin_map, chunks, stretch_of(velocity), seen.brightness,
            np.ones(bin_map.n_bin) if covariance is None else covariance, rows, False,
        )  # fmt: skip
        return grid_wave, seen, dict(maker(set()))


def test_each_spaxel_is_shifted_by_its_own_velocity_and_flux_is_conserved(data, tmp_path):
    flux, variance = data
    rng = np.random.default_rng(3)
    velocity = rng.uniform(-200.0, 200.0, (5, 4))
    path = write_cube(tmp_path / "cube.fits", flux, variance)
    wave, _, chunks = sums(path, velocity, np.zeros((5, 4), int))
    (spectra,) = chunks.values()
    expected, squares = np.zeros(wave.size), np.zeros(wave.size)
    for j, i in np.ndindex(5, 4):
        at_rest = WAVE * np.exp(-velocity[j, i] / 299792.458)
        expected += rebin_padded(at_rest, flux[:, j, i].astype("f4"), pixel_edges(wave))
        a, b = pixel_edges(at_rest), pixel_edges(wave)
        overlap = np.minimum(a[1:], b[1:, None]) - np.maximum(a[:-1], b[:-1, None])
        squares += np.square(np.maximum(overlap, 0.0) / 2.0) @ variance[:, j, i]
    assert spectra.mask.all()
    np.testing.assert_allclose(spectra.flux[0], expected, rtol=1e-5)
    np.testing.assert_allclose(spectra.flux_error[0], np.sqrt(squares), rtol=1e-5)


def test_missing_light_is_made_up_for_in_proportion_to_brightness(data, tmp_path):
    flux, variance = data
    flux[:] = 100.0
    flux[:, 0, 0] = 300.0
    flux[60:70, 0, 0] = np.nan
    path = write_cube(tmp_path / "cube.fits", flux, variance)
    _, _, chunks = sums(path, np.zeros((5, 4)), np.zeros((5, 4), int))
    np.testing.assert_allclose(next(iter(chunks.values())).flux[0], 19 * 100.0 + 300.0, rtol=1e-5)


@pytest.mark.parametrize(("rows", "chunk", "threads"), [(1, 2, 1), (2, 3, 2), (5, 100, 2)])
def test_sums_do_not_depend_on_rows_chunks_or_threads(rows, chunk, threads, data, tmp_path):
    path = write_cube(tmp_path / "cube.fits", *data)
    labels = np.array([[0, 0, 1, 1], [0, 2, 2, 1], [3, 3, -1, 4], [3, 5, 5, 4], [5, 5, 6, 6]])
    velocity = np.linspace(-90.0, 90.0, 20).reshape(5, 4)
    before = get_num_threads()
    _, _, reference = sums(path, velocity, labels)
    try:
        set_num_threads(min(threads, before))
        _, _, chunks = sums(path, velocity, labels, rows=rows, chunk=chunk)
    finally:
        set_num_threads(before)
    (whole,) = reference.values()
    assert sorted(np.concatenate([some.bins for some in chunks.values()])) == list(range(7))
    place = {int(b): k for k, b in enumerate(whole.bins)}
    for some in chunks.values():
        for k, number in enumerate(some.bins):
            np.testing.assert_array_equal(some.flux[k], whole.flux[place[int(number)]])
            np.testing.assert_array_equal(some.flux_error[k], whole.flux_error[place[int(number)]])


def test_chunks_are_ready_when_their_rows_have_passed():
    labels = np.repeat(np.arange(6)[:, None], 3, axis=1)
    labels[0, 0] = 5  # a bin from the first row to the last
    chunks = Chunks.of(BinMap.of(labels), 2)
    assert [some.tolist() for some in chunks.members] == [[0, 1], [2, 3], [4, 5]]
    assert chunks.last_row.tolist() == [1, 3, 5]
    assert chunks.first_row.tolist() == [0, 2, 0]
    assert chunks.most_at_once == 2


def test_kernels_leave_what_they_read(data):
    flux = np.ascontiguousarray(data[0].reshape(WAVE.size, -1).T, dtype="f4")
    parts = [flux, np.ones_like(flux), np.ones(flux.shape, bool), pixel_edges(WAVE), np.ones(20), np.ones(20)]
    copies = [part.copy() for part in parts]
    out = [np.zeros((1, 10), dtype="f4") for _ in range(3)]
    edges = np.linspace(4800.0, 4900.0, 11)
    add_spaxels(*parts, np.arange(20), np.array([0, 20]), np.zeros(1, int), edges, *out)
    for part, copy in zip(parts, copies, strict=True):
        np.testing.assert_array_equal(part, copy)
    np.testing.assert_allclose(out[1], 20.0, rtol=1e-6)


@pytest.mark.parametrize(
    ("cards", "factors"),
    [
        ({}, [1.0, 1.0, 1.0]),
        ({"INSTRUME": "KCWI"}, [1.0, 1.0, 1.0]),
        ({"INSTRUME": "MUSE"}, [1.0, 1.2, 1.25]),
        ({"INSTRUME": "PMAS/PPAK", "CALIFAID": 73}, [1.0, 2.06, 4.18]),
        ({"INSTRUME": "MUSE", "COVSPAT": 1.5}, [1.0, 1.35, 1.5]),
    ],
)
def test_covariance_is_the_instruments(cards, factors, data, tmp_path):
    path = write_cube(tmp_path / "cube.fits", *data)
    for key, value in cards.items():
        fits.setval(path, key, value=value)
    n = np.array([1, 10, 1000])
    with open_cube(path) as cube:
        np.testing.assert_allclose(Covariance.of(cube, None)(n), factors)
        np.testing.assert_allclose(Covariance.of(cube, 0.5)(n), [1.0, 1.5, 2.5])
        assert "1 + 0.5 log10 N times larger (as given)" in str(Covariance.of(cube, 0.5))
        cube.is_manga, cube.covariance_limit = True, None
        np.testing.assert_allclose(Covariance.of(cube, None)(n), [1.0, 2.62, 4.2])


def test_what_is_no_cube_is_refused(data, tmp_path):
    flux, variance = data
    fits.PrimaryHDU(np.ones((4, 5))).writeto(tmp_path / "image.fits")
    with (
        pytest.raises(InputError, match="holds no cube of spectra, but HDU PRIMARY 5x4"),
        open_cube(tmp_path / "image.fits"),
    ):
        pass
    (tmp_path / "text.fits").write_text("no FITS file")
    with pytest.raises(InputError, match="text.fits"), open_cube(tmp_path / "text.fits"):
        pass
    path = write_cube(tmp_path / "slit.fits", flux[:, :1], variance[:, :1])
    with pytest.raises(InputError, match="spatial axes|no cube"), open_cube(path):
        pass
    path = write_cube(tmp_path / "errors.fits", flux, variance * 1e-14)
    wave = np.arange(4800.0, 4990.0, 2.0)
    with open_cube(path) as cube:
        grid = RestGrid(wave, pixel_edges(wave), pixel_edges(cube.wave_aa), slice(0, WAVE.size), 0.0, 0.0)
        with pytest.raises(InputError, match="--error-is"):
            survey(cube, grid, ReadOptions(), rows=2, mask_sky=False)
