"""The builder of the shipped filter curves: thinned within its tolerance, all bands from one wheel."""

import zipfile

import numpy as np

from sfhsim.data.builders.filters import build, thin, wheel_names

CURVE_FILE = "# notes\n|  lambda |  pass |\n| 5000.0 | 0.5 |\n| 5000.0 | 0.5 |\n| 6000.0 | 1.0 |\n"


def test_thinning_keeps_the_curve_within_its_tolerance():
    wave = np.linspace(4000.0, 6000.0, 3001)
    curve = np.exp(-0.5 * ((wave - 5000.0) / 150.0) ** 2)
    thin_wave, thin_curve = thin(wave, 7.0 * curve)
    assert thin_wave.size < 600
    inside = (wave >= thin_wave[0]) & (wave <= thin_wave[-1])
    assert np.abs(np.interp(wave[inside], thin_wave, thin_curve) - curve[inside]).max() <= 2e-5
    assert curve[~inside].max() < 1e-5


def test_build_from_a_wheel(tmp_path):
    wheel = tmp_path / "kcorrect-9.9-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for stem in wheel_names().values():
            archive.writestr(f"kcorrect/data/responses/{stem}.dat", CURVE_FILE)
    assert build(wheel, tmp_path / "filters.npz") == 74
    with np.load(tmp_path / "filters.npz") as data:
        assert str(data["source"]) == "kcorrect 9.9"
        assert data["wave_aa"].size == data["offset"][-1] == 2 * 74
