"""Pages of maps, from a file of maps."""

import base64
import json
import re
from dataclasses import replace

import numpy as np
import pytest
import small_cubes
from astropy.io import fits
from matplotlib.image import imread

from sfhmodel.errors import InputError
from sfhmodel.mapping import plot_maps
from sfhmodel.mapping.pictures.map_file import read_maps
from sfhmodel.mapping.pictures.maps_page import plot_maps_page
from sfhmodel.mapping.pictures.profiles_page import plot_profiles_page
from sfhmodel.mapping.pictures.sky import around_median, distances, draw_compass, limits_of, show_map
from sfhmodel.plots.style import new_figure

SHAPE = (12, 16)
N_AGE = 5


def write_maps(path, *, rotation_deg=0.0, bare=False, options=None):
    """A file as `sfhmodel map` writes it, of a round galaxy with a masked corner; ``bare``: no sky, no kinematics."""
    y, x = np.indices(SHAPE)
    bin_id = (y // 2) * 8 + x // 2
    bin_id[:2, :2] = -1
    bin_id = np.where(bin_id > 0, bin_id - 1, bin_id)
    radius = np.hypot(x - 8.0, y - 6.0)
    inside = bin_id >= 0
    n = bin_id.max() + 1
    images = {
        "BIN_ID": bin_id.astype("i4"),
        "FLUX": (100.0 * np.exp(-radius / 4.0)).astype("f4"),
        "LOG_AGE_LW": np.where(inside, 9.5 - 0.05 * radius, np.nan).astype("f4"),
        "LOG_AGE_LW_ERR": np.where(inside, 0.1, np.nan).astype("f4"),
        "METAL_LW": np.where(inside, -0.02 * radius, np.nan).astype("f4"),
        "A_V": np.where(inside, 0.3, np.nan).astype("f4"),
        "FLAG": np.where(inside, 0, 256).astype("i4"),
    }
    if not bare:
        images["V"] = np.where(inside, 20.0 * (x - 8.0), np.nan).astype("f4")
        images["SFR_DENSITY_100MYR"] = np.where(inside, np.exp(-radius), np.nan).astype("f4")
    header = fits.Header()
    if not bare:
        header = small_cubes.wcs_header(np.array([1.0, 2.0]))
        for key in [key for key in header if key.endswith("3") or key.startswith("CD")]:
            del header[key]
        c, s = np.cos(np.radians(rotation_deg)), np.sin(np.radians(rotation_deg))
        cards = {"CD1_1": -c, "CD1_2": s, "CD2_1": s, "CD2_2": c}
        header.update({key: value * 0.2 / 3600.0 for key, value in cards.items()})
    primary = fits.PrimaryHDU()
    for key, value in {
        "CUBE": "a.fits",
        "MODEL": "m",
        "REDSHIFT": 0.01,
        "BINS": "sn:50",
        "NBINS": n,
        "CREATOR": "x",
    }.items():
        primary.header[key] = value
    primary.header["PIXSCALE"] = 0.0 if bare else 0.2
    hdus = [primary, *(fits.ImageHDU(image, header, name=name) for name, image in images.items())]
    cube = np.linspace(0.1, 1.0, N_AGE)[:, None, None] * np.where(inside, 1.0, np.nan)
    for name in ("SFH_CUMULATIVE", "SFH_CUMULATIVE_ERR", "METAL_AGE", "METAL_AGE_ERR"):
        hdus.append(fits.ImageHDU((cube * (0.02 if "METAL" in name else 1.0)).astype("f4"), name=name))
    columns = {
        "BIN_ID": np.arange(n),
        "X": np.zeros(n),
        "Y": np.zeros(n),
        "NSPAX": np.full(n, 4.0),
        "SNRBIN": np.full(n, 50.0),
    }
    for name in ("X", "Y"):
        np.add.at(columns[name], bin_id[inside], (x if name == "X" else y)[inside] / 4.0)
    for name, image in images.items():
        if name != "BIN_ID":
            columns[name] = np.array([image[bin_id == k].mean() for k in range(n)]).astype(image.dtype)
    hdus.append(fits.BinTableHDU.from_columns([_column(k, v) for k, v in columns.items()], name="BINS"))
    wave = np.tile(np.linspace(4800.0, 7000.0, 50), (2, 1))
    flux = np.ones((2, 50))
    flux[1, 20:25] = np.nan
    spectra = {"BIN_ID": np.array([3, 20]), "WAVE": wave, "FLUX": flux, "FLUX_ERROR": 0.02 * flux}
    hdus.append(fits.BinTableHDU.from_columns([_column(k, v) for k, v in spectra.items()], name="SPECTRA"))
    edges = np.array([0.0, 1e7, 1e8, 1e9, 5e9, 1.38e10])
    ages = {"AGE_LOW": edges[:-1], "AGE_HIGH": edges[1:]}
    hdus.append(fits.BinTableHDU.from_columns([_column(k, v) for k, v in ages.items()], name="AGE_BINS"))
    said = {"key": np.array(["notes", "options"]), "value": np.array(['["a <note>"]', json.dumps(options or {})])}
    hdus.append(fits.BinTableHDU.from_columns([_column(k, v) for k, v in said.items()], name="PROVENANCE"))
    fits.HDUList(hdus).writeto(path)
    return path


def _column(name, values):
    kinds = {"f": "D", "i": "J", "U": "80A"}
    width = values.shape[1] if values.ndim > 1 else ""
    return fits.Column(name=name, array=values, format=f"{width}{kinds[values.dtype.kind]}")


def test_pages_are_pictures_and_html_needs_nothing_else(tmp_path):
    written = plot_maps(write_maps(tmp_path / "maps.fits"), tmp_path / "plots")
    assert [path.name for path in written] == ["maps.png", "profiles.png", "bins.png", "maps.pdf", "maps.html"]
    for path in written[:3]:
        picture = imread(path)
        assert picture.shape[1] == 1420
        assert picture[..., :3].std() > 0.05
    assert len(re.findall(rb"/Type /Page\b", written[3].read_bytes())) == 3
    html = written[4].read_text()
    embedded = re.findall(r'src="data:image/png;base64,([^"]+)"', html)
    assert [base64.b64decode(png) for png in embedded] == [path.read_bytes() for path in written[:3]]
    assert "http" not in html
    assert "a &lt;note&gt;" in html


def test_maps_without_sky_or_kinematics_are_drawn_too(tmp_path):
    assert len(plot_maps(write_maps(tmp_path / "maps.fits", bare=True), tmp_path / "plots")) == 5


@pytest.mark.parametrize(
    ("unit", "title"),
    [
        ("10**(-20)*erg/s/cm**2/Angstrom", "log flux [10$^{-20}$ erg s$^{-1}$ cm$^{-2}$ Å$^{-1}$]"),
        ("erg/s/cm2/A", "log flux [erg s$^{-1}$ cm$^{-2}$ Å$^{-1}$]"),
        ("Jy", "log flux [Jy]"),
        ("", "log flux"),
    ],
)
def test_fluxes_have_their_unit_as_papers_write_it(unit, title, tmp_path):
    maps = read_maps(write_maps(tmp_path / "maps.fits"))
    axes = plot_maps_page(replace(maps, units={"FLUX": unit})).axes
    assert axes[0].get_title() == title


def test_bars_of_colours_have_tips_where_values_are_beyond(tmp_path):
    axes = new_figure(2.0, 2.0).subplots()
    for limits, extend in (((0.0, 3.0), "neither"), ((0.5, 3.0), "min"), ((0.0, 2.0), "max"), ((0.5, 2.0), "both")):
        drawn = show_map(axes, np.array([[0.0, 1.0], [np.nan, 3.0]]), "x", "", colours="magma", limits=limits)
        assert drawn.colorbar.extend == extend


def test_colours_are_for_everybody_and_velocities_diverge_about_their_median(tmp_path):
    maps = read_maps(write_maps(tmp_path / "maps.fits"))
    drawn = {a.get_title(): a.images[0] for a in plot_maps_page(maps).axes if a.images and a.get_title()}
    used = {image.get_cmap().name for name, image in drawn.items() if name != "flags"}
    assert used <= {"viridis", "cividis", "magma", "RdBu_r"}
    velocity = drawn["velocity [km/s]"]
    assert velocity.get_cmap().name == "RdBu_r"
    median = np.nanmedian(maps.images["V"])
    assert median == pytest.approx(0.5 * (velocity.norm.vmin + velocity.norm.vmax), abs=1e-3)


@pytest.mark.parametrize(("rotation", "north"), [(0.0, (0.0, 1.0)), (90.0, (-1.0, 0.0))])
def test_north_and_east_follow_the_wcs(rotation, north, tmp_path):
    maps = read_maps(write_maps(tmp_path / "maps.fits", rotation_deg=-rotation))
    axes = new_figure(3.0, 3.0).subplots()
    axes.imshow(maps.images["FLUX"], origin="lower")
    draw_compass(axes, maps, (0, 0))
    places = {text.get_text(): np.array(text.get_position()) for text in axes.texts if text.get_text() in "NE"}
    arrows = [text for text in axes.texts if text.get_text() == ""]
    base = np.array(arrows[0].xyann)
    direction = (places["N"] - base) / np.linalg.norm(places["N"] - base)
    np.testing.assert_allclose(direction, north, atol=0.02)
    east = (places["E"] - base) / np.linalg.norm(places["E"] - base)
    np.testing.assert_allclose(east, (-north[1], north[0]), atol=0.02)
    label = next(text.get_text() for text in axes.texts if "″" in text.get_text())
    length = np.ptp(axes.lines[0].get_xdata()) * 0.2
    assert label == f"{length:.3g}″"


def test_profiles_show_every_bin_and_their_median(tmp_path):
    maps = read_maps(write_maps(tmp_path / "maps.fits"))
    axes = plot_profiles_page(maps).axes[0]
    assert len(axes.collections[0].get_offsets()) == len(maps.bins)
    x, y = next(line for line in axes.lines if line.get_label() == "median").get_data()
    np.testing.assert_allclose(np.polyfit(x / 0.2, y, 1)[0], -0.05, atol=0.01)


@pytest.mark.parametrize(("angle", "rotation"), [(30.0, 0.0), (30.0, 90.0), (-150.0, 25.0), (0.0, 0.0), (90.0, 0.0)])
def test_distances_in_a_disc(angle, rotation, tmp_path):
    disc = {"inclination_deg": 60.0, "position_angle_deg": angle}
    maps = read_maps(write_maps(tmp_path / "maps.fits", rotation_deg=rotation, options=disc))
    found, words = distances(maps)
    assert words == "distance in the disc"
    centre = maps.wcs.pixel_to_world(*maps.centre)
    places = maps.wcs.pixel_to_world(maps.bins["X"], maps.bins["Y"])
    expected_angle = centre.position_angle(places).rad - np.radians(angle)
    expected = centre.separation(places).arcsec * np.hypot(np.cos(expected_angle), 2.0 * np.sin(expected_angle))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_distances_on_the_sky(tmp_path):
    for bare, scale in ((True, 1.0), (False, 0.2)):
        maps = read_maps(write_maps(tmp_path / f"{bare}.fits", bare=bare))
        found, words = distances(maps)
        x, y = maps.centre
        np.testing.assert_allclose(found, scale * np.hypot(maps.bins["X"] - x, maps.bins["Y"] - y))
        assert words == "distance"


def test_limits():
    image = np.append(np.linspace(0.0, 1.0, 100), np.nan)
    np.testing.assert_allclose(limits_of(image), (0.02, 0.98), atol=0.01)
    np.testing.assert_allclose(limits_of(image, least=2.0), (-0.5, 1.5), atol=0.01)
    assert limits_of(np.full(3, np.nan)) == (0.0, 1.0)
    assert around_median(np.full(3, np.nan)) == (-1.0, 1.0)
    low, high = limits_of(np.full(3, 7.0))
    assert low < 7.0 < high


def test_other_files_are_refused(tmp_path):
    fits.PrimaryHDU(np.ones((3, 3))).writeto(tmp_path / "image.fits")
    with pytest.raises(InputError, match="no file of maps of `sfhmodel map`: it has no AGE_BINS"):
        plot_maps(tmp_path / "image.fits", tmp_path)
    with pytest.raises(InputError, match="cannot read"):
        plot_maps(tmp_path / "none.fits", tmp_path)
