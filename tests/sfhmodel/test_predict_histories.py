"""Predictions from arrays: what goes in, in which forms, and what comes out."""

import json
import warnings
from dataclasses import replace

import numpy as np
import pytest
from astropy import units
from astropy.table import Table
from matplotlib.figure import Figure
from small_networks import galaxies, small_description, small_model

from sfhmodel.errors import ConfigError, InputError, SfhmodelWarning
from sfhmodel.inference import Prediction, Predictor, backends
from sfhmodel.inference.magnitudes import find_band, magnitude_array
from sfhmodel.spectra import ObservedSpectrum, PreparationSettings

WAVE_AA = small_description().wave_aa
N = 7


@pytest.fixture(scope="module")
def model():
    return small_model("attention")


@pytest.fixture(scope="module")
def predictor(model):
    return Predictor(model, name="small")


@pytest.fixture(scope="module")
def observed():
    return galaxies(small_description(), N, seed=8)[0]


def predict(predictor, observed, rows=slice(None), **changes):
    arguments = {
        "flux": observed["flux"][rows],
        "flux_error": observed["flux_error"][rows],
        "magnitudes": observed["magnitudes"][rows],
        "magnitude_errors": observed["magnitude_errors"][rows],
    } | changes
    return predictor.predict(arguments.pop("wavelength_aa", WAVE_AA), **arguments)


def assert_same(one: Prediction, other: Prediction, **tolerance):
    for name in ("mass_fraction", "metallicity", "cumulative_quantiles", "summary_quantiles", "novelty"):
        np.testing.assert_allclose(
            getattr(one, name), getattr(other, name), **({"rtol": 2e-4, "atol": 1e-5} | tolerance)
        )


# --- what comes out -------------------------------------------------------------------------------------------------


def test_shapes_names_and_bounds(predictor, observed):
    found, d = predict(predictor, observed), predictor.description
    assert len(found) == N
    assert found.mass_fraction.shape == found.metallicity.shape == (N, d.n_age_bin)
    assert found.cumulative_quantiles.shape == found.metallicity_quantiles.shape == (N, d.n_age_bin, 5)
    assert found.summary_quantiles.shape == (N, len(found.summary_names), 5)
    np.testing.assert_allclose(found.mass_fraction.sum(axis=1), 1.0, rtol=1e-5)
    np.testing.assert_allclose(found.cumulative_quantiles[:, -1], 1.0, rtol=1e-5)
    np.testing.assert_array_equal(found.masked_fraction, 0.0)
    np.testing.assert_array_equal(found.unlike_training, found.novelty > 1.0)
    np.testing.assert_array_equal(found.summary("a_v_mag"), found.summaries[:, found.summary_names.index("a_v_mag")])
    assert (found.summary("a_v_mag", 0.16) <= found.summary("a_v_mag", 0.84)).all()
    assert found.names == tuple("1234567")


def test_answers_are_those_of_the_model(predictor, observed):
    direct = predictor.model(observed, training=False)
    found = predict(predictor, observed)
    for name in ("mass_fraction", "metallicity_quantiles", "summaries"):
        np.testing.assert_allclose(getattr(found, name), np.asarray(direct[name]), rtol=2e-4, atol=1e-5)


def test_one_spectrum_is_a_batch_of_one(predictor, observed):
    one = predict(predictor, observed, 2)
    assert len(one) == 1
    assert_same(one, predict(predictor, observed)[2])


@pytest.mark.parametrize("batch_size", [1, 3, 7, 100])
def test_batch_size_does_not_matter(predictor, observed, batch_size):
    assert_same(predict(predictor, observed, batch_size=batch_size), predict(predictor, observed))


def test_compiled_padded_batches_give_the_same(model, observed, monkeypatch):
    plain = predict(Predictor(model), observed)
    monkeypatch.setattr(backends, "_COMPILE_FROM", 2)
    assert_same(predict(Predictor(model), observed, batch_size=4), plain)


def test_flux_unit_does_not_matter(predictor, observed):
    tiny = {name: 1e-19 * observed[name].astype(float) for name in ("flux", "flux_error")}
    assert_same(predict(predictor, observed, **tiny), predict(predictor, observed))


def test_galaxies_at_different_redshifts_keep_their_order(predictor, observed):
    wave_aa = np.linspace(4700.0, 7500.0, 200)
    flux = np.array([np.interp(wave_aa, WAVE_AA, f) for f in observed["flux"]])
    redshift = np.array([0.01, 0.0, 0.02, 0.01, 0.0, 0.03, 0.02])
    together = predictor.predict(wave_aa, flux, redshift=redshift, batch_size=3)
    for k in range(N):
        assert_same(together[k], predictor.predict(wave_aa, flux[k], redshift=redshift[k]))
    np.testing.assert_array_equal(together.redshift, redshift)


def test_masked_pixels_and_missing_bands_may_hold_garbage(predictor, observed):
    flux, mask = observed["flux"].copy(), np.ones_like(observed["flux"])
    mask[:, 10:14] = 0
    reference = predict(predictor, observed, flux=flux, mask=mask)
    flux[:, 10:14] = np.nan
    assert_same(predict(predictor, observed, flux=flux), reference)
    flux[:, 10:14] = 1e9
    assert_same(predict(predictor, observed, flux=flux, mask=mask.astype(bool)), reference)
    assert reference.masked_fraction == pytest.approx(4 / WAVE_AA.size)


def test_forms_of_arguments(predictor, observed):
    reference = predict(predictor, observed)
    bands = predictor.description.band_names
    by_name = {name: observed["magnitudes"][:, k] for k, name in enumerate(bands)}
    errors = {name: observed["magnitude_errors"][:, k] for k, name in enumerate(bands)}
    assert_same(predict(predictor, observed, magnitudes=by_name, magnitude_errors=errors), reference)
    assert_same(predict(predictor, observed, wavelength_aa=(WAVE_AA / 10.0) * units.nm), reference, rtol=1e-3)
    assert_same(predict(predictor, observed, flux=observed["flux"].tolist()), reference)
    masked = np.ma.masked_array(observed["flux"], mask=np.zeros_like(observed["flux"], dtype=bool))
    assert_same(predict(predictor, observed, flux=masked), reference)


def test_absent_magnitudes_are_missing_ones(predictor, observed):
    nothing = np.full((N, 3), np.nan)
    absent = predict(predictor, observed, magnitudes=None, magnitude_errors=None)
    assert_same(absent, predict(predictor, observed, magnitudes=nothing, magnitude_errors=nothing))
    assert np.isnan(absent.magnitudes).all()


def test_progress_counts_every_spectrum(predictor, observed):
    seen = []
    predict(predictor, observed, batch_size=3, on_progress=seen.append)
    assert sum(seen) == N
    assert len(seen) == 3


def test_inputs_are_left_alone(predictor, observed):
    before = {name: values.copy() for name, values in observed.items()}
    predict(predictor, observed)
    for name, values in observed.items():
        np.testing.assert_array_equal(values, before[name])


# --- selections, spectra of different grids -------------------------------------------------------------------------


def test_selections(predictor, observed):
    found = predict(predictor, observed)
    np.testing.assert_array_equal(found[[4, 1]].metallicity, found.metallicity[[4, 1]])
    np.testing.assert_array_equal(found[found.redshift < 1].novelty, found.novelty)
    assert found[-1].names == ("7",)
    assert Prediction.joined([found[:3], found[3:]]).names == found.names
    with pytest.raises(InputError, match="no summary 'age'"):
        found.summary("age")
    with pytest.raises(InputError, match="no quantile 0.25: there are 0.05"):
        found.summary("a_v_mag", 0.25)
    with pytest.raises(InputError, match="no predictions"):
        Prediction.joined([])


def test_spectra_of_different_grids_keep_their_order(predictor, observed):
    wave_aa = np.linspace(4700.0, 7500.0, 200)
    spectra = [
        ObservedSpectrum(
            wave_aa if k % 2 else WAVE_AA,
            np.interp(wave_aa, WAVE_AA, observed["flux"][k]) if k % 2 else observed["flux"][k],
            redshift=None,
            name=f"galaxy {k}",
            magnitudes={"band 1": float(observed["magnitudes"][k, 1])},
        )
        for k in range(N)
    ]
    found = predictor.predict_spectra(spectra)
    assert found.names == tuple(f"galaxy {k}" for k in range(N))
    np.testing.assert_allclose(found.magnitudes[:, 1], observed["magnitudes"][:, 1])
    for k in (0, 3):
        alone = predictor.predict_spectra([spectra[k]])
        assert_same(found[k], alone)
    with pytest.raises(InputError, match="no spectra"):
        predictor.predict_spectra([])


# --- bad input ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"magnitudes": np.zeros((N, 2))},
            r"magnitudes have shape \(7, 2\): need \(7, 3\), in the order band 0, band 1",
        ),
        ({"magnitudes": {"band 9": 20.0}}, "no band 'band 9': its bands are band 0, band 1, band 2"),
        ({"magnitudes": {"band 0": np.zeros(3)}}, "3 values for band 'band 0', 7 spectra"),
        ({"magnitudes": np.full((N, 3), 1e-17) * 1e20}, "need AB magnitudes"),
        ({"magnitude_errors": np.full((N, 3), -0.1)}, "errors in mag, not negative"),
        ({"flux": np.ones((N, WAVE_AA.size, 1))}, r"need \(m,\), or \(n, m\)"),
        ({"flux_error": np.ones((2, WAVE_AA.size))}, "flux_error"),
        ({"redshift": np.zeros(3)}, "there are 7 spectra"),
        ({"names": ["a"]}, "1 names for 7 spectra"),
        ({"batch_size": 0}, "at least 1"),
        ({"on_bad": "ignore"}, "'raise' or 'skip'"),
        ({"wavelength_aa": WAVE_AA / 10.0}, "look like nanometres"),
        ({"wavelength_aa": np.log10(WAVE_AA)}, "look like log10"),
        ({"wavelength_aa": WAVE_AA * units.km / units.s}, "not a length"),
        ({"wavelength_aa": WAVE_AA + 5000.0}, "do not overlap"),
        ({"mask": np.zeros((N, WAVE_AA.size))}, "spectrum 1 of 7 and 6 more: all pixels are masked"),
    ],
)
def test_bad_input_is_refused(predictor, observed, change, words):
    with pytest.raises(InputError, match=words):
        predict(predictor, observed, **change)


def test_bad_spectra_can_be_skipped(predictor, observed):
    flux, error = observed["flux"].copy(), observed["flux_error"].copy()
    flux[1] = np.nan
    error[4, 3] = -1.0
    with pytest.raises(InputError, match="spectrum 2 of 7: every flux is NaN"):
        predict(predictor, observed, flux=flux, flux_error=error)
    found = predict(predictor, observed, flux=flux, flux_error=error, on_bad="skip", batch_size=2)
    assert [bool(problem) for problem in found.problems] == [k in (1, 4) for k in range(N)]
    assert "errors are negative" in found.problems[4]
    assert np.isnan(found.mass_fraction[[1, 4]]).all()
    assert found.unlike_training[[1, 4]].all()
    good = [0, 2, 3, 5, 6]
    assert_same(found[good], predict(predictor, observed)[good])
    with pytest.raises(
        InputError, match="not one of 2 spectra can be used: spectrum 1 of 2 and 1 more: every flux is NaN"
    ):
        predictor.predict(WAVE_AA, np.full((2, WAVE_AA.size), np.nan), on_bad="skip")


def test_magnitudes_far_from_the_training_redshift_are_pointed_out(predictor, observed):
    wave_aa = np.linspace(4700.0, 7900.0, 200)
    with pytest.warns(SfhmodelWarning, match="K-corrected"):
        predictor.predict(wave_aa, np.ones(200), magnitudes={"band 0": 20.0}, redshift=0.1)


def test_settings_reach_the_preparation(model, observed):
    short = WAVE_AA < 5400.0
    wave_aa, flux = WAVE_AA[short], observed["flux"][0, short]
    with pytest.raises(InputError, match="min_coverage"):
        Predictor(model).predict(wave_aa, flux)
    with pytest.warns(SfhmodelWarning, match="covers"):
        found = Predictor(model, PreparationSettings(min_coverage=0.1)).predict(wave_aa, flux)
    assert found.masked_fraction[0] > 0.6


# --- bands ----------------------------------------------------------------------------------------------------------

BANDS = ("HST/WFC3_UVIS.F275W", "HST/WFC3_UVIS.F555W", "SDSS/r", "OTHER/r")


@pytest.mark.parametrize(("name", "expected"), [("HST/WFC3_UVIS.F555W", 1), ("F275W", 0), ("f275w", 0), ("sdss/R", 2)])
def test_names_of_bands(name, expected):
    assert find_band(name, BANDS) == expected


def test_names_of_bands_that_are_not_clear():
    with pytest.raises(InputError, match="several bands are called 'r'"):
        find_band("r", BANDS)
    with pytest.raises(InputError, match="same band"):
        magnitude_array({"F275W": 20.0, "HST/WFC3_UVIS.F275W": 21.0}, BANDS, 1)
    with pytest.raises(InputError, match="no band 'K': its bands are none"):
        find_band("K", ())


def test_missing_magnitudes():
    np.testing.assert_array_equal(
        magnitude_array({"F275W": 20.0, "SDSS/r": None}, BANDS, 1), [[20.0, np.nan, np.nan, np.nan]]
    )
    masked = np.ma.masked_array([20.0, 21.0, 22.0, 23.0], mask=[0, 1, 0, 0])
    np.testing.assert_array_equal(magnitude_array(masked, BANDS, 1), [[20.0, np.nan, 22.0, 23.0]])
    np.testing.assert_array_equal(
        magnitude_array([20.0, np.inf, 22.0, -99.0 + 119.0], BANDS, 1)[0, 1:3], [np.nan, 22.0]
    )


# --- tables and pictures --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def found(predictor, observed):
    return predict(predictor, observed, names=[f"galaxy {k}" for k in range(N)])


def test_table_has_units_and_meaning(found):
    table = found.to_table()
    assert list(table["name"]) == [f"galaxy {k}" for k in range(N)]
    assert str(table["mean_log10_age_yr_mass"].unit) == "dex(yr)"
    assert str(table["a_v_mag"].unit) == "mag"
    np.testing.assert_array_equal(table["a_v_mag_p16"], found.summary("a_v_mag", 0.16))
    np.testing.assert_array_equal(table["cumulative_quantiles"], found.cumulative_quantiles)
    assert table.meta["age_bin_edges_yr"] == found.age_bin_edges_yr.tolist()
    assert table.meta["model"] == "small"


def test_ecsv_and_fits_hold_the_table(found, tmp_path):
    for name in ("a.ecsv", "a.fits"):
        read = Table.read(found.write(tmp_path / name), **({"hdu": "PREDICTION"} if name == "a.fits" else {}))
        for column in ("a_v_mag", "novelty", "mass_fraction", "metallicity_quantiles"):
            np.testing.assert_allclose(read[column], found.to_table()[column], rtol=1e-6)
        assert list(read["unlike_training"]) == list(found.unlike_training)
    metadata = {row["key"]: json.loads(row["value"]) for row in Table.read(tmp_path / "a.fits", hdu="METADATA")}
    assert metadata == json.loads(json.dumps(found.to_table().meta))
    assert Table.read(tmp_path / "a.ecsv").meta["bands"] == ["band 0", "band 1", "band 2"]


def test_npz_holds_the_arrays(found, tmp_path):
    with np.load(found.write(tmp_path / "a.npz")) as read:
        np.testing.assert_array_equal(read["summary_quantiles"], found.summary_quantiles)
        np.testing.assert_array_equal(read["age_bin_edges_yr"], found.age_bin_edges_yr)
        np.testing.assert_array_equal(read["flux"], found.flux)
        assert list(read["summary_names"]) == list(found.summary_names)


def test_nothing_half_written_stays(found, tmp_path, monkeypatch):
    path = found.write(tmp_path / "a.ecsv")
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="exists"):
        found.write(path, overwrite=False)
    with pytest.raises(ConfigError, match="written as .ecsv, .fits, .npz"):
        found.write(tmp_path / "a.txt")

    def full_disk(self, path, **options):
        path.write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Table, "write", full_disk)
    with pytest.raises(ConfigError, match="No space left"):
        found.write(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.ecsv"]


def test_pictures(found, predictor, observed, tmp_path):
    assert found.plot(tmp_path / "a.png", 3).read_bytes().startswith(b"\x89PNG")
    assert found.plot(tmp_path / "a.svg").read_text().startswith("<?xml")
    with pytest.raises(InputError, match="no galaxy 9"):
        found.plot(tmp_path / "b.png", 9)
    with pytest.raises(InputError, match="were not kept"):
        predict(predictor, observed, keep_inputs=False).plot(tmp_path / "b.png")
    assert not (tmp_path / "b.png").exists()


def test_picture_shows_masked_pixels_and_the_median(found, tmp_path, monkeypatch):
    from sfhmodel.inference.prediction_figure import plot_prediction

    shown = {}
    monkeypatch.setattr(
        "matplotlib.figure.Figure.savefig", lambda self, path, **o: (shown.update(axes=self.axes), path.touch())
    )
    mask = found.mask.copy()
    mask[0, 20:30] = 0
    from dataclasses import replace

    plot_prediction(replace(found, mask=mask), tmp_path / "a.png")
    spectrum, formed, metals = shown["axes"]
    (line,) = (line for line in spectrum.lines if len(line.get_xdata()) == WAVE_AA.size)
    np.testing.assert_array_equal(np.isnan(line.get_ydata()), mask[0] == 0)
    (median,) = formed.lines
    np.testing.assert_allclose(median.get_ydata()[1:], 1.0 - found.cumulative_quantiles[0, :, 2], atol=1e-6)
    assert metals.lines[0].get_ydata()[0] == found.metallicity_quantiles[0, 0, 2]


def test_a_prediction_warns_of_nothing_when_all_is_well(predictor, observed):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        predict(predictor, observed)


def test_titles_fit_into_pictures(found, tmp_path, monkeypatch):
    drawn, save = [], Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda self, *args, **how: (drawn.append(self), save(self, *args, **how)))
    strange = replace(found[0], names=("a galaxy with a long name " * 5,), novelty=np.array([1234.5]))
    strange.plot(tmp_path / "a.png")
    title, whole = drawn[0].axes[0].title, drawn[0].bbox
    assert "UNLIKE THE TRAINING DATA (novelty 1234.5)" in title.get_text()
    drawn[0].canvas.draw()
    place = title.get_window_extent()
    assert whole.x0 <= place.x0
    assert place.x1 <= whole.x1
    assert place.y1 <= whole.y1
