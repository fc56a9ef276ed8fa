"""What the Python API takes: Quantity, masked arrays, uncertainties, spectra as objects; answers that can be."""

import subprocess
import sys
import types
import warnings

import numpy as np
import pytest
from astropy import units as u
from astropy.nddata import InverseVariance, StdDevUncertainty, UnknownUncertainty, VarianceUncertainty
from astropy.table import Table
from astropy.utils.masked import Masked
from small_networks import galaxies, small_description, small_model

from sfhmodel.errors import InputError, SfhmodelWarning
from sfhmodel.inference.magnitude_files import MagnitudeSource
from sfhmodel.inference.physical_limits import limited, universe_age_yr
from sfhmodel.inference.predictor import Predictor
from sfhmodel.spectra import ObservedSpectrum

WAVE_AA = np.linspace(4700.0, 7300.0, 300)
F_LAMBDA = u.erg / u.s / u.cm**2 / u.AA


@pytest.fixture(scope="module")
def predictor():
    return Predictor(small_model("attention"))


@pytest.fixture(scope="module")
def flux():
    inputs = galaxies(small_description(), 1, seed=4)[0]
    return np.interp(WAVE_AA, small_description().wave_aa, inputs["flux"][0]) * 1e-16


@pytest.fixture(scope="module")
def expected(predictor, flux):
    return predictor.predict(WAVE_AA, flux, 0.03 * flux, redshift=0.01)


def assert_same(found, expected):
    np.testing.assert_allclose(found.flux, expected.flux, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.flux_error, expected.flux_error, rtol=1e-5)
    np.testing.assert_array_equal(found.mask, expected.mask)
    np.testing.assert_allclose(found.mass_fraction, expected.mass_fraction, rtol=1e-4)


def test_units_of_flux_and_error(predictor, flux, expected):
    jansky = (flux * F_LAMBDA).to(u.Jy, u.spectral_density(WAVE_AA * u.AA))
    for wave, values, error in (
        (WAVE_AA * u.AA, jansky, 0.03 * jansky),
        ((WAVE_AA * u.AA).to(u.um), jansky.to(u.MJy), (0.03 * jansky).to(u.uJy)),
        ((WAVE_AA * u.AA).to(u.nm), flux * F_LAMBDA, (0.03 * flux * F_LAMBDA).to(u.W / u.m**2 / u.um)),
        (WAVE_AA, jansky / u.sr, 0.03 * jansky / u.sr),
    ):
        assert_same(predictor.predict(wave, values, error, redshift=0.01), expected)


def test_frequencies_and_energies_are_of_vacuum(predictor, flux):
    in_vacuum = predictor.predict(WAVE_AA, flux, 0.03 * flux, medium="vacuum")
    for unit in (u.Hz, u.eV):
        axis = (WAVE_AA * u.AA).to(unit, u.spectral())
        assert_same(predictor.predict(axis, flux, 0.03 * flux), in_vacuum)
        in_air = predictor.predict(axis, flux, 0.03 * flux, medium="air")  # who says so is believed
        assert_same(in_air, predictor.predict(WAVE_AA, flux, 0.03 * flux))


@pytest.mark.parametrize(
    ("kind", "values"),
    [(StdDevUncertainty, lambda s: s), (VarianceUncertainty, lambda s: s**2), (InverseVariance, lambda s: s**-2.0)],
)
def test_uncertainties_of_astropy(predictor, flux, expected, kind, values):
    assert_same(predictor.predict(WAVE_AA, flux, kind(values(0.03 * flux)), redshift=0.01), expected)
    with pytest.raises(InputError, match="unknown"):
        predictor.predict(WAVE_AA, flux, UnknownUncertainty(0.03 * flux))


def test_masked_arrays(predictor, flux):
    bad = np.zeros(300, dtype=bool)
    bad[100:110] = True
    nonsense = np.where(bad, 1e-10, flux)
    direct = predictor.predict(WAVE_AA, flux, 0.03 * flux, mask=~bad, redshift=0.01)
    assert (direct.mask == 0.0).any()
    for masked in (
        np.ma.masked_array(nonsense, mask=bad),
        Masked(nonsense, mask=bad),
        Masked(nonsense * F_LAMBDA, bad),
    ):
        assert_same(predictor.predict(WAVE_AA, masked, 0.03 * flux, redshift=0.01), direct)
    with pytest.raises(InputError, match="some wavelengths are masked"):
        predictor.predict(np.ma.masked_array(WAVE_AA, mask=bad), flux)


def spectrum_object(flux, **rest):
    return types.SimpleNamespace(
        spectral_axis=(WAVE_AA * u.AA).to(u.um), flux=flux * F_LAMBDA, meta={}, **({"mask": None} | rest)
    )


def test_spectra_as_objects(predictor, flux, expected):
    one = spectrum_object(flux, uncertainty=StdDevUncertainty(0.03 * flux * F_LAMBDA), redshift=0.01 * u.one)
    assert_same(predictor.predict(one), expected)
    assert_same(predictor.predict([one, one])[1], expected)
    assert predictor.predict([one, one], names=["a", "b"]).names == ("a", "b")
    bad = np.arange(300) < 20
    masked = spectrum_object(flux, uncertainty=one.uncertainty, mask=bad)
    assert_same(
        predictor.predict(masked, redshift=0.01), predictor.predict(WAVE_AA, flux, 0.03 * flux, None, 0.01, ~bad)
    )
    with pytest.raises(InputError, match="not both"):
        predictor.predict(one, flux)
    with pytest.raises(InputError, match="1 names for 2 spectra"):
        predictor.predict([one, one], names=["a"])
    with pytest.raises(InputError, match="flux is missing"):
        predictor.predict(WAVE_AA)


def test_spectra_of_specutils(predictor, flux, expected):
    specutils = pytest.importorskip("specutils", reason="specutils is not installed (extra specutils)")
    one = specutils.Spectrum(
        spectral_axis=WAVE_AA * u.AA, flux=flux * F_LAMBDA, uncertainty=StdDevUncertainty(0.03 * flux)
    )
    assert_same(predictor.predict(one, redshift=0.01), expected)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"flux": np.ones(300) * 1j}, "flux holds complex values"),
        ({"flux": np.ones(300) * u.km / u.s}, "no flux density"),
        ({"redshift": np.inf}, "redshift must be finite"),
        ({"magnitudes": {"band 0": 20.0 * u.K}}, "need AB magnitudes"),
    ],
)
def test_what_is_refused(predictor, change, words):
    with pytest.raises(InputError, match=words):
        predictor.predict(**({"wavelength_aa": WAVE_AA, "flux": np.ones(300)} | change))


# --- magnitudes -----------------------------------------------------------------------------------------------------


def test_magnitudes_with_units(predictor, flux):
    flux_density = (20.0 * u.ABmag).to(u.Jy)
    given = {"band 0": 20.0 * u.ABmag, "band 1": flux_density, "band 2": 20.0}
    errors = {"band 1": 0.1 * flux_density}
    found = predictor.predict(WAVE_AA, flux, magnitudes=given, magnitude_errors=errors)
    np.testing.assert_allclose(found.magnitudes, [[20.0] * 3], rtol=1e-6)
    np.testing.assert_allclose(found.magnitude_errors, [[np.nan, 0.10857, np.nan]], rtol=1e-3)


def test_masked_magnitudes(predictor, flux):
    bad = np.array([True, False, False])
    for given in (np.ma.masked_array([1.0, 20.0, 21.0], bad), Masked(np.array([1.0, 20.0, 21.0]), bad)):
        found = predictor.predict(WAVE_AA, flux, magnitudes=given)
        np.testing.assert_array_equal(found.magnitudes, [[np.nan, 20.0, 21.0]])
    found = predictor.predict(WAVE_AA, flux, magnitudes=Masked([3631.0, 3631.0, 3631.0] * u.Jy, bad))
    np.testing.assert_allclose(found.magnitudes, [[np.nan, 0.0, 0.0]], atol=1e-3)
    by_band = {"band 0": 20.0, "band 1": 20.0, "band 2": 20.0}
    found = predictor.predict(WAVE_AA, flux, magnitudes=by_band, magnitude_errors=[[0.1, 0.2, 0.3]])
    np.testing.assert_allclose(found.magnitude_errors, [[0.1, 0.2, 0.3]], rtol=1e-6)


def test_sentinels_are_missing(predictor, flux):
    with pytest.warns(SfhmodelWarning, match="mean that there is none") as caught:
        found = predictor.predict(
            WAVE_AA, np.stack([flux] * 2), magnitudes=[[99.0, -99.0, 20.0], [-999.0, 21.0, 22.0]],
            magnitude_errors=[[0.1, 0.1, 0.1], [0.1, -1.0, 99.0]],
        )  # fmt: skip
    assert "left out (band 0, band 1)" in str(caught[0].message)
    np.testing.assert_array_equal(found.magnitudes, np.array([[np.nan, np.nan, 20.0], [np.nan] * 3], dtype="f4"))


def test_tables_of_magnitudes_in_the_ways_of_catalogues(tmp_path):
    table = Table({"band 0": [20.0, 21.0], "e_band 0": [0.1, -1.0], "redshift": [0.02, -999.0], "name": ["a", "b"]})
    table.write(tmp_path / "mags.ecsv")
    source = MagnitudeSource.of(tmp_path / "mags.ecsv")
    assert source.rows[0] == ({"band 0": 20.0}, {"band 0": 0.1})
    assert source.redshifts == (0.02, None)
    spectra = [
        ObservedSpectrum(WAVE_AA, WAVE_AA, name=name, redshift=z) for name, z in (("b", None), ("a", None), ("a", 0.5))
    ]
    assert [one.redshift for one in source.given_to(spectra, 0)] == [None, 0.02, 0.5]
    Table({"u": [20.0], "z": [19.0]}).write(tmp_path / "sdss.ecsv")
    assert MagnitudeSource.of(tmp_path / "sdss.ecsv").redshifts is None
    Table({"u": [20.0], "z": [0.3]}).write(tmp_path / "z.ecsv")
    assert MagnitudeSource.of(tmp_path / "z.ecsv").redshifts == (0.3,)


# --- answers that can be --------------------------------------------------------------------------------------------


def outputs_of(description, age=10.6, log10_z=0.0, a_v=5.0):
    """Outputs of one galaxy, all beyond what can be."""
    n_bin, n_level = description.n_age_bin, len(description.quantile_levels)
    spread = np.linspace(-0.2, 0.2, n_level)
    medians = np.array([age, age, log10_z, log10_z, a_v, 0.5])
    return {
        "mass_fraction": np.full((1, n_bin), 1.0 / n_bin, dtype="f4"),
        "metallicity": np.full((1, n_bin), 1.0, dtype="f4"),
        "summaries": medians[None],
        "cumulative_quantiles": np.broadcast_to(np.linspace(0.2, 1.0, n_bin)[None, :, None], (1, n_bin, n_level)),
        "metallicity_quantiles": 10.0 ** np.broadcast_to(log10_z + spread, (1, n_bin, n_level)),
        "summary_quantiles": (medians[:, None] + spread)[None],
        "novelty": np.zeros(1),
    }


def description_of():
    import dataclasses

    recipe = {
        "metallicity": {"form": "closed_box", "z_start": 0.0004, "z_final": {"min": 0.002, "max": 0.03}},
        "dust": {
            "birth": {"law": "power_law", "tau": {"min": 0.0, "max": 2.0}},
            "screen": {"law": "power_law_bump", "tau": {"min": 0.0, "max": 1.0}, "parameters": {"bump_strength": 0.0}},
        },
    }
    return dataclasses.replace(small_description(), recipe=recipe)


def test_nothing_is_older_than_the_universe_or_beyond_the_recipe():
    description = description_of()
    found = limited(outputs_of(description), description, np.array([0.0]))
    q = found["summary_quantiles"][0]
    assert 10.0 ** q[0].max() <= 13.81e9
    assert 10.0 ** q[2].max() == pytest.approx(0.03, rel=1e-4)
    assert q[4].max() == pytest.approx(3.257, abs=1e-3)
    for row in (0, 2, 4):  # one-sided, and not without a width
        assert q[row, 2] == q[row, 4]
        assert q[row, 2] - q[row, 0] == pytest.approx(0.2, abs=1e-3)
    assert found["at_edge"].tolist() == [[True, True, True, True, True, False]]
    assert found["metallicity_quantiles"].max() == pytest.approx(0.03, rel=1e-4)
    inside = limited(outputs_of(description, 9.5, -2.0, 1.0), description, np.array([0.0]))
    assert not inside["at_edge"].any()


@pytest.mark.parametrize("side", ["lowest", "highest"])
def test_an_answer_at_a_limit_of_the_training_records_is_marked(side, flux):
    model = small_model("attention")  # its description names no recipe: only the layer knows its limits
    free = Predictor(model).predict(WAVE_AA, flux, redshift=0.01)
    assert not free.at_edge.any()
    limits = getattr(model.summary, side)
    values = np.array(limits)
    values[2, 0] = free.summaries[0, 2] + (0.5 if side == "lowest" else -0.5)
    limits.assign(values)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SfhmodelWarning)
        found = Predictor(model).predict(WAVE_AA, flux, redshift=0.01)
    assert found.at_edge[0].tolist() == [False, False, True, False, False, False]
    assert found.summaries[0, 2] == pytest.approx(values[2, 0])


def test_ages_at_high_redshift():
    description = description_of()
    age_yr = universe_age_yr(description, np.array([0.0, 1.0]))
    assert age_yr == pytest.approx([13.8e9, 5.9e9], rel=0.02)
    found = limited(outputs_of(description, age=10.0), description, np.array([2.0]))
    limit_yr = universe_age_yr(description, np.array([2.0]))[0]
    assert 10.0 ** found["summary_quantiles"][0, :2].max() <= limit_yr * 1.001
    too_old = description.age_bin_edges_yr[:-1] >= limit_yr
    assert too_old.any()
    assert (found["mass_fraction"][0, too_old] == 0.0).all()
    assert found["mass_fraction"].sum() == pytest.approx(1.0)
    assert (found["cumulative_quantiles"][0, description.age_bin_edges_yr[1:] >= limit_yr] == 1.0).all()


def test_the_edge_is_marked_in_tables(tmp_path, flux):
    model = small_model("attention")
    model.description = description_of()
    bias = model.network.get_layer("summary_quantiles").bias
    bias.assign(np.full(bias.shape, 50.0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SfhmodelWarning)
        found = Predictor(model).predict(WAVE_AA, flux, redshift=0.01)
    assert found.at_edge.any()
    assert any("at the edge of the training range" in note for note in found.notes)
    for name, options in (("a.ecsv", {}), ("a.fits", {"hdu": "PREDICTION"})):
        found.write(tmp_path / name)
        assert "log10_metallicity_mass" in str(Table.read(tmp_path / name, **options)["at_edge"][0])


# --- Keras and TensorFlow -------------------------------------------------------------------------------------------


def test_keras_finds_the_model_after_importing_sfhmodel(tmp_path):
    small_model("attention").save(tmp_path / "model.keras")
    for first, second in (("sfhmodel", "keras"), ("keras", "sfhmodel")):
        code = (
            f"import sys, {first}\nassert ('keras' in sys.modules) == ({first!r} == 'keras')\nimport {second}\n"
            f"import keras\nmodel = keras.models.load_model({str(tmp_path / 'model.keras')!r})\n"
            "print(type(model).__name__, model.description.n_age_bin)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.split() == ["StarFormationModel", "5"]


def test_looking_for_keras_does_not_lose_the_registration():
    code = (
        "import importlib.util, sfhmodel\nassert importlib.util.find_spec('keras')\nimport keras\n"
        "print('sfhmodel>StarFormationModel' in keras.saving.get_custom_objects())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True"]


def test_log_lines_of_tensorflow_do_not_reach_the_user():
    code = (
        "import os\nfrom sfhmodel.cli.quiet import FilteredStderr, tensorflow_keeps_quiet\n"
        "tensorflow_keeps_quiet()\nimport tensorflow\ntensorflow.constant(1.0)\n"
        "with FilteredStderr():\n"
        "    os.write(2, b'E0000 00:00:1 1 cuda.cc:52] failed call to cuInit\\nours\\n')\n"
        "    os.write(2, b'WARNING: All log messages before absl::InitializeLog() is called\\n')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "ours\n"
