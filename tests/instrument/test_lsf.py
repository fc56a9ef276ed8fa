"""Line-spread functions and the width by which templates are broadened."""

import numpy as np
import pytest

from sfhsim.constants import C_KMS, FWHM_PER_SIGMA
from sfhsim.errors import MissingDataError, RecipeError
from sfhsim.instrument import LSF_REGISTRY, broadening_sigma_aa, make_lsf, register_lsf

WAVE_AA = np.linspace(3000.0, 11000.0, 41)


@pytest.fixture(params=["muse", "muse-udf10", "fwhm", "resolving power", "tabulated", "none"])
def lsf(request):
    special = {
        "fwhm": ("constant", {"fwhm_aa": 2.5}),
        "resolving power": ("constant", {"resolving_power": 1800.0}),
        "tabulated": ("tabulated", {"wave_aa": [4000.0, 9000.0], "fwhm_aa": [3.0, 2.0]}),
    }
    name, options = special.get(request.param, (request.param, {}))
    return make_lsf(name, **options)


def test_contract(lsf):
    wave = WAVE_AA.copy()
    fwhm = lsf.fwhm_aa(wave)
    assert fwhm.shape == wave.shape
    assert np.isfinite(fwhm).all()
    assert (fwhm >= 0.0).all()
    assert lsf.fwhm_aa(wave.reshape(1, -1)).shape == (1, wave.size)
    np.testing.assert_array_equal(wave, WAVE_AA)


def test_muse_published_values_and_ends():
    muse, deep = make_lsf("muse"), make_lsf("muse-udf10")
    # Bacon+ 2017: at 7000 A, and constant outside 4750-9350 A.
    assert muse.fwhm_aa(7000.0) == pytest.approx(5.835e-8 * 4.9e7 - 9.080e-4 * 7000 + 5.983)
    assert deep.fwhm_aa(7000.0) == pytest.approx(5.866e-8 * 4.9e7 - 9.187e-4 * 7000 + 6.040)
    assert muse.fwhm_aa(4000.0) == muse.fwhm_aa(4750.0) == pytest.approx(2.9865, abs=1e-3)
    assert muse.fwhm_aa(12000.0) == muse.fwhm_aa(9350.0)


def test_constant_and_tabulated_values(tmp_path):
    assert make_lsf("constant", resolving_power=2000.0).fwhm_aa(6000.0) == pytest.approx(3.0)
    (tmp_path / "lsf.dat").write_text("# wavelength fwhm\n5000 3.0\n6000 2.0\n")
    lsf = make_lsf("tabulated", path=tmp_path / "lsf.dat")
    np.testing.assert_allclose(lsf.fwhm_aa(np.array([1000.0, 5500.0, 9000.0])), [3.0, 2.5, 2.0])


def test_sigma_is_the_quadrature_sum():
    wave, z = np.array([5000.0, 6500.0]), 0.1
    sigma, clipped = broadening_sigma_aa(wave, z, 200.0, make_lsf("muse"), np.full(2, 2.0))
    for i, w in enumerate(wave):
        lsf_rest = make_lsf("muse").fwhm_aa(w * 1.1) / 1.1 / FWHM_PER_SIGMA
        expected = np.sqrt((200.0 / C_KMS * w) ** 2 + lsf_rest**2 - (2.0 / FWHM_PER_SIGMA) ** 2)
        assert sigma[i] == pytest.approx(expected, rel=1e-12)
    assert not clipped.any()


def test_batch_equals_single_and_inputs_stay():
    z, kms = np.array([0.0, 0.02, 0.1]), np.array([0.0, 100.0, 300.0])
    sigma, clipped = broadening_sigma_aa(WAVE_AA, z, kms, make_lsf("muse"), 2.51)
    assert sigma.shape == clipped.shape == (3, WAVE_AA.size)
    for i in range(3):
        single, _ = broadening_sigma_aa(WAVE_AA, z[i], kms[i], make_lsf("muse"), 2.51)
        np.testing.assert_array_equal(sigma[i], single)
    np.testing.assert_array_equal(kms, [0.0, 100.0, 300.0])


def test_clipped_where_the_template_is_coarser():
    # E-MILES (2.51 A) is coarser than MUSE redward of about 6765 A when the stars have no dispersion.
    wave = np.array([6700.0, 6760.0, 6790.0, 6900.0])
    sigma, clipped = broadening_sigma_aa(wave, 0.0, 0.0, make_lsf("muse"), 2.51)
    np.testing.assert_array_equal(clipped, [False, False, True, True])
    np.testing.assert_array_equal(sigma[2:], 0.0)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("mose", {}, "unknown LSF 'mose': did you mean muse"),
        ("xyz", {}, "Known: muse, muse-udf10"),
        ("muse", {"fwhm_aa": 2.0}, "LSF 'muse' does not take these options"),
        ("constant", {}, "exactly one of fwhm_aa and resolving_power"),
        ("constant", {"fwhm_aa": 1.0, "resolving_power": 1.0}, "exactly one of"),
        ("constant", {"fwhm_aa": -1.0}, "must be positive, got -1.0"),
        ("tabulated", {}, "give either path, or wave_aa and fwhm_aa"),
        ("tabulated", {"wave_aa": [1.0, 2.0]}, "come together"),
        ("tabulated", {"wave_aa": [5e3, 4e3], "fwhm_aa": [1.0, 1.0]}, "row 2 does not"),
        ("tabulated", {"wave_aa": [4e3, 5e3], "fwhm_aa": [1.0, -1.0]}, "row 2 has a negative FWHM"),
        ("tabulated", {"wave_aa": [4e3, 5e3], "fwhm_aa": [np.nan, 1.0]}, "row 1 is not finite"),
        ("tabulated", {"wave_aa": [4e3, 5e3], "fwhm_aa": [1.0]}, "two columns of equal length"),
    ],
)
def test_bad_lsf(name, options, message):
    with pytest.raises(RecipeError, match=message):
        make_lsf(name, **options)


def test_missing_lsf_file(tmp_path):
    with pytest.raises(MissingDataError, match=r"LSF file not found: .*none\.dat"):
        make_lsf("tabulated", path=tmp_path / "none.dat")


@pytest.mark.parametrize(("z", "kms", "message"), [(0.0, -1.0, "dispersion"), (-1.0, 10.0, "redshift")])
def test_bad_kinematics(z, kms, message):
    with pytest.raises(RecipeError, match=message):
        broadening_sigma_aa(WAVE_AA, z, kms, make_lsf("none"))


def test_register(monkeypatch):
    monkeypatch.setattr("sfhsim.instrument.lsf.LSF_REGISTRY", dict(LSF_REGISTRY))
    register_lsf("mine", lambda: make_lsf("constant", fwhm_aa=4.0))
    assert make_lsf("mine").fwhm_aa(5000.0) == 4.0
    with pytest.raises(RecipeError, match="'mine' is already registered"):
        register_lsf("mine", lambda: None)
