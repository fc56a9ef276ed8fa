"""Augmentation: each effect has the size and rate asked for, touches nothing else, and comes out the same again."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from sfhmodel.errors import ConfigError
from sfhmodel.layers.augmentation import Augmentation
from sfhmodel.layers.observing import N_KERNEL, moved_rows, polynomials, smoothing_kernels
from sfhmodel.layers.residual_rows import decoded_rows, encoded_rows

N, N_PIXEL, N_BAND = 200, 300, 6
WAVE_AA = np.linspace(5000.0, 5598.0, N_PIXEL)
LEVEL = 3e-20  # in erg/s/cm2/Angstrom: its square is no float32
ROWS = encoded_rows(np.random.default_rng(6).normal(0.0, 0.02, (4, N_PIXEL)))
EVERYTHING = {
    "noise": {"snr": [5.0, 50.0], "correlation_pixels": [1.0, 4.0], "probability": 0.5},
    "sky_lines": {"lines": 3, "amplitude": 0.1, "pixels": [1.0, 6.0], "probability": 0.5},
    "masked_pixels": {"runs": 3, "length": 20, "probability": 0.7},
    "partial_coverage": {"shortest": 0.3, "probability": 0.5},
    "dropped_bands": {"probability": 0.2},
    "missing_photometry": {"probability": 0.1},
    "calibration": {"amplitude": 0.03, "order": 4, "probability": 0.9},
    "ripples": {"amplitude": [0.005, 0.05], "pixels": [30.0, 300.0], "probability": 0.5},
    "residuals": {"bank": ROWS, "amplitude": [0.3, 1.5], "probability": 0.6},
    "redshift": {"sigma": 2e-4, "probability": 1.0},
    "missing_errors": {"probability": 0.3},
}


def _inputs(snr=100.0, n_band=N_BAND, n=N, shape=1.0):
    flux = np.full((n, N_PIXEL), LEVEL, np.float32)
    return {
        "flux": flux,
        "flux_error": (flux / snr * shape).astype(np.float32) if snr else np.zeros_like(flux),
        "mask": np.ones_like(flux),
        "magnitudes": np.full((n, n_band), 21.0, np.float32),
        "magnitude_errors": np.full((n, n_band), 0.05, np.float32),
    }


def _run(inputs, seed=1, **switches):
    out = Augmentation(**switches, seed=seed)(inputs, training=True)
    return {name: keras.ops.convert_to_numpy(values) for name, values in out.items()}


def _same(out, inputs, *names):
    for name in names:
        np.testing.assert_array_equal(out[name], inputs[name])


def _near(count, total, probability):
    """Whether a count is within five standard deviations of what a probability gives."""
    return abs(count - total * probability) < 5 * np.sqrt(total * probability * (1 - probability))


@pytest.mark.parametrize("snr", [None, 100.0, 40.0])
def test_noise_brings_spectra_down_to_the_snr(snr):
    inputs = _inputs(snr)
    out = _run(inputs, noise={"snr": [20.0, 20.0]})
    np.testing.assert_allclose(out["flux_error"], LEVEL / 20.0, rtol=1e-4)
    added = (out["flux"] / LEVEL - 1.0) / np.sqrt(1 / 20.0**2 - (1 / snr**2 if snr else 0.0))
    n = added.size
    assert abs(added.mean()) < 5 / np.sqrt(n)
    assert abs(added.var() - 1.0) < 5 * np.sqrt(2 / n)
    assert abs(np.mean(added**4) - 3.0) < 5 * np.sqrt(96 / n)
    assert abs(np.mean(added[:, 1:] * added[:, :-1])) < 5 / np.sqrt(n)
    assert abs(np.mean(added[1:] * added[:-1])) < 5 / np.sqrt(n)
    _same(out, inputs, "mask", "magnitudes", "magnitude_errors")


def test_noise_keeps_the_shape_of_the_errors():
    shape = np.linspace(0.5, 1.5, N_PIXEL)
    out = _run(_inputs(100.0, shape=shape), noise={"snr": [10.0, 10.0]})
    np.testing.assert_allclose(out["flux_error"] / LEVEL * 10.0, np.tile(shape, (N, 1)), rtol=1e-3)
    measured = np.std(out["flux"] / LEVEL, axis=0)
    expected = shape * np.sqrt(1 / 10.0**2 - 1 / 100.0**2)
    assert np.abs(measured / expected - 1.0).max() < 6 / np.sqrt(2 * N)


def test_noise_leaves_worse_spectra_alone():
    inputs = _inputs(8.0)
    _same(_run(inputs, noise={"snr": [10.0, 90.0]}), inputs, *inputs)


@pytest.mark.parametrize("fwhm", [0.5, 3.0, 20.0])
def test_correlated_noise_has_the_correlation_of_its_kernel_and_the_errors_of_its_pixels(fwhm):
    out = _run(_inputs(None, n=1000), noise={"snr": [20.0, 20.0], "correlation_pixels": [fwhm, fwhm]})
    np.testing.assert_allclose(out["flux_error"], LEVEL / 20.0, rtol=1e-4)
    added = (out["flux"] / LEVEL - 1.0) * 20.0
    pixels = np.arange(-int(3 * fwhm) - 1, int(3 * fwhm) + 2)
    kernel = np.exp(-4 * np.log(2) * (pixels / fwhm) ** 2)
    n = added.shape[0] * added.shape[1] / kernel.sum()
    for lag in (0, 1, 2, 5, 40):
        expected = np.sum(kernel[lag:] * kernel[: max(kernel.size - lag, 0)]) / np.sum(kernel**2)
        assert abs(np.mean(added[:, lag:] * added[:, : N_PIXEL - lag]) - expected) < 8 * np.sqrt(2 / n)
    for edge in (added[:, 0], added[:, -1]):  # as in the middle
        assert abs(edge.var() - 1.0) < 6 * np.sqrt(2 / 1000)


def test_widths_of_correlation_are_drawn_among_all():
    out = _run(_inputs(None, n=800), noise={"snr": [20.0, 20.0], "correlation_pixels": [1.0, 30.0]})
    added = (out["flux"] / LEVEL - 1.0) * 20.0
    neighbours = np.mean(added[:, 1:] * added[:, :-1], axis=1) / np.mean(added**2, axis=1)
    kernels = smoothing_kernels(1.0, 30.0)[:, 0]
    expected = np.sum(kernels[1:] * kernels[:-1], axis=0)
    assert (np.diff(expected) > 0).all()
    edges = [-1, *(0.5 * (expected[1:] + expected[:-1])), 1]
    counts = np.histogram(neighbours, edges)[0]
    assert counts.min() > 0.6 * 800 / N_KERNEL


def test_sky_lines_are_narrow_residuals_of_either_sign():
    inputs = _inputs(n=1000)
    out = _run(inputs, sky_lines={"lines": 1, "amplitude": 0.2, "pixels": [4.0, 4.0], "probability": 0.6})
    _same(out, inputs, "flux_error", "mask", "magnitudes", "magnitude_errors")
    residual = out["flux"] / np.float32(LEVEL) - 1.0
    hit = (np.abs(residual) > 1e-5).any(axis=1)
    assert _near(hit.sum(), 1000, 0.6 * 0.99)
    peak = np.abs(residual).argmax(axis=1)[hit]
    assert np.ptp(peak) > 0.9 * N_PIXEL
    whole = hit & (np.abs(residual[:, :12]).max(axis=1) < 1e-6) & (np.abs(residual[:, -12:]).max(axis=1) < 1e-6)
    height = residual[whole].sum(axis=1) / (4.0 * np.sqrt(np.pi / (4 * np.log(2))))  # area of a Gaussian over its width
    assert np.sqrt(np.mean(height**2)) == pytest.approx(0.2, rel=0.15)
    assert abs(np.mean(height > 0) - 0.5) < 0.12
    width = np.sum(np.abs(residual[whole]) > 0.5 * np.abs(residual[whole]).max(axis=1, keepdims=True), axis=1)
    assert set(width) <= {3, 4, 5}


def test_sky_lines_number_as_asked():
    options = {"lines": 3, "amplitude": 1.0, "pixels": [0.5, 0.5]}
    residual = _run(_inputs(n=1000), sky_lines=options)["flux"] / np.float32(LEVEL) - 1.0
    here = np.abs(residual) > 1e-3
    runs = np.count_nonzero(np.diff(np.pad(here, [(0, 0), (1, 0)]).astype(int), axis=1) == 1, axis=1)
    assert runs.max() == 3
    assert abs(runs.mean() - 2.0) < 0.3


def test_ripples_are_waves_of_the_amplitude_and_period_asked_for():
    inputs = _inputs(n=1000)
    out = _run(inputs, ripples={"amplitude": [0.03, 0.03], "pixels": [50.0, 100.0]})
    factor = out["flux"] / inputs["flux"]
    np.testing.assert_allclose(out["flux_error"] / inputs["flux_error"], factor, rtol=1e-5)
    _same(out, inputs, "mask", "magnitudes", "magnitude_errors")
    log_factor = np.log(factor)
    assert np.sqrt(np.mean(log_factor**2)) == pytest.approx(0.03, rel=0.05)
    power = np.mean(np.abs(np.fft.rfft(log_factor * np.hanning(N_PIXEL), axis=1)) ** 2, axis=0)
    frequency = np.fft.rfftfreq(N_PIXEL)
    inside = (frequency > 1 / 100 - 2 / N_PIXEL) & (frequency < 1 / 50 + 2 / N_PIXEL)
    assert power[inside].sum() > 0.99 * power.sum()
    some = _run(_inputs(), ripples={"amplitude": [0.01, 0.1], "pixels": [50.0, 100.0], "probability": 0.3})
    assert _near((some["flux"] != np.float32(LEVEL)).any(axis=1).sum(), N, 0.3)


def test_amplitudes_of_ripples_are_log_uniform():
    log_factor = np.log(
        _run(_inputs(n=2000), ripples={"amplitude": [1e-3, 0.1], "pixels": [10.0, 20.0]})["flux"] / LEVEL
    )
    place = np.log(np.sqrt(np.mean(log_factor**2, axis=1)) / 1e-3) / np.log(100.0)
    assert abs(place.mean() - 0.5) < 0.05
    assert abs(place.std() - np.sqrt(1 / 12)) < 0.05


def test_residuals_are_rows_of_the_bank_times_a_factor():
    inputs = _inputs(n=1000)
    out = _run(inputs, residuals={"bank": ROWS, "amplitude": [0.5, 2.0], "shift_pixels": 0})
    factor = out["flux"] / inputs["flux"]
    np.testing.assert_allclose(out["flux_error"] / inputs["flux_error"], factor, rtol=1e-5)
    _same(out, inputs, "mask", "magnitudes", "magnitude_errors")
    rows = decoded_rows(ROWS)
    amplitude = (factor - 1.0) @ rows.T / np.sum(rows**2, axis=1)
    which = np.argmax(amplitude, axis=1)
    amplitude = np.take_along_axis(amplitude, which[:, None], axis=1)
    np.testing.assert_allclose(factor - 1.0, amplitude * rows[which], atol=1e-5)
    for row in range(4):
        assert _near((which == row).sum(), 1000, 0.25)
    place = np.log(amplitude / 0.5) / np.log(4.0)
    assert -0.01 < place.min() < 0.05
    assert 0.95 < place.max() < 1.01
    assert abs(place.mean() - 0.5) < 0.05
    some = _run(_inputs(), residuals={"bank": ROWS, "amplitude": [1.0, 1.0], "probability": 0.3})
    assert _near((some["flux"] != np.float32(LEVEL)).any(axis=1).sum(), N, 0.3)


@pytest.mark.parametrize(("shift", "most"), [(7, 7), (None, N_PIXEL)])
def test_residuals_move_by_up_to_the_pixels_asked_for(shift, most):
    options = {"bank": ROWS, "amplitude": [1.0, 1.0], "shift_pixels": shift}
    got = _run(_inputs(n=300), residuals=options)["flux"] / np.float32(LEVEL) - 1.0
    every = [decoded_rows(ROWS)[:, _mirrored(np.arange(N_PIXEL) - s)] for s in range(-most, most + 1)]
    error = [np.abs(got[:, None, ::30] - moved[None, :, ::30]).max(axis=2).min(axis=1) for moved in every]
    best = np.argmin(error, axis=0) - most
    assert np.min(error, axis=0).max() < 1e-5
    assert abs(best.mean()) < 5 * most / np.sqrt(900)
    assert np.abs(best).max() > 0.95 * most
    assert best.std() == pytest.approx(np.sqrt((2 * most + 1) ** 2 / 12), rel=0.1)


def _mirrored(place):
    place = place % (2 * N_PIXEL)
    return np.minimum(place, 2 * N_PIXEL - 1 - place)


def test_rows_are_mirrored_at_their_ends():
    rows = np.arange(10.0, dtype=np.float32).reshape(2, 5)
    row, shift = (np.array(v, np.float32)[:, None] for v in ([0, 0, 1, 1, 2], [0, 2, -2, 5, -5]))
    expected = [[0, 1, 2, 3, 4], [1, 0, 0, 1, 2], [7, 8, 9, 9, 8], [9, 8, 7, 6, 5], [9, 8, 7, 6, 5]]
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(moved_rows(rows, row, shift)), expected)


def test_residuals_never_turn_light_around():
    deep = encoded_rows(np.full((1, N_PIXEL), -0.8))
    out = _run(_inputs(), residuals={"bank": deep, "amplitude": [2.0, 2.0]})
    assert (out["flux"] == 0.0).all()


def test_snr_is_log_uniform():
    out = _run(_inputs(None), noise={"snr": [5.0, 500.0]})
    place = np.log(LEVEL / out["flux_error"][:, 0] / 5.0) / np.log(100.0)
    assert place.min() >= -1e-4
    assert place.max() <= 1 + 1e-4
    assert abs(place.mean() - 0.5) < 5 / np.sqrt(12 * N)
    assert abs(place.var() - 1 / 12) < 5 / np.sqrt(180 * N)


def test_noise_counts_only_pixels_in_use():
    inputs = _inputs(100.0)
    inputs["flux"][:, :50], inputs["flux_error"][:, 50:60] = np.nan, np.nan
    inputs["flux"][:, 60:70], inputs["mask"][:, 60:70] = 1e30, 0.0
    out = _run(inputs, noise={"snr": [20.0, 20.0]})
    np.testing.assert_allclose(out["flux_error"][:, 70:], LEVEL / 20.0, rtol=1e-4)
    assert np.isnan(out["flux_error"][:, 50:60]).all()
    scatter = np.std(out["flux"][:, 50:60] / LEVEL)  # the error is unknown there, the noise is as elsewhere
    assert scatter == pytest.approx(np.sqrt(1 / 20.0**2 - 1 / 100.0**2), rel=0.1)
    assert np.isnan(out["flux"][:, :50]).all()


@pytest.mark.parametrize("unit", [1e-10, 1.0, 1e25])
def test_the_unit_does_not_matter(unit):
    switches = {**EVERYTHING, "wave_aa": WAVE_AA, "seed": 3}
    inputs = _inputs(80.0)
    scaled = {**inputs, **{name: inputs[name] / LEVEL * unit for name in ("flux", "flux_error")}}
    one, other = _run(inputs, **switches), _run(scaled, **switches)
    np.testing.assert_allclose(other["flux"] / unit, one["flux"] / LEVEL, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(other["flux_error"] / unit, one["flux_error"] / LEVEL, rtol=1e-4)


def test_masked_pixels_come_in_runs():
    inputs = _inputs()
    inputs["flux"] *= np.linspace(1.0, 2.0, N_PIXEL, dtype=np.float32)
    out = _run(inputs, masked_pixels={"runs": 1, "length": 10, "probability": 0.6})
    masked = out["mask"] == 0.0
    assert _near(masked.any(axis=1).sum(), N, 0.6)
    edges = np.diff(np.pad(masked, [(0, 0), (1, 1)]).astype(int), axis=1)
    assert (np.count_nonzero(edges == 1, axis=1) == masked.any(axis=1)).all()  # one run each
    lengths = masked.sum(axis=1)[masked.any(axis=1)]
    assert set(lengths) <= set(range(1, 11))
    assert abs(lengths.mean() - 5.5) < 5 * np.sqrt(99 / 12 / lengths.size)
    assert (out["flux"][masked] == 0.0).all()
    np.testing.assert_array_equal(out["flux"][~masked], inputs["flux"][~masked])
    assert (out["mask"][~masked] == 1.0).all()
    _same(out, inputs, "magnitudes", "magnitude_errors")


def test_masks_reach_everywhere_and_number_as_asked():
    out = _run(_inputs(n=2000), masked_pixels={"runs": 4, "length": 1})
    masked = out["mask"] == 0.0
    counts = masked.sum(axis=1)
    assert counts.min() == 1
    assert counts.max() == 4
    assert abs(counts.mean() - 2.5) < 0.15
    assert masked.any(axis=0).mean() > 0.99


def test_partial_coverage_leaves_one_window_of_any_length_anywhere():
    inputs = _inputs(n=2000)
    out = _run(inputs, partial_coverage={"shortest": 0.2, "probability": 0.5})
    kept = out["mask"] == 1.0
    hit = ~kept.all(axis=1)
    assert _near(hit.sum(), 2000, 0.5)
    edges = np.diff(np.pad(kept, [(0, 0), (1, 1)]).astype(int), axis=1)
    assert (np.count_nonzero(edges == 1, axis=1) == 1).all()  # one window each
    lengths = kept[hit].sum(axis=1)
    assert lengths.min() >= 60
    assert abs(lengths.mean() - 180) < 5 * np.sqrt(240**2 / 12 / lengths.size)
    assert kept[:, 0].sum() > 1000
    assert kept[:, -1].sum() > 1000  # both ends are reached
    assert (out["flux"][~kept] == 0.0).all()
    np.testing.assert_array_equal(out["flux"][kept], inputs["flux"][kept])
    _same(out, inputs, "flux_error", "magnitudes", "magnitude_errors")


def test_garbage_and_earlier_masks_stay_masked():
    inputs = _inputs()
    inputs["mask"][:, ::2], inputs["flux"][:, ::2] = 0.0, np.nan
    out = _run(inputs, **EVERYTHING, wave_aa=WAVE_AA)
    assert (out["mask"][:, ::2] == 0.0).all()
    assert np.isfinite(out["flux"][:, 1::2]).all()


def test_bands_are_dropped_at_the_rate_asked_for():
    inputs = _inputs()
    out = _run(inputs, dropped_bands={"probability": 0.25})
    missing = np.isnan(out["magnitudes"])
    assert all(_near(count, N, 0.25) for count in missing.sum(axis=0))
    assert abs(np.corrcoef(missing.T)[0, 1]) < 5 / np.sqrt(N)
    np.testing.assert_array_equal(np.isnan(out["magnitude_errors"]), missing)
    np.testing.assert_array_equal(out["magnitudes"][~missing], inputs["magnitudes"][~missing])
    _same(out, inputs, "flux", "flux_error", "mask")


def test_photometry_goes_missing_as_a_whole():
    inputs = _inputs()
    missing = np.isnan(_run(inputs, missing_photometry={"probability": 0.4})["magnitudes"])
    assert (missing.all(axis=1) == missing.any(axis=1)).all()
    assert _near(missing.all(axis=1).sum(), N, 0.4)


def test_errors_go_missing_independently():
    inputs = _inputs()
    out = _run(inputs, missing_errors={"probability": 0.5})
    spectrum, magnitudes = (out["flux_error"] == 0.0), np.isnan(out["magnitude_errors"])
    assert (spectrum.all(axis=1) == spectrum.any(axis=1)).all()
    assert (magnitudes.all(axis=1) == magnitudes.any(axis=1)).all()
    assert _near(spectrum.all(axis=1).sum(), N, 0.5)
    assert _near(magnitudes.all(axis=1).sum(), N, 0.5)
    assert _near((spectrum[:, 0] & magnitudes[:, 0]).sum(), N, 0.25)
    _same(out, inputs, "flux", "mask", "magnitudes")


def test_calibration_is_a_smooth_factor_on_the_spectrum():
    inputs = _inputs(n=2000)
    out = _run(inputs, calibration={"amplitude": 0.05, "order": 3})
    factor = out["flux"] / inputs["flux"]
    np.testing.assert_allclose(out["flux_error"] / inputs["flux_error"], factor, rtol=1e-5)
    log_factor = np.log(factor)
    assert np.sqrt(np.mean(log_factor**2)) == pytest.approx(0.05, rel=0.05)
    x = np.linspace(-1, 1, N_PIXEL)
    residual = log_factor - np.polynomial.chebyshev.chebval(x, np.polynomial.chebyshev.chebfit(x, log_factor.T, 3))
    assert np.abs(residual).max() < 1e-5
    _same(out, inputs, "mask", "magnitudes", "magnitude_errors")
    some = _run(_inputs(), calibration={"amplitude": 0.05, "order": 3, "probability": 0.3})["flux"] != np.float32(LEVEL)
    assert _near(some.any(axis=1).sum(), N, 0.3)


def test_polynomials_share_the_rms():
    basis = polynomials(500, 5, 0.1)
    np.testing.assert_allclose(np.sqrt(np.mean(basis**2, axis=1)), 0.1 / np.sqrt(5), rtol=1e-5)


@pytest.mark.parametrize("sigma", [1e-4, 1e-3])
def test_redshift_shifts_by_the_error_drawn(sigma):
    inputs = _inputs()
    slope = (WAVE_AA / 5000.0).astype(np.float32)  # of a straight line, shift and interpolation are exact
    inputs["flux"] = np.tile(slope, (N, 1)) * np.float32(LEVEL)
    out = _run(inputs, redshift={"sigma": sigma}, wave_aa=WAVE_AA)
    inner = slice(20, -20)
    one_plus_dz = slope[inner] / (out["flux"] / LEVEL)[:, inner]
    assert np.ptp(one_plus_dz, axis=1).max() < 2e-6
    dz = one_plus_dz.mean(axis=1) - 1
    assert abs(dz.mean()) < 5 * sigma / np.sqrt(N)
    assert abs(dz.std() / sigma - 0.99) < 5 / np.sqrt(2 * N)
    assert np.abs(dz).max() < 3.3 * sigma
    _same(out, inputs, "flux_error", "mask", "magnitudes")


def test_redshift_moves_a_line_and_keeps_bad_pixels_out():
    inputs = _inputs()
    line = np.exp(-0.5 * ((WAVE_AA - 5300.0) / 8.0) ** 2)
    inputs["flux"] = np.tile(LEVEL * (1 + line), (N, 1)).astype(np.float32)
    inputs["flux"][:, 40], inputs["flux"][:, 60], inputs["mask"][:, 60] = np.nan, 1e20, 0.0
    out = _run(inputs, redshift={"sigma": 1e-3, "probability": 0.5}, wave_aa=WAVE_AA)
    line = out["flux"][:, 100:200] / LEVEL - 1
    centre_aa = line @ WAVE_AA[100:200] / line.sum(axis=1)
    moved = np.abs(centre_aa - 5300.0) > 1e-2
    assert _near(moved.sum(), N, 0.5)
    assert np.std(centre_aa[moved]) == pytest.approx(5.3, rel=0.3)
    good = np.delete(np.arange(N_PIXEL), [40, 60])
    assert (np.abs(out["flux"][:, good] / LEVEL) < 2.1).all()
    assert np.isfinite(out["flux"][:, good]).all()


def test_nothing_happens_outside_training():
    inputs = _inputs()
    layer = Augmentation(**EVERYTHING, wave_aa=WAVE_AA)
    _same({name: np.asarray(values) for name, values in layer(inputs).items()}, inputs, *inputs)
    _same({name: np.asarray(values) for name, values in layer(inputs, training=False).items()}, inputs, *inputs)


def test_inputs_are_not_modified():
    inputs, before = _inputs(), _inputs()
    out = _run(inputs, **EVERYTHING, wave_aa=WAVE_AA)
    _same(inputs, before, *before)
    assert all((out[name] != before[name]).any() for name in before)
    assert {name: values.shape for name, values in out.items()} == {name: v.shape for name, v in before.items()}


def test_no_bands():
    out = _run(_inputs(n_band=0), **EVERYTHING, wave_aa=WAVE_AA)
    assert out["magnitudes"].shape == (N, 0)


def test_a_seed_gives_the_same_again_and_each_call_something_else():
    layers = [Augmentation(**EVERYTHING, wave_aa=WAVE_AA, seed=seed) for seed in (4, 4, 5)]
    first, again, other = ([np.asarray(layer(_inputs(), training=True)["flux"]) for _ in range(2)] for layer in layers)
    np.testing.assert_array_equal(first, again)
    assert (first[0] != first[1]).any()
    assert (first[0] != other[0]).any()


def test_config_round_trip():
    layer = Augmentation(**EVERYTHING, wave_aa=WAVE_AA, seed=8, name="augmentation")
    twin = Augmentation.from_config(layer.get_config())
    assert twin.get_config() == layer.get_config()
    assert {name: layer.get_config()[name] for name in EVERYTHING} == EVERYTHING
    np.testing.assert_array_equal(layer(_inputs(), training=True)["flux"], twin(_inputs(), training=True)["flux"])


def _model():
    shapes = {name: values.shape[1:] for name, values in _inputs().items()}
    inputs = {name: keras.Input(shape, name=name) for name, shape in shapes.items()}
    return keras.Model(inputs, Augmentation(**EVERYTHING, wave_aa=WAVE_AA, seed=2)(inputs))


def test_a_saved_model_goes_on_where_it_was(tmp_path):
    model = _model()
    model(_inputs(), training=True)
    model.save(tmp_path / "model.keras")
    expected = model(_inputs(), training=True)["flux"]
    np.testing.assert_array_equal(
        keras.saving.load_model(tmp_path / "model.keras")(_inputs(), training=True)["flux"], expected
    )


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="graph mode of TensorFlow")
def test_graph_mode_with_any_batch_size():
    import tensorflow as tf

    layer, eager = (Augmentation(**EVERYTHING, wave_aa=WAVE_AA, seed=2) for _ in range(2))
    signature = {name: tf.TensorSpec((None, values.shape[1])) for name, values in _inputs().items()}
    function = tf.function(lambda inputs: layer(inputs, training=True), input_signature=[signature])
    for n in (3, 7):
        inputs = _inputs(n=n)
        expected = eager(inputs, training=True)
        for name, values in function({key: tf.constant(value) for key, value in inputs.items()}).items():
            np.testing.assert_allclose(values, expected[name], rtol=1e-5)


def test_float32_under_mixed_precision():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        out = _run(_inputs(), **EVERYTHING, wave_aa=WAVE_AA)
    finally:
        keras.config.set_dtype_policy(before)
    assert out["flux"].dtype == np.float32
    assert (out["flux"][out["mask"] > 0] != 0).all()


@pytest.mark.parametrize(
    ("switches", "message"),
    [
        ({"noise": {"snr": [20, 5]}}, "noise: snr must be .low, high., 20 is above 5"),
        ({"noise": {"snr": 20}}, "noise: snr must be .low, high., not 20"),
        ({"noise": {"snr": [0.0, 5]}}, "noise: snr must be a number from 0.001"),
        ({"noise": {"probability": 0.5}}, "noise needs snr"),
        ({"noise": {"snr": [1, 2], "colour": "pink"}}, "noise has no option colour: there are probability, snr"),
        ({"noise": {"snr": [1, 2], "probability": 1.5}}, "noise: probability must be a number from 0 to 1, not 1.5"),
        ({"noise": 3}, "noise must be None or a dict of probability, snr, correlation_pixels, not 3"),
        (
            {"noise": {"snr": [1, 2], "correlation_pixels": [5, 2]}},
            "correlation_pixels must be .low, high., 5 is above",
        ),
        (
            {"noise": {"snr": [1, 2], "correlation_pixels": [1, 200]}},
            "correlation_pixels must be a number from 0.5 to 50",
        ),
        ({"ripples": {"amplitude": [0.01, 0.1]}}, "ripples needs pixels"),
        ({"ripples": {"amplitude": 0.1, "pixels": [50, 100]}}, "ripples: amplitude must be .low, high., not 0.1"),
        ({"ripples": {"amplitude": [0.0, 0.1], "pixels": [50, 100]}}, "amplitude must be a number from 1e-05"),
        ({"residuals": {"amplitude": [0.5, 1]}}, "residuals needs bank"),
        ({"residuals": {"bank": ROWS}}, "residuals needs amplitude"),
        ({"residuals": {"bank": "bank.npz", "amplitude": [0.5, 1]}}, "bank 'bank.npz' is a file"),
        ({"residuals": {"bank": ROWS, "amplitude": [0.5, 1], "shift_pixels": 1.5}}, "shift_pixels must be an integer"),
        ({"sky_lines": {"lines": 2, "pixels": [1, 3]}}, "sky_lines needs amplitude"),
        ({"sky_lines": {"lines": 0, "amplitude": 0.1, "pixels": [1, 3]}}, "lines must be an integer from 1 to 100"),
        ({"masked_pixels": {"runs": 1.5, "length": 3}}, "runs must be an integer from 1 to 100, not 1.5"),
        ({"masked_pixels": {"runs": 3}}, "masked_pixels needs length"),
        ({"partial_coverage": {}}, "partial_coverage needs shortest"),
        ({"partial_coverage": {"shortest": 0.0}}, "shortest must be a number from 0.01 to 1"),
        ({"dropped_bands": {}}, "dropped_bands needs probability"),
        ({"missing_photometry": {"probability": "often"}}, "probability must be a number from 0 to 1, not 'often'"),
        ({"missing_errors": {"probability": True}}, "probability must be a number from 0 to 1, not True"),
        ({"calibration": {"amplitude": -0.1, "order": 2}}, "amplitude must be a number from 0 to 1, not -0.1"),
        ({"calibration": {"amplitude": float("nan"), "order": 2}}, "amplitude must be a number"),
        ({"redshift": {"sigma": 1e-4}}, "redshift needs wave_aa"),
        ({"redshift": {"sigma": 1e-4}, "wave_aa": [5000.0, 4000.0]}, "wave_aa must be positive and increase"),
        ({"redshift": {"sigma": 0.05}, "wave_aa": WAVE_AA}, "sigma 0.05 may shift spectra by 420 pixels"),
        ({"seed": -1}, "seed must be an integer from 0"),
    ],
)
def test_impossible_options_are_refused(switches, message):
    with pytest.raises(ConfigError, match=message):
        Augmentation(**switches)


@pytest.mark.parametrize(
    ("switches", "message"),
    [
        ({"redshift": {"sigma": 1e-4}, "wave_aa": WAVE_AA[:-1]}, "299 wavelengths for spectra of 300 pixels"),
        (
            {"residuals": {"bank": encoded_rows(np.zeros((1, 9))), "amplitude": [1, 1]}},
            "rows of 9 pixels for spectra of",
        ),
        ({"masked_pixels": {"runs": 3, "length": 100}}, "3 runs of 100 can mask all 300 pixels"),
    ],
)
def test_options_that_do_not_fit_the_spectra_are_refused(switches, message):
    with pytest.raises(ConfigError, match=message):
        Augmentation(**switches)(_inputs(), training=True)


_ON_JAX = """
import jax, keras, numpy as np
from sfhmodel.layers.augmentation import Augmentation
switches = {switches}
n_pixel, level = {n_pixel}, {level}
inputs = {{"flux": np.full((50, n_pixel), level, "float32"), "mask": np.ones((50, n_pixel), "float32"),
    "magnitudes": np.full((50, 3), 20.0, "float32"), "magnitude_errors": np.full((50, 3), 0.1, "float32")}}
inputs["flux_error"] = inputs["flux"] / 100
layer, twin = (Augmentation(**switches, wave_aa=np.linspace(5000.0, 5598.0, n_pixel), seed=3) for _ in range(2))
assert keras.backend.backend() == "jax"
twin.build({{name: values.shape for name, values in inputs.items()}})
eager = layer(inputs, training=True)
state = [variable.value for variable in twin.non_trainable_variables]
jitted = jax.jit(lambda state: twin.stateless_call([], state, inputs, training=True))(state)
for name in inputs:
    np.testing.assert_allclose(eager[name], jitted[0][name], rtol=1e-4)
    assert (np.asarray(eager[name]) != inputs[name]).any(), name
assert any((np.asarray(new) != np.asarray(old)).any() for new, old in zip(jitted[1], state))
used = np.asarray(eager["mask"]) > 0
scatter = np.std(np.asarray(eager["flux"])[used] / level)
assert 0.02 < scatter < 0.2, scatter
"""


def test_on_jax():
    program = _ON_JAX.format(switches=EVERYTHING, n_pixel=N_PIXEL, level=LEVEL)
    path = os.pathsep.join([str(Path(__file__).resolve().parents[2]), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "PYTHONPATH": path}
    result = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
