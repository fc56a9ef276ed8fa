"""What the simulator says: zero-filled templates, clipped metallicities, and errors where it cannot go on."""

import warnings

import numpy as np
import pytest
from miniature import WAVE_AA, miniature_library

from sfhsim import load_library
from sfhsim.errors import CoverageError, MissingDataError, RecipeError, SfhsimWarning


@pytest.fixture
def zero_filled():
    """The two youngest templates of the lowest metallicity end at 6000 A, as E-MILES' do at 8951 A."""
    flux = np.array(miniature_library().flux)
    flux[0, :2, WAVE_AA > 6000.0] = 0.0
    return miniature_library(flux=flux)


def notes(make, **arguments):
    """The notes of a compilation, each of which must also be a warning."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        simulator = make(**arguments)
    said = [str(w.message) for w in caught if issubclass(w.category, SfhsimWarning)]
    assert said == list(simulator.notes)
    return said


def test_nothing_is_said_where_nothing_is_wrong(make_simulator):
    assert notes(make_simulator) == []


def test_zero_filled_templates_are_named(make_simulator, zero_filled):
    said = " ".join(notes(make_simulator, on=zero_filled))
    assert "count as zero" in said
    assert "Z=0.0004, 1 Myr" in said
    assert "Z=0.0004, 3 Myr" in said
    assert "10 Myr" not in said


def test_zero_filled_templates_are_named_once(make_simulator, zero_filled):
    said = " ".join(notes(make_simulator, on=zero_filled))
    assert said.count("Z=0.0004, 1 Myr") == 1


def test_zeros_that_no_instrument_sees_are_not_worth_a_word(make_simulator, zero_filled):
    blue = {"spectrum": {"start_aa": 4500.0, "stop_aa": 5500.0}, "photometry": {"filters": ["HST/WFC3_UVIS.F275W"]}}
    assert notes(make_simulator, on=zero_filled, **blue) == []


def test_coarse_templates_are_said(make_simulator):
    coarse = miniature_library(resolution_fwhm_aa=np.full(WAVE_AA.size, 30.0))
    said = notes(make_simulator, on=coarse)
    assert len(said) == 1
    assert "coarser than the spectrum should be" in said[0]


def test_the_number_of_clipped_metallicities_is_a_truth(make_simulator):
    metallicity = {"form": "constant", "z_final": 0.1}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SfhsimWarning)
        simulator = make_simulator(metallicity=metallicity)
    batch = simulator.batch(np.arange(3))
    column = [entry["name"] for entry in simulator.truths.entries].index("n_clipped_metallicity")
    assert (batch.truth[:, column] == simulator.library.age_yr.size).all()
    assert (batch.metallicity == np.float32(0.1)).all()  # the labels say what was asked for
    top = {"form": "constant", "z_final": 0.05}
    inside = make_simulator(metallicity=top).batch(np.arange(3))
    assert (inside.truth[:, column] == 0).all()
    # the light is that of the library's end
    np.testing.assert_allclose(batch.noise_free_spectrum, inside.noise_free_spectrum, rtol=1e-5)


def test_clipping_is_said(make_simulator):
    said = notes(make_simulator, metallicity={"form": "constant", "z_final": 0.1})
    assert len(said) == 1
    assert "metallicit" in said[0]
    assert "clipped" in said[0]


def test_stars_too_old_for_nebular_emission_are_said(make_simulator):
    whole = miniature_library()
    old = whole.replace(
        age_yr=whole.age_yr[4:],  # from 100 Myr on
        flux=whole.flux[:, 4:],
        ionizing_photon_rate=whole.ionizing_photon_rate[:, 4:],
        ionizing_luminosity_lsun=whole.ionizing_luminosity_lsun[:, 4:],
    )
    said = notes(make_simulator, on=old)
    assert len(said) == 2
    assert "the youngest stars of miniature are 100 Myr old, older than the birth clouds" in said[0]
    assert "no stars of miniature are young enough for nebular emission: there is none" in said[1]
    assert len(notes(make_simulator, on=old, nebular={"model": "none"})) == 1


def test_filter_outside_the_library(make_simulator):
    with pytest.raises(CoverageError, match=r"JWST/MIRI.F770W needs .* covers 851.7-30060.0 A"):
        make_simulator(photometry={"filters": ["JWST/MIRI.F770W"]})


def test_filter_outside_the_library_at_a_redshift_that_is_drawn(make_simulator):
    kinematics = {"redshift": {"distribution": "uniform", "min": 0.0, "max": 3.0}}
    with pytest.raises(CoverageError, match=r"F275W.*z = 3"):
        make_simulator(kinematics=kinematics, photometry={"filters": ["HST/WFC3_UVIS.F275W"]})


@pytest.mark.parametrize(("start_aa", "stop_aa"), [(800.0, 2000.0), (25000.0, 31000.0)])
def test_grid_outside_the_library(make_simulator, start_aa, stop_aa):
    with pytest.raises(CoverageError, match=r"the spectrum needs rest-frame .*miniature.* covers 850-30000"):
        make_simulator(spectrum={"start_aa": start_aa, "stop_aa": stop_aa, "step_aa": 5.0})


@pytest.mark.parametrize(
    ("name", "scale", "message"),
    [
        ("redshift", 100, "redshift 3673.68 .* outside"),
        ("velocity_dispersion_kms", 300, "spans 0 to 11021.*: .* a min or max"),
    ],
)
def test_a_parameter_without_an_upper_limit(make_simulator, name, scale, message):
    endless = {"distribution": "exponential", "scale": scale}
    with pytest.raises(RecipeError, match=f"kinematics.{name} .*{message}"):
        make_simulator(kinematics={name: endless})


def test_a_distribution_without_limits_that_stays_where_it_belongs(make_simulator):
    dispersion = {"distribution": "normal", "mean": 200.0, "std": 10.0}
    assert make_simulator(kinematics={"velocity_dispersion_kms": dispersion}).batch([0]).spectrum.any()


def test_log_u_outside_the_table(make_simulator):
    with pytest.raises(RecipeError, match=r"nebular\.log_u spans 1 to 1: it must stay within -4 and 0"):
        make_simulator(nebular={"log_u": 1.0})


@pytest.mark.reference_data
def test_lines_scaled_by_light_that_the_library_does_not_hold(make_simulator, reference_data, monkeypatch):
    monkeypatch.setenv("SFHSIM_LKL10", str(reference_data / "lkl10"))
    nothing = np.full((4, 12), np.nan)
    dark = miniature_library(ionizing_photon_rate=nothing, ionizing_luminosity_lsun=nothing)
    with pytest.raises(CoverageError, match=r"911.75 A.*scaling: sfr"):
        make_simulator(on=dark, nebular={"model": "lkl10", "scaling": "energy"})


def test_a_library_that_is_not_installed(tmp_path, monkeypatch):
    monkeypatch.setenv("SFHSIM_HOME", str(tmp_path))
    with pytest.raises(MissingDataError, match="sfhsim library install emiles"):
        load_library("emiles")


def test_a_description_for_people(make_simulator):
    text = make_simulator().describe()
    for word in ("recipe small", "miniature: 4 metallicities x 12 ages", "441 pixels", "F275W", "cloudy", "redshift"):
        assert word in text


def test_the_fingerprint_follows_what_decides_a_sample(make_simulator):
    same = make_simulator().fingerprint()
    assert make_simulator(name="other", description="of the same").fingerprint() == same
    assert make_simulator(total_mass_msun=1e9).fingerprint() != same
    assert make_simulator(basis_tolerance=1e-3).fingerprint() != same
    assert make_simulator(photometry={"filters": ["HST/WFC3_UVIS.F336W"]}).fingerprint() != same


def test_the_order_of_keys_decides_nothing(make_simulator):
    parameters = {
        "exponent": {"distribution": "uniform", "min": -1.0, "max": -0.5},
        "bump_strength": {"distribution": "uniform", "min": 0.0, "max": 3.0},
    }
    there, back = (
        make_simulator(dust={"screen": {"law": "power_law_bump", "tau": 0.5, "parameters": dict(items)}})
        for items in (parameters.items(), reversed(parameters.items()))
    )
    assert there.fingerprint() == back.fingerprint()
    ids = np.arange(4)
    np.testing.assert_array_equal(there.batch(ids).spectrum, back.batch(ids).spectrum)
    np.testing.assert_array_equal(there.batch(ids).truth, back.batch(ids).truth)


def test_the_fingerprint_follows_the_line_spread_table(make_simulator, tmp_path):
    path = tmp_path / "lsf.txt"
    spectrum = {"step_aa": 5.0, "lsf": {"name": "tabulated", "path": str(path)}}
    path.write_text("4000 4.0\n8000 4.0\n")
    first = make_simulator(spectrum=spectrum).fingerprint()
    path.write_text("4000 6.0\n8000 6.0\n")
    assert make_simulator(spectrum=spectrum).fingerprint() != first
