"""Filter curves: photometry against analytic truth, sources by name and file, and bad curves."""

import sys
import types

import numpy as np
import pytest

from sfhsim.constants import C_AA_S
from sfhsim.data.builders.filters import wheel_names
from sfhsim.errors import CoverageError, MissingDataError, RecipeError, SfhsimWarning
from sfhsim.instrument import Filter, filter_names, load_filter
from sfhsim.instrument.filter_sources import parse_kcorrect

WAVE_AA = np.arange(3000.0, 8000.0, 2.0)
BOX = Filter("box", [4999.999, 5000.0, 6000.0, 6000.001], [0.0, 1.0, 1.0, 0.0])


def test_flat_f_nu_has_its_ab_magnitude_in_every_filter():
    wave = np.geomspace(900.0, 4.0e5, 60000)
    f_nu = 3.631e-20 * 10 ** (-0.4 * 20.0)  # AB = 20
    for name in filter_names():
        magnitude = load_filter(name).ab_magnitude(wave, f_nu * C_AA_S / wave[None, :] ** 2)
        assert magnitude == pytest.approx(20.0, abs=2e-4), name


def test_box_filter_analytically():
    # f_lambda = lambda: <f> = (b^3 - a^3)/3 / ((b^2 - a^2)/2)
    a, b = 5000.0, 6000.0
    expected = (b**3 - a**3) / 3.0 / ((b**2 - a**2) / 2.0)
    assert BOX.mean_flux(WAVE_AA, WAVE_AA[None, :])[0] == pytest.approx(expected, rel=1e-6)
    assert BOX.pivot_wave_aa == pytest.approx(np.sqrt((b**2 - a**2) / 2.0 / np.log(b / a)), rel=1e-6)
    assert BOX.effective_width_aa == pytest.approx(1000.0, rel=1e-5)
    assert BOX.norm_aa2 == pytest.approx((b**2 - a**2) / 2.0, rel=2e-6)


def test_integral_is_exact_between_the_points():
    rng = np.random.default_rng(1)
    band = Filter("rough", np.sort(rng.uniform(4000.0, 6000.0, 40)), rng.uniform(0.0, 1.0, 40))
    flux = rng.uniform(0.0, 1.0, WAVE_AA.size)
    fine = np.unique(np.concatenate([np.linspace(band.wave_aa[0], band.wave_aa[-1], 2_000_001), band.wave_aa]))
    response = np.interp(fine, band.wave_aa, band.throughput) * fine
    expected = np.trapezoid(np.interp(fine, WAVE_AA, flux) * response, fine) / np.trapezoid(response, fine)
    assert band.mean_flux(WAVE_AA, flux) == pytest.approx(expected, rel=1e-7)


def test_shapes_nan_and_inputs_unchanged():
    flux = np.stack([np.ones(WAVE_AA.size), -np.ones(WAVE_AA.size), np.zeros(WAVE_AA.size)])
    magnitude = BOX.ab_magnitude(WAVE_AA, flux)
    np.testing.assert_array_equal(np.isnan(magnitude), [False, True, True])
    np.testing.assert_array_equal(flux[1], -1.0)


@pytest.mark.parametrize("sigma", [0.0, 0.5, 8.0, 300.0])
@pytest.mark.parametrize("line", [4990.0, 5000.0, 5400.0, 6001.0])
def test_line_weights_equal_a_finely_sampled_line(line, sigma):
    band = Filter("wedge", [5000.0, 5300.0, 6000.0], [0.2, 1.0, 0.1])
    weight = band.line_weights(np.array([line]), sigma)
    if sigma == 0.0:
        expected = np.interp(line, band.wave_aa, band.throughput, 0.0, 0.0) * line / band.norm_aa2
        if line != 5000.0:  # the edge itself: half of a sharp line is inside
            assert weight[0] == pytest.approx(expected, rel=1e-6)
        return
    x = np.linspace(5000.0, 6000.0, 400_001)
    gauss = np.exp(-0.5 * ((x - line) / sigma) ** 2) / (sigma * np.sqrt(2.0 * np.pi))
    expected = np.trapezoid(gauss * np.interp(x, band.wave_aa, band.throughput) * x, x) / band.norm_aa2
    assert weight[0] == pytest.approx(expected, rel=1e-5, abs=1e-12)


def test_coverage_error_names_filter_and_ranges():
    with pytest.raises(CoverageError, match=r"filter box needs 5000\.0-6000\.0 A .* covers 5200\.0-7000\.0 A"):
        BOX.ab_magnitude(np.linspace(5200.0, 7000.0, 100), np.ones((1, 100)))


# ---------------------------------------------------------------- sources


def test_names_and_aliases():
    assert load_filter("HST/WFC3_UVIS.F275W") is load_filter("f275w")
    assert load_filter("wfc3_uvis.F814W").name == "HST/WFC3_UVIS.F814W"
    assert load_filter("JWST/MIRI.F770W").pivot_wave_aa == pytest.approx(76393.0, rel=1e-3)
    assert load_filter("F444W").pivot_wave_aa == pytest.approx(44043.0, rel=1e-3)
    assert load_filter(BOX) is BOX
    assert len(filter_names()) == len(wheel_names()) == 74


def test_unknown_and_ambiguous_names():
    with pytest.raises(RecipeError, match=r"'F814W' is ambiguous: HST/WFC3_UVIS\.F814W, HST/ACS_WFC\.F814W"):
        load_filter("F814W")
    with pytest.raises(RecipeError, match=r"unknown filter 'F276W'; near matches: .*HST/WFC3_UVIS\.F275W"):
        load_filter("F276W")
    with pytest.raises(RecipeError, match=r"unknown filter '\?'; known: HST/WFC3_UVIS\.F218W"):
        load_filter("?")


SVO_TABLE = """<?xml version="1.0"?>
<VOTABLE version="1.1" xmlns="http://www.ivoa.net/xml/VOTable/v1.1">
 <RESOURCE type="results">
  <TABLE>
   <PARAM name="filterID" datatype="char" arraysize="*" value="Made/Up.X"/>
   <PARAM name="DetectorType" datatype="char" arraysize="*" value="1"/>
   <FIELD name="Wavelength" ucd="em.wl" unit="Angstrom" datatype="double"/>
   <FIELD name="Transmission" datatype="double"/>
   <DATA><TABLEDATA>
    <TR><TD>5000</TD><TD>0.1</TD></TR><TR><TD>5500</TD><TD>1.0</TD></TR><TR><TD>6000</TD><TD>0.2</TD></TR>
   </TABLEDATA></DATA>
  </TABLE>
 </RESOURCE>
</VOTABLE>
"""


def _write(path, kind):
    from astropy import units
    from astropy.table import Table

    wave, throughput = np.array([500.0, 550.0, 600.0]), np.array([0.1, 1.0, 0.2])
    if kind == "ascii":
        np.savetxt(path, np.column_stack([10.0 * wave, throughput]), header="wavelength throughput")
    elif kind == "ecsv":
        Table({"wave": wave * units.nm, "throughput": throughput}).write(path, format="ascii.ecsv")
    else:
        path.write_text(SVO_TABLE)


@pytest.mark.parametrize(("name", "kind"), [("a.b.dat", "ascii"), ("a.b.ecsv", "ecsv"), ("a.b.xml", "votable")])
def test_filter_files(tmp_path, name, kind):
    _write(tmp_path / name, kind)
    band = load_filter(tmp_path / name)
    assert band.name == "a.b"
    np.testing.assert_allclose(band.wave_aa, [5000.0, 5500.0, 6000.0])
    np.testing.assert_allclose(band.throughput, [0.1, 1.0, 0.2])
    assert load_filter(str(tmp_path / name)).pivot_wave_aa == band.pivot_wave_aa


def test_energy_counting_votable_becomes_photon_counting(tmp_path):
    path = tmp_path / "energy.xml"
    _write(path, "votable")
    photon = load_filter(path)
    path.write_text(SVO_TABLE.replace('arraysize="*" value="1"', 'arraysize="*" value="0"'))
    energy = load_filter(path)
    np.testing.assert_allclose(energy.throughput * energy.wave_aa, photon.throughput)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("5000 1\n4000 1\n4500 1\n", "row 2 does not"),
        ("5000 0\n5500 1\n5500 0.5\n5500 1\n6000 0\n", "row 3 does not"),
        ("1100 0\n1235 1\n1400 0\n", "# unit: nm"),
        ("5000 1\n5500 nan\n", "row 2 is not finite"),
        ("5000 1\n", "at least two rows"),
        ("5000\n6000\n", "line 1 holds one column"),
        ("# nothing\n", "holds no numbers"),
        ("5000 1\n6000 1x\n", "cannot be read"),
        ("5000 1\n6000 -0.5\n", r"row 2 has a negative throughput \(-0.5\)"),
        ("5000 0\n6000 0\n", "its throughput is 0 everywhere"),
        ("0.5 1\n0.6 1\n", "in nm or micron"),
    ],
)
def test_bad_filter_files(tmp_path, text, message):
    (tmp_path / "bad.dat").write_text(text)
    with pytest.raises(RecipeError, match=message):
        load_filter(tmp_path / "bad.dat")


def test_missing_and_unknown_files(tmp_path):
    with pytest.raises(MissingDataError, match=r"filter file not found: .*none\.dat"):
        load_filter(tmp_path / "none.dat")
    (tmp_path / "a.png").write_text("")
    with pytest.raises(RecipeError, match=r"suffix '\.png' is not one of"):
        load_filter(tmp_path / "a.png")
    (tmp_path / "a.ecsv").write_text("no table")
    with pytest.raises(RecipeError, match=r"a\.ecsv cannot be read"):
        load_filter(tmp_path / "a.ecsv")


def _curve(path, text):
    path.write_text(text)
    return load_filter(path)


def test_energy_detectors_of_text_files(tmp_path):
    rows = "5000 0.1\n5500 1.0\n6000 0.2\n"
    photon = _curve(tmp_path / "photon.dat", f"# DETECTOR photon\n{rows}")
    for k, line in enumerate(("# DETECTOR energy", "# DETECTOR\tenergy", "# detector: energy", "# DetectorType = 0")):
        energy = _curve(tmp_path / f"energy{k}.dat", f"# NAME made up\n{line}\n# UNIT AA\n{rows}")
        np.testing.assert_allclose(energy.throughput * energy.wave_aa, photon.throughput)


def test_energy_detector_in_the_metadata_of_a_table(tmp_path):
    from astropy import units
    from astropy.table import Table

    table = Table({"wave": [5000.0, 5500.0, 6000.0] * units.AA, "T": [0.1, 1.0, 0.2]}, meta={"DETECTOR": "energy"})
    table.write(tmp_path / "a.ecsv")
    band = load_filter(tmp_path / "a.ecsv")
    np.testing.assert_allclose(band.throughput * band.wave_aa, [0.1, 1.0, 0.2])


@pytest.mark.parametrize(
    ("header", "scale"),
    [
        ("# unit: nm", 0.1),
        ("# UNIT nm", 0.1),
        ("# wavelength (nm), T", 0.1),
        ("wave_nm,T", 0.1),
        ("# lambda [micron]", 1e-4),
    ],
)
def test_units_of_filter_files(tmp_path, header, scale):
    wave = np.array([11000.0, 12350.0, 14000.0]) * scale
    rows = "\n".join(f"{w},{t}" for w, t in zip(wave, (0.0, 1.0, 0.0), strict=True))
    band = _curve(tmp_path / "J.dat", f"{header}\n{rows}\n")
    np.testing.assert_allclose(band.wave_aa, [11000.0, 12350.0, 14000.0])


def test_ultraviolet_filters_by_name_and_by_unit(tmp_path):
    rows = "1340 0\n1530 1\n1790 0\n"
    assert _curve(tmp_path / "GALEX.FUV.dat", rows).pivot_wave_aa == pytest.approx(1530.0, rel=0.1)
    assert _curve(tmp_path / "a.dat", f"# unit: Angstrom\n{rows}").pivot_wave_aa < 2000.0


def test_filter_curves_are_mended_and_it_is_said(tmp_path):
    band = _curve(tmp_path / "down.dat", "6000 0\n5500 1\n5000 0\n")
    np.testing.assert_array_equal(band.wave_aa, [5000.0, 5500.0, 6000.0])
    with pytest.warns(SfhsimWarning, match=r"noise\.dat: 1 throughputs slightly below 0"):
        band = _curve(tmp_path / "noise.dat", "5000 -0.001\n5500 1\n6000 0\n")
    np.testing.assert_array_equal(band.throughput, [0.0, 1.0, 0.0])
    with pytest.warns(SfhsimWarning, match="2 wavelengths that occur twice"):
        band = _curve(tmp_path / "twice.dat", "5000 0\n5000 1\n5500 1\n5500 1\n6000 0\n")
    np.testing.assert_allclose(band.wave_aa, [5000.0, 5000.005, 5500.0, 6000.0])
    np.testing.assert_array_equal(band.throughput, [0.0, 1.0, 1.0, 0.0])


# ---------------------------------------------------------------- filter packages

KCORRECT_FILE = "# notes\n|  lambda |  pass |\n| 5000.0 | 0.5 |\n| 5000.0 | 0.5 |\n| 6000.0 | 1.0 |\n"


def test_kcorrect_route(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("sfhsim.instrument.filter_sources.find_spec", lambda name: None)
        with pytest.raises(MissingDataError, match="kcorrect is not installed here: pip install kcorrect"):
            load_filter("kcorrect:jwst_f444w")
    folder = tmp_path / "kcorrect" / "data" / "responses"
    folder.mkdir(parents=True)
    (tmp_path / "kcorrect" / "__init__.py").write_text("raise RuntimeError('must not be imported')\n")
    (folder / "jwst_f444w.dat").write_text(KCORRECT_FILE)
    monkeypatch.syspath_prepend(str(tmp_path))
    band = load_filter("kcorrect:jwst_f444w")
    np.testing.assert_allclose(band.wave_aa, [5000.0, 6000.0])
    with pytest.raises(RecipeError, match="kcorrect has no filter 'jwst_f44w'; near matches: jwst_f444w"):
        load_filter("kcorrect:jwst_f44w")


def test_wavelengths_of_kcorrect_files_increase():
    wave, throughput = parse_kcorrect(KCORRECT_FILE)
    np.testing.assert_allclose(np.column_stack([wave, throughput]), [[5000.0, 0.5], [6000.0, 1.0]])


@pytest.mark.parametrize("dtype", ["photon", "energy"])
def test_pyphot_route(monkeypatch, dtype):
    curve = types.SimpleNamespace(wavelength=np.array([5e3, 6e3]), transmit=np.array([0.5, 1.0]), dtype=dtype)

    class Library(dict):
        get_library_content = dict.keys

    fake = types.ModuleType("pyphot")
    fake.get_library = lambda: Library(HST_WFC3_F275W=curve)
    monkeypatch.setitem(sys.modules, "pyphot", fake)
    expected = curve.transmit / (curve.wavelength if dtype == "energy" else 1.0)
    np.testing.assert_allclose(load_filter("pyphot:HST_WFC3_F275W").throughput, expected)
    with pytest.raises(RecipeError, match="pyphot has no filter 'F275W'; near matches: HST_WFC3_F275W"):
        load_filter("pyphot:F275W")


def test_pyphot_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyphot", None)
    with pytest.raises(MissingDataError, match="pyphot is not installed here"):
        load_filter("pyphot:HST_WFC3_F275W")


@pytest.mark.reference_data
@pytest.mark.parametrize(
    ("band", "tolerance_mag"),
    [("F275W", 0.003), ("F336W", 0.003), ("F438W", 0.003), ("F555W", 0.003), ("F814W", 0.01)],
)
def test_shipped_hst_curves_against_svo(reference_data, band, tolerance_mag):
    svo = load_filter(reference_data / "filters" / f"HST_WFC3_UVIS2.{band}.dat")
    shipped = load_filter(f"WFC3_UVIS.{band}")
    wave = np.linspace(1500.0, 11500.0, 8000)
    slopes = wave ** np.array([[-3.0], [-2.0], [0.0], [1.0]])  # blue to red
    difference = shipped.ab_magnitude(wave, slopes) - svo.ab_magnitude(wave, slopes)
    assert np.abs(difference).max() < tolerance_mag
