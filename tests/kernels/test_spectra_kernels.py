"""Kernels that turn coefficients into attenuated light and light into noisy spectra, against NumPy twins."""

import numpy as np
import pytest

from sfhsim.instrument.noise import error_spectrum
from sfhsim.kernels.absorption import absorbed_energy, absorbed_share
from sfhsim.kernels.mixing import BLOCK
from sfhsim.kernels.random import fill_normal
from sfhsim.kernels.spectra import (
    ColumnLight,
    Observation,
    attenuated_light,
    median_of_row,
    observe_light,
    observe_spectra,
)
from sfhsim.synthesis.blocks import tile_columns


@pytest.mark.parametrize("size", [1, 2, 3, 10, 401, 402])
@pytest.mark.parametrize("kind", ["lognormal", "ties", "zeros", "outliers", "slope", "half zeros", "negative"])
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
        if kind == "slope":
            values = np.linspace(1.0, 2.0, size)
        if kind == "half zeros":
            values[::2] = 0.0
        if kind == "negative":
            values[: (2 * size) // 3] *= -1.0
        values = values.astype(np.float32)
        expected = np.float32(np.median(np.maximum(values, 0.0).astype(np.float64)))
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


@pytest.mark.parametrize("n_column", [45, 128, 300])
@pytest.mark.parametrize("shared", [True, False])
def test_attenuated_light(shared, n_column):
    rng = np.random.default_rng(1)
    arguments = _light(70, n_column, rng, shared)
    out = np.empty((70, n_column), np.float32)
    old, v_old, young, v_young, *dust = arguments
    none = np.zeros((len(old), 0), np.float32), tile_columns(np.zeros((0, n_column)))
    light = ColumnLight(old, tile_columns(v_old), young, tile_columns(v_young), *dust, *none)
    attenuated_light(light, out)
    with_bare = np.empty_like(out)
    attenuated_light(light._replace(bare=young, bare_vectors=tile_columns(v_young)), with_bare)
    absorbed = np.empty((70, 2))
    absorbed_energy(light, absorbed)
    old, v_old, young, v_young, tau_b, k_b, tau_s, k_s = (np.asarray(a, np.float64) for a in arguments)
    birth, screen = np.exp(-tau_b[:, None] * k_b), np.exp(-tau_s[:, None] * k_s)
    screened, clouded = (old @ v_old)[:70], (young @ v_young)[:70]
    expected = screen * (screened + birth * clouded)
    np.testing.assert_allclose(out, expected, rtol=3e-6)
    np.testing.assert_allclose(with_bare, expected + clouded, rtol=3e-6)
    taken = ((1 - birth) * clouded).sum(axis=1), ((1 - screen) * (screened + birth * clouded)).sum(axis=1)
    np.testing.assert_allclose(absorbed, np.stack(taken, axis=1), rtol=1e-6)


def test_share_that_thin_and_thick_dust_absorbs():
    depth = np.concatenate([np.geomspace(1e-12, 60.0, 4000), [0.0, 0.125, 0.12499999, -0.05, -3.0]]).astype(np.float32)
    found = np.array([absorbed_share(x) for x in depth])
    np.testing.assert_allclose(found, -np.expm1(-depth.astype(np.float64)), rtol=2e-6)


@pytest.mark.parametrize(("model", "name"), [(0, "none"), (1, "constant"), (2, "poisson"), (3, "proportional")])
@pytest.mark.parametrize("has_curve", [False, True])
def test_observe_spectra(model, name, has_curve):
    rng = np.random.default_rng(model)
    n, m = 6, 151
    light = (1 + rng.random((n, m))).astype(np.float32)
    scale, snr = rng.random(n).astype(np.float32) * 1e-15, 10 + 50 * rng.random(n)
    lines, start = rng.random((n, 2)), np.array([3, 140])
    profiles = rng.random((2, 11)).astype(np.float32)
    curve = (0.5 + rng.random(m)).astype(np.float32) if has_curve else np.ones(m, np.float32)
    ids = np.arange(n, dtype=np.uint64) + 5
    flux, noisy, error = light.copy(), np.zeros_like(light), np.zeros_like(light)
    noise = np.uint64(3), ids, np.uint32(1), model, snr, 1 / curve, has_curve
    lit = np.zeros(n, dtype=np.bool_)
    observe_spectra(Observation(scale, lines, start, profiles, *noise), flux, noisy, error, lit)
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
    observation = Observation(np.ones(3, np.float32), *none, *noise)
    observe_spectra(observation, light, light.copy(), light.copy(), lit)
    assert lit.tolist() == [True, False, True]


def test_light_observed_at_once_is_attenuated_then_observed():
    rng = np.random.default_rng(2)
    old, v_old, young, v_young, *dust = _light(70, 150, rng, shared=False)
    bare = young, tile_columns(v_young[::-1])
    light = ColumnLight(old, tile_columns(v_old), young, tile_columns(v_young), *dust, *bare)
    ids, none = np.arange(70, dtype=np.uint64), (np.zeros((70, 0)), np.zeros(0, np.int64), np.zeros((0, 1), np.float32))
    noise = np.uint64(3), ids, np.uint32(1), 2, 10 + 50 * rng.random(70), np.ones(150, np.float32), False
    observation = Observation(np.full(70, 2.0, np.float32), *none, *noise)
    twice, once = ([np.zeros((70, 150), np.float32) for _ in range(3)] for _ in range(2))
    lit = np.zeros((2, 70), dtype=np.bool_)
    attenuated_light(light, twice[0])
    observe_spectra(observation, *twice, lit[0])
    observe_light(light, observation, *once, lit[1])
    for a, b in zip(twice, once, strict=True):
        np.testing.assert_array_equal(a, b)
    assert lit.all()
