"""Spectra on the model's grid: flux and errors, frames, masks, coverage, resolution, and what is refused."""

import warnings

import numpy as np
import pytest
from small_networks import small_description

from sfhmodel.description import ModelDescription
from sfhmodel.errors import InputError, SfhmodelWarning
from sfhmodel.spectra import PreparationSettings, SpectrumPreparer
from sfhmodel.spectra.frame import C_KMS, FWHM_PER_SIGMA, TrainingFrame
from sfhmodel.spectra.sky import sky_windows
from sfhsim.air import air_to_vacuum, vacuum_to_air
from sfhsim.instrument.resampling import pixel_edges, rebin

WAVE_AA = np.linspace(4600.0, 7200.0, 900)
DESCRIPTION = small_description(n_pixel=441)  # 5 A


def preparer(description=DESCRIPTION, **settings):
    return SpectrumPreparer(description, PreparationSettings(**settings))


def smooth(wave_aa):
    return 2.0 + np.sin(wave_aa / 400.0)


def physical(prepared):
    return prepared.flux * prepared.flux_scale[:, None]


def with_recipe(**sections) -> ModelDescription:
    description = small_description(n_pixel=441).to_dict()
    return ModelDescription.from_dict(description | {"recipe": description["recipe"] | sections})


# --- flux and errors ------------------------------------------------------------------------------------------------


def test_flux_is_that_of_rebinning():
    flux = np.random.default_rng(0).uniform(1.0, 2.0, (3, 900))
    expected = rebin(WAVE_AA, flux, pixel_edges(DESCRIPTION.wave_aa))
    np.testing.assert_allclose(physical(preparer()(WAVE_AA, flux)), expected, rtol=1e-5)


def test_flux_is_conserved():
    flux = np.random.default_rng(0).uniform(1.0, 2.0, (1, 2000))
    wave_aa = np.linspace(4797.5 + 0.55, 7002.5 - 0.55, 2000)  # ends where the grid does
    total = physical(preparer()(wave_aa, flux))[0].sum() * 5.0
    assert total == pytest.approx(np.sum(flux[0] * np.diff(pixel_edges(wave_aa))), rel=1e-4)


def test_errors_are_those_of_many_noisy_copies():
    rng = np.random.default_rng(1)
    error = rng.uniform(0.05, 0.2, 900)
    flux = smooth(WAVE_AA) + error * rng.standard_normal((4000, 900))
    prepared = preparer()(WAVE_AA, flux, np.tile(error, (4000, 1)))
    scatter = physical(prepared).std(axis=0)
    stated = (prepared.flux_error * prepared.flux_scale[:, None]).mean(axis=0)
    np.testing.assert_allclose(stated, scatter, rtol=0.08)


@pytest.mark.parametrize("unit", [1e-17, 1.0, 1e30])
def test_the_unit_of_the_flux_only_sets_the_scale(unit):
    flux = smooth(WAVE_AA)[None]
    one, other = preparer()(WAVE_AA, flux, 0.1 * flux), preparer()(WAVE_AA, unit * flux, unit * 0.1 * flux)
    np.testing.assert_allclose(other.flux, one.flux, rtol=1e-5)
    np.testing.assert_allclose(other.flux_error, one.flux_error, rtol=1e-5)
    assert other.flux_scale[0] == pytest.approx(unit * one.flux_scale[0])


def test_unknown_errors_are_nan():
    assert np.isnan(preparer()(WAVE_AA, smooth(WAVE_AA)[None]).flux_error).all()
    unknown = preparer()(WAVE_AA, smooth(WAVE_AA)[None], np.zeros((1, 900)))
    assert np.isnan(unknown.flux_error).all()
    assert unknown.mask.all()


def test_pixels_that_do_not_reach_the_grid_do_not_matter():
    flux = smooth(WAVE_AA)[None]
    far = flux.copy()
    far[0, WAVE_AA < 4750.0] = np.nan
    far[0, WAVE_AA > 7050.0] = 1e9
    np.testing.assert_array_equal(preparer()(WAVE_AA, far).flux, preparer()(WAVE_AA, flux).flux)


def test_enormous_errors_stay_enormous():
    flux, error = smooth(WAVE_AA)[None], np.full((1, 900), 0.1)
    error[0, 300:320] = 1e30
    prepared = preparer()(WAVE_AA, flux, error)
    hit = prepared.flux_error[0] > 1e9
    assert 8 < hit.sum() < 20
    assert np.isfinite(prepared.flux_error).all()


def test_inputs_are_not_changed():
    arrays = [WAVE_AA.copy(), np.tile(smooth(WAVE_AA), (2, 1)), np.full((2, 900), 0.1), np.ones((2, 900))]
    arrays[1][0, 5] = np.nan
    before = [array.copy() for array in arrays]
    preparer(mask_sky=True)(*arrays, redshift=0.01, medium="vacuum")
    for array, copy in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, copy)


# --- frames ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("medium", ["air", "vacuum"])
@pytest.mark.parametrize("redshift", [0.0, 0.02, -0.001])
def test_a_line_comes_to_its_rest_wavelength_in_air(medium, redshift):
    observed = air_to_vacuum(6562.8) * (1.0 + redshift)
    if medium == "air":
        observed = vacuum_to_air(observed)
    wave_aa = np.arange(4600.0, 7400.0, 0.5)
    flux = 0.01 + np.exp(-0.5 * ((wave_aa - observed) / 6.0) ** 2)
    prepared = preparer(mask_sky=False)(wave_aa, flux[None], redshift=redshift, medium=medium)
    light = prepared.flux[0] - prepared.flux[0].min()
    assert np.sum(light * DESCRIPTION.wave_aa) / light.sum() == pytest.approx(6562.8, abs=0.05)


def test_training_at_one_redshift_is_the_target():
    prepare = preparer(small_description(n_pixel=441, redshift=0.01), mask_sky=False)
    peak = vacuum_to_air(air_to_vacuum(6000.0) * 1.03 / 1.01)
    wave_aa = np.arange(4600.0, 7400.0, 0.5)
    flux = np.exp(-0.5 * ((wave_aa - 6000.0 * 1.03) / 6.0) ** 2) + 0.01
    prepared = prepare(wave_aa, flux[None], redshift=0.03)
    light = prepared.flux[0] - prepared.flux[0].min()
    assert np.sum(light * DESCRIPTION.wave_aa) / light.sum() == pytest.approx(6000.0 * 1.01, abs=0.05)
    assert peak == pytest.approx(6000.0 / 1.01 * 1.03, abs=0.05)


def test_training_at_many_redshifts_leaves_the_observed_frame():
    varied = with_recipe(kinematics={"redshift": {"distribution": "uniform", "min": 0.0, "max": 0.02}})
    flux = smooth(WAVE_AA)[None]
    still = preparer(varied, mask_sky=False)(WAVE_AA, flux, redshift=0.01)
    np.testing.assert_allclose(still.flux, preparer()(WAVE_AA, flux).flux, rtol=1e-6)
    with pytest.warns(SfhmodelWarning, match="redshift 0.05 is outside of those of the training spectra, 0 to 0.02"):
        preparer(varied)(WAVE_AA, flux, redshift=0.05)


@pytest.mark.parametrize(
    ("parameter", "expected"),
    [
        (0.3, (0.3, 0.3)),
        ({"distribution": "constant", "value": 0.3}, (0.3, 0.3)),
        ({"distribution": "uniform", "min": 0.0, "max": 0.3}, (0.0, 0.3)),
        ({"distribution": "choice", "values": [0.2, 0.1]}, (0.1, 0.2)),
        ({"distribution": "normal", "mean": 0.1, "std": 0.1, "min": None, "max": None}, (-np.inf, np.inf)),
    ],
)
def test_redshifts_of_recipes(parameter, expected):
    assert TrainingFrame.of(with_recipe(kinematics={"redshift": parameter})).redshift_range == expected


# --- masks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["nan", "infinite", "no error", "unknown error", "mask", "row mask", "weights"])
def test_bad_pixels_hold_garbage_without_effect(how):
    flux, error, mask = np.tile(smooth(WAVE_AA), (2, 1)), np.full((2, 900), 0.1), None
    clean = preparer()(WAVE_AA, flux, error)
    bad = np.arange(400, 420)
    garbage = flux.copy()
    garbage[:, bad] = {"nan": np.nan, "infinite": -np.inf}.get(how, 1e20)
    if how in ("no error", "unknown error"):
        error = error.copy()
        error[:, bad] = 0.0 if how == "no error" else np.nan
    elif how in ("mask", "row mask", "weights"):
        mask = np.ones(900 if how == "row mask" else (2, 900), dtype=float if how == "weights" else bool)
        mask[..., bad] = 0
    prepared = preparer()(WAVE_AA, garbage, error, mask)
    hit = prepared.mask == 0
    middle = DESCRIPTION.wave_aa[hit[0]]
    assert middle.size
    assert WAVE_AA[bad[0]] - 5.0 < middle.min() <= middle.max() < WAVE_AA[bad[-1]] + 5.0
    assert (prepared.flux[hit] == 0.0).all()
    assert np.isnan(prepared.flux_error[hit]).all()
    near = np.abs(DESCRIPTION.wave_aa - WAVE_AA[410]) < 60.0
    np.testing.assert_allclose(physical(prepared)[:, ~near], physical(clean)[:, ~near], rtol=1e-5)


def test_gaps_filled_with_zeros_are_masked():
    flux = np.tile(smooth(WAVE_AA), (2, 1))
    flux[0, 300:320] = 0.0
    flux[0, 320] = 1e-3  # half empty
    flux[1, [400, 401, 500]] = 0.0  # too few for a gap
    missing = flux.copy()
    missing[0, 299:321] = np.nan
    found, expected = preparer()(WAVE_AA, flux), preparer()(WAVE_AA, missing)
    np.testing.assert_array_equal(found.mask, expected.mask)
    np.testing.assert_array_equal(found.flux, expected.flux)
    assert (found.mask[0] == 0).any()
    assert found.mask[1].all()


def test_a_pixel_is_used_when_enough_of_its_input_is_good():
    wave_aa = np.arange(4700.0, 7100.0, 1.0)  # five to a pixel of the grid
    flux = np.ones((1, wave_aa.size))
    centre = DESCRIPTION.wave_aa[200]
    flux[0, (wave_aa > centre - 2.5) & (wave_aa < centre + 0.5)] = np.nan  # three of five
    assert preparer(min_good_fraction=0.5)(wave_aa, flux).mask[0, 200] == 0
    lenient = preparer(min_good_fraction=0.3)(wave_aa, flux)
    assert lenient.mask[0, 200] == 1
    assert physical(lenient)[0, 200] == pytest.approx(1.0, rel=1e-5)


def test_sky_is_masked_in_the_observed_frame():
    redshift, flux = 0.02, smooth(WAVE_AA)[None]
    prepared = preparer(mask_sky=True)(WAVE_AA, flux, redshift=redshift)
    observed = DESCRIPTION.wave_aa * (1.0 + redshift)
    for name, low, high in sky_windows():
        inside = (observed > low + 4.0) & (observed < high - 4.0)
        assert (prepared.mask[0, inside] == 0).all(), name
    far = np.all([(observed < low - 8) | (observed > high + 8) for _, low, high in sky_windows()], axis=0)
    assert (prepared.mask[0, far] == 1).all()
    assert preparer(mask_sky=False)(WAVE_AA, flux, redshift=redshift).mask.all()


def test_sky_is_masked_by_default_where_a_redshift_is_known():
    flux = smooth(WAVE_AA)[None]
    assert not preparer()(WAVE_AA, flux, redshift=0.01).mask.all()
    assert preparer()(WAVE_AA, flux, redshift=0.0).mask.all()


# --- coverage -------------------------------------------------------------------------------------------------------


def test_partial_coverage_is_masked_and_said():
    wave_aa = WAVE_AA[WAVE_AA < 6500.0]
    with pytest.warns(SfhmodelWarning, match="covers 77% of the model's pixels"):
        prepared = preparer()(wave_aa, smooth(wave_aa)[None])
    np.testing.assert_array_equal(prepared.mask[0] == 1, DESCRIPTION.wave_aa + 2.5 <= pixel_edges(wave_aa)[-1])


def test_little_coverage_is_refused_unless_allowed():
    wave_aa = WAVE_AA[WAVE_AA < 5500.0]
    with pytest.raises(InputError, match=r"a: 3\d% of the model's pixels \(4800-7000 A\) have good data, at least 50%"):
        preparer()(wave_aa, smooth(wave_aa)[None], labels=["a"])
    with pytest.warns(SfhmodelWarning, match="covers 3"):
        assert preparer(min_coverage=0.3)(wave_aa, smooth(wave_aa)[None]).mask.mean() > 0.3


@pytest.mark.parametrize(
    ("factor", "words", "unit"),
    [(0.1, "nanometres", "nm"), (1e-4, "micrometres", "um"), (None, "log10 of Angstrom", "log10")],
)
def test_wavelengths_in_other_units_are_recognised(factor, words, unit):
    wave = np.log10(WAVE_AA) if factor is None else factor * WAVE_AA
    with pytest.raises(InputError, match=f"look like {words}; Angstrom are needed.*--wave-unit {unit}"):
        preparer()(wave, smooth(WAVE_AA)[None])


def test_another_range_is_refused():
    touching = np.linspace(6999.5, 7400.0, 400)
    with pytest.raises(InputError, match="7000-7400 A, cover no pixel of the model's grid"):
        preparer()(touching, smooth(touching)[None])
    with pytest.raises(InputError, match="run from 14600 to 17200 A; the model needs 4800-7000 A .* do not overlap"):
        preparer()(WAVE_AA + 1e4, smooth(WAVE_AA)[None])


# --- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"flux": np.full((2, 900), np.nan)}, "one and 1 more: every flux is NaN"),
        ({"flux": np.ones((2, 899))}, r"flux has shape \(2, 899\)"),
        ({"flux": np.ones(900)}, r"flux has shape \(900,\)"),
        (
            {"flux_error": np.where(np.arange(900) == 300, -1.0, np.ones((2, 900)))},
            "one and 1 more: 2 errors are negative",
        ),
        ({"flux_error": np.ones((1, 900))}, "flux_error has shape"),
        ({"mask": np.zeros((2, 900))}, "all pixels are masked or bad"),
        ({"mask": np.zeros(900, dtype=bool)}, "all pixels are masked or bad"),
        ({"mask": np.ones((3, 900))}, "mask has shape"),
        ({"flux": np.zeros((2, 900))}, "flux of exactly 0 means none"),
        ({"flux": np.where(np.arange(900) % 2, np.nan, np.zeros((2, 900)))}, "flux is zero in every good pixel"),
        ({"medium": "glass"}, "air or vacuum, got 'glass'"),
        ({"redshift": -1.5}, "redshift must be finite and above -1"),
        ({"redshift": np.nan}, "redshift must be finite"),
        ({"wave_aa": WAVE_AA[::-1]}, "do not increase"),
    ],
)
def test_bad_input(change, words):
    arguments = {"wave_aa": WAVE_AA, "flux": np.ones((2, 900)), "labels": ["one", "two"]} | change
    with pytest.raises(InputError, match=words):
        preparer()(arguments.pop("wave_aa"), arguments.pop("flux"), **arguments)


@pytest.mark.parametrize(
    "settings",
    [
        {"min_good_fraction": 0.0},
        {"min_coverage": 1.5},
        {"velocity_dispersion_kms": -1.0},
        {"resolution_fwhm_aa": np.nan},
    ],
)
def test_settings_that_are_impossible(settings):
    with pytest.raises(InputError, match=f"{next(iter(settings))} must be"):
        PreparationSettings(**settings)


# --- resolution -----------------------------------------------------------------------------------------------------

KINEMATICS = {"redshift": 0.0, "velocity_dispersion_kms": {"distribution": "constant", "value": 300.0}}
SPECTRUM = {"lsf": {"name": "constant", "fwhm_aa": 4.0, "resolving_power": None, "path": None, "options": {}}}
RESOLVED = with_recipe(kinematics=KINEMATICS, spectrum=SPECTRUM)


def width_after(sigma_aa, **settings):
    """Sigma of a line of this sigma after preparation, without that of the pixels; and the notes."""
    wave_aa = np.arange(4600.0, 7300.0, 0.5)
    flux = np.exp(-0.5 * ((wave_aa - 6000.0) / sigma_aa) ** 2) + 1e-3
    prepared = preparer(RESOLVED, **settings)(wave_aa, flux[None])
    used = np.abs(DESCRIPTION.wave_aa - 6000.0) < 80.0
    light, wave_aa = prepared.flux[0, used] - prepared.flux[0].min(), DESCRIPTION.wave_aa[used]
    mean = np.sum(light * wave_aa) / light.sum()
    return np.sqrt(np.sum(light * (wave_aa - mean) ** 2) / light.sum() - 25.0 / 12.0), prepared.notes


def test_a_sharper_spectrum_is_broadened_to_the_training_spectra():
    target = np.hypot(300.0 / C_KMS * 6000.0, 4.0 / FWHM_PER_SIGMA)
    observed = np.hypot(100.0 / C_KMS * 6000.0, 2.0 / FWHM_PER_SIGMA)
    found, notes = width_after(observed, velocity_dispersion_kms=100.0, resolution_fwhm_aa=2.0)
    assert found == pytest.approx(target, rel=0.01)
    # (300^2 - 100^2) km2/s2, and 12 A2 of FWHM at the middle of the grid
    missing = np.sqrt(300.0**2 - 100.0**2 + (np.sqrt(12.0) / FWHM_PER_SIGMA / 5950.0 * C_KMS) ** 2)
    assert f"broadened by {missing:.0f} km/s" in notes[0]


def test_what_is_not_said_is_taken_to_be_as_in_training():
    target = np.hypot(300.0 / C_KMS * 6000.0, 4.0 / FWHM_PER_SIGMA)
    observed = np.hypot(100.0 / C_KMS * 6000.0, 4.0 / FWHM_PER_SIGMA)
    assert width_after(observed, velocity_dispersion_kms=100.0)[0] == pytest.approx(target, rel=0.01)
    assert width_after(5.0) == (pytest.approx(5.0, rel=0.01), ())


def test_a_broader_spectrum_is_left_and_it_is_said():
    found, notes = width_after(10.0, velocity_dispersion_kms=500.0)
    assert found == pytest.approx(10.0, rel=0.01)
    assert "broader than the training spectra" in notes[0]


def test_a_resolution_that_varies_cannot_be_matched():
    with pytest.raises(InputError, match="does not say which velocity dispersion"):
        preparer(velocity_dispersion_kms=100.0)(WAVE_AA, smooth(WAVE_AA)[None])
    missing = with_recipe(kinematics=KINEMATICS, spectrum={"lsf": {"name": "tabulated", "path": "/nowhere/lsf.txt"}})
    with pytest.raises(InputError, match="LSF is not available here"):
        preparer(missing, resolution_fwhm_aa=2.0)(WAVE_AA, smooth(WAVE_AA)[None])
    with pytest.raises(InputError, match="names no line-spread function"):
        TrainingFrame().lsf_fwhm_aa(WAVE_AA)


def test_operators_are_made_once_for_each_grid(monkeypatch):
    from sfhmodel.spectra import prepare

    made, original = [], prepare.grid_operator
    monkeypatch.setattr(prepare, "grid_operator", lambda *arguments: made.append(1) or original(*arguments))
    instance = preparer()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SfhmodelWarning)
        for redshift in (0.0, 0.01, 0.0, 0.01):
            instance(WAVE_AA, smooth(WAVE_AA)[None], redshift=redshift)
    assert len(made) == 2
