"""Kernels that turn coefficients into attenuated light and light into noisy spectra, against NumPy twins."""

import numpy as np
import pytest

from sfhsim.instrument.noise import error_spectrum
from sfhsim.kernels.mixing import BLOCK
from sfhsim.kernels.random import fill_normal
from sfhsim.kernels.spectra import attenuated_light, finish_spectra, median_of_row, transmission


@pytest.mark.parametrize("tau", [0.0, 0.3, 3.0, 50.0])
def test_transmission_is_the_exponential(tau):
    curve = np.linspace(0, 1.5, 403).astype(np.float32)
    out = np.empty_like(curve)
    transmission(tau, curve, np.empty((2, curve.size), np.float32), out)
    np.testing.assert_allclose(out, np.exp(-tau * curve.astype(np.float64)), rtol=2e-7 * (1 + 1.5 * tau))
    assert (out <= 1.0).all()


def test_transmission_of_an_opaque_cloud_is_negligible():
    out = np.empty(1, np.float32)
    transmission(1e6, np.ones(1, np.float32), np.empty((2, 1), np.float32), out)
    assert 0 <= out[0] < 1e-37


@pytest.mark.parametrize("size", [1, 2, 3, 10, 401, 402])
@pytest.mark.parametrize("kind", ["lognormal", "ties", "zeros", "outliers"])
def test_median(size, kind):
    rng = np.random.default_rng(size)
    for _ in range(20):
        values = rng.lognormal(size=size) * 10.0 ** rng.integers(-30, 10)
        if kind == "ties":
            values = rng.integers(0, 3, size) * 2.5
        if kind == "zeros":
            values = np.zeros(size)
        if kind == "outliers":
            values[0] = 3e38
        values = values.astype(np.float32)
        expected = np.float32(np.median(values.astype(np.float64)))
        assert median_of_row(values, np.empty(size, np.float32)) == pytest.approx(expected, rel=2e-7)


def _light(n, m, rng, shared):
    k_old, k_young = 7, 5
    padded = -(-n // BLOCK) * BLOCK
    old, young = np.zeros((padded, k_old), np.float32), np.zeros((padded, k_young), np.float32)
    old[:n], young[:n] = rng.random((n, k_old)), rng.random((n, k_young))
    vectors = rng.random((k_old, m)).astype(np.float32), rng.random((k_young, m)).astype(np.float32)
    tau = rng.random((2, n))
    curves = [rng.random((1 if shared else n, m)).astype(np.float32) for _ in range(2)]
    return old, vectors[0], young, vectors[1], tau[0], curves[0], tau[1], curves[1]


@pytest.mark.parametrize("shared", [True, False])
def test_attenuated_light(shared):
    rng = np.random.default_rng(1)
    arguments = _light(70, 45, rng, shared)
    out = np.empty((70, 45), np.float32)
    attenuated_light(*arguments, out)
    old, v_old, young, v_young, tau_b, k_b, tau_s, k_s = (np.asarray(a, np.float64) for a in arguments)
    birth, screen = np.exp(-tau_b[:, None] * k_b), np.exp(-tau_s[:, None] * k_s)
    expected = screen * ((old @ v_old)[:70] + birth * (young @ v_young)[:70])
    np.testing.assert_allclose(out, expected, rtol=3e-6)


@pytest.mark.parametrize(("model", "name"), [(0, "none"), (1, "constant"), (2, "poisson"), (3, "proportional")])
@pytest.mark.parametrize("has_curve", [False, True])
def test_finish_spectra(model, name, has_curve):
    rng = np.random.default_rng(model)
    n, m = 6, 151
    light = (1 + rng.random((n, m))).astype(np.float32)
    scale, snr = rng.random(n).astype(np.float32) * 1e-15, 10 + 50 * rng.random(n)
    lines, start = rng.random((n, 2)), np.array([3, 140])
    profiles = rng.random((2, 11)).astype(np.float32)
    curve = (0.5 + rng.random(m)).astype(np.float32) if has_curve else np.ones(m, np.float32)
    ids = np.arange(n, dtype=np.uint64) + 5
    flux, noisy, error = light.copy(), np.zeros_like(light), np.zeros_like(light)
    noise = np.uint64(3), ids, np.uint32(1), model, snr, curve, has_curve
    lit = np.zeros(n, dtype=np.bool_)
    finish_spectra(scale, lines, start, profiles, *noise, flux, noisy, error, lit)
    assert lit.all()
    expected = light.astype(np.float64)
    for k in range(2):
        expected[:, start[k] : start[k] + 11] += lines[:, k, None] * profiles[k]
    expected *= scale[:, None]
    np.testing.assert_allclose(flux, expected, rtol=1e-6)
    if name == "none":
        assert not noisy.any()
        return
    sigma = error_spectrum(expected, snr, name, curve if has_curve else None)
    np.testing.assert_allclose(error, sigma, rtol=1e-5)
    normal = np.empty((n, m), np.float32)
    fill_normal(np.uint64(3), ids, np.uint32(1), normal)
    np.testing.assert_allclose(noisy, expected + sigma * normal, rtol=1e-4, atol=1e-5 * expected.max())


def test_a_spectrum_without_light_is_reported():
    light = np.zeros((3, 20), np.float32)
    light[[0, 2]] = 1.0
    noise = np.uint64(3), np.arange(3, dtype=np.uint64), np.uint32(1), 1, np.ones(3), np.ones(20, np.float32), False
    none = np.zeros((3, 0)), np.zeros(0, np.int64), np.zeros((0, 1), np.float32)
    lit = np.zeros(3, dtype=np.bool_)
    finish_spectra(np.ones(3, np.float32), *none, *noise, light, light.copy(), light.copy(), lit)
    assert lit.tolist() == [True, False, True]
