"""The comparison of libraries, where the answer is known."""

import json

import numpy as np
import pytest
from miniature import AGE_YR, WAVE_AA, miniature_library

from sfhsim.errors import CoverageError
from sfhsim.libraries import save_library


@pytest.fixture
def libraries(pytestconfig, monkeypatch):
    """The module `benchmarks.libraries` of the checkout."""
    monkeypatch.syspath_prepend(str(pytestconfig.rootpath))
    from benchmarks import libraries

    return libraries


def changed(factor, **changes):
    reference = miniature_library()
    return miniature_library(flux=(reference.flux * factor).astype(np.float32), **changes)


def test_a_library_does_not_differ_from_itself(libraries):
    found = libraries.differences(miniature_library(), miniature_library())
    assert set(found) == set(libraries.QUANTITIES)
    for name, expected in (("light", 1.0), ("line_ratio", 1.0), ("line_scatter", 0.0), ("continuum_scatter", 0.0)):
        np.testing.assert_allclose(found[name], expected, atol=1e-6)


def test_light_and_slope(libraries):
    slope = (WAVE_AA / 5900.0) ** 0.2
    found = libraries.differences(changed(1.5 * slope), miniature_library())
    np.testing.assert_allclose(found["light"], 1.5, rtol=0.01)
    low, high = np.percentile((libraries.WAVE_AA / 5900.0) ** 0.2, [16, 84])
    np.testing.assert_allclose(found["continuum_scatter"], (high - low) / 2, rtol=0.02)
    np.testing.assert_allclose(found["line_scatter"], 0.0, atol=5e-4)


def test_lines(libraries):
    """A sine of 1%, three periods in a running mean: half the width between the percentiles is 1% sin(0.68 pi / 2)."""
    period_aa = 2.0 * libraries.CONTINUUM_PIXELS / 3
    found = libraries.differences(changed(1.0 + 0.01 * np.sin(WAVE_AA * 2 * np.pi / period_aa)), miniature_library())
    np.testing.assert_allclose(found["line_scatter"], 0.0088, rtol=0.05)
    np.testing.assert_allclose(found["continuum_scatter"], 0.0, atol=2e-3)


def test_between_the_ages_and_metallicities_of_the_reference(libraries):
    """Light is linear in the logarithms there; ages that the reference has not are unknown."""
    reference = miniature_library()
    ages = np.array([3.1622776e6, *AGE_YR[3:], 2e10])
    library = miniature_library(
        metallicity=np.array([0.0004, 0.02]),
        age_yr=ages,
        flux=np.ones((2, ages.size, WAVE_AA.size), np.float32),
        ionizing_photon_rate=None,
        ionizing_luminosity_lsun=None,
    )
    found = libraries.differences(library, reference)
    assert np.isnan(found["light"][:, -1]).all()
    assert np.isfinite(found["light"][:, :-1]).all()
    share = np.log10(ages[0] / 3e6) / np.log10(1e7 / 3e6)
    inside = (WAVE_AA > 4800) & (WAVE_AA < 7000)
    light = reference.flux[0, 1:3][:, inside].mean(axis=1)
    np.testing.assert_allclose(1 / found["light"][0, 0], (1 - share) * light[0] + share * light[1], rtol=0.01)


def test_a_library_that_ends_too_early(libraries):
    short = WAVE_AA < 6500
    reference = miniature_library()
    library = miniature_library(
        wave_aa=WAVE_AA[short], flux=reference.flux[..., short], resolution_fwhm_aa=np.full(short.sum(), 2.5)
    )
    with pytest.raises(CoverageError, match="covers"):
        libraries.differences(library, reference)


def test_command(libraries, tmp_path, monkeypatch, capsys):
    save_library(miniature_library(), tmp_path / "reference")
    save_library(changed(2.0, name="brighter"), tmp_path / "libraries" / "brighter")
    save_library(changed(2.0, name="brighter-spliced"), tmp_path / "libraries" / "brighter-spliced")
    monkeypatch.setenv("SFHSIM_HOME", str(tmp_path))
    arguments = ["libraries", "--reference", str(tmp_path / "reference.ssplib"), "--json", str(tmp_path / "table.json")]
    monkeypatch.setattr("sys.argv", arguments)
    libraries.main()
    printed = capsys.readouterr().out
    assert "against miniature, 4800-7000 A" in printed
    rows = json.loads((tmp_path / "table.json").read_text())
    assert len(rows) == len(printed.splitlines()) - 2 == 4 * len(libraries.AGE_RANGES_MYR)
    assert {row["library"] for row in rows} == {"brighter"}
    assert all(row["light"] == pytest.approx(2.0) for row in rows)
    assert sum(row["n"] for row in rows) == 4 * AGE_YR.size
