"""Random libraries between those of several makers."""

import numpy as np
import pytest
from miniature import AGE_YR, WAVE_AA, miniature_library

from sfhsim.errors import LibraryError
from sfhsim.libraries import Variations, load_library, variations, varied

OPTICAL = (WAVE_AA > 4000.0) & (WAVE_AA < 9000.0)


@pytest.fixture(scope="module")
def base():
    return miniature_library()


def donor(base, ratio, **changes):
    """The base times a ratio that depends on wavelength."""
    return miniature_library(name="donor", flux=base.flux * np.asarray(ratio, dtype=np.float32), **changes)


def tilt(size):
    return np.exp(size * (np.clip(WAVE_AA, 3500.0, 9900.0) - 6500.0) / 3000.0)


def test_the_same_seed_makes_the_same_library_and_another_another(base):
    donors = [donor(base, tilt(0.1))]
    first, again, other = (varied(base, donors, seed, name="v") for seed in (3, 3, 4))
    assert first.content_checksum() == again.content_checksum()
    assert not np.array_equal(first.flux, other.flux)
    assert first.name == "v"
    assert np.array_equal(first.ionizing_photon_rate, base.ionizing_photon_rate)


def test_without_waves_it_lies_between_base_and_donor_or_up_to_half_as_far_beyond(base):
    donors = [donor(base, tilt(0.2))]
    reached = []
    for seed in range(12):
        made = varied(base, donors, seed, name="v", continuum_rms=0.0)
        slope = np.log(made.flux / base.flux)[..., OPTICAL] / np.log(tilt(0.2))[OPTICAL]
        share = np.median(slope, axis=-1)  # the same at all wavelengths
        assert np.abs(slope - share[..., None])[..., np.abs(WAVE_AA[OPTICAL] - 6500.0) > 500.0].max() < 0.05
        assert share.min() > 0.0
        assert share.max() < 1.5
        reached.append(share.mean())
    assert min(reached) < 0.35
    assert max(reached) > 0.65


def test_light_per_mass_follows_the_donors(base):
    made = varied(base, [donor(base, 1.4)], 1, name="v", continuum_rms=0.0)
    factor = np.log(made.flux[..., OPTICAL] / base.flux[..., OPTICAL]) / np.log(1.4)
    assert (factor.max(axis=-1) - factor.min(axis=-1)).max() < 1e-3
    assert 0.0 < factor.min() < factor.max() < 1.5


def test_waves_have_the_rms_that_was_asked_for_and_are_smooth(base):
    same = [donor(base, 1.0)]
    found = [np.log(varied(base, same, seed, name="v", continuum_rms=0.02).flux / base.flux) for seed in range(6)]
    waves = np.stack(found)[..., OPTICAL]
    assert 0.008 < waves.std() < 0.022  # less between the nodes
    assert np.abs(np.diff(waves, axis=-1)).max() < 0.02 * 6.0 * 6.0 / 320.0  # 6 sigma from node to node


def test_beyond_a_donor_its_ends_are_held_and_at_younger_ages_its_shape_fades(base):
    pixels, ages = (WAVE_AA > 4500.0) & (WAVE_AA < 8000.0), AGE_YR >= 1e9
    short = donor(base, tilt(0.2)).flux[:, ages][..., pixels]
    small = miniature_library(
        name="short",
        flux=short,
        wave_aa=WAVE_AA[pixels],
        age_yr=AGE_YR[ages],
        resolution_fwhm_aa=np.full(pixels.sum(), 2.5),
        ionizing_photon_rate=None,
        ionizing_luminosity_lsun=None,
    )
    made = varied(base, [small], 2, name="v", continuum_rms=0.0)
    ratio = np.log(made.flux / base.flux)
    blue, red = (WAVE_AA > 2000.0) & (WAVE_AA < 4000.0), (WAVE_AA > 9000.0) & (WAVE_AA < 20000.0)
    for beyond in (blue, red):
        assert np.ptp(ratio[..., beyond], axis=-1).max() < 1e-5
    assert (ratio[:, -1][:, red].mean(axis=-1) > ratio[:, -1][:, blue].mean(axis=-1) + 0.005).all()
    assert np.ptp(ratio[:, AGE_YR <= 1e8][..., OPTICAL], axis=-1).max() < 1e-5


def test_what_cannot_be_a_donor_is_said(base):
    with pytest.raises(LibraryError, match="name at least one donor"):
        varied(base, [], 0, name="v")
    with pytest.raises(LibraryError, match="seed must be an integer"):
        varied(base, [base], -1, name="v")
    with pytest.raises(LibraryError, match="continuum_rms 2 must be"):
        varied(base, [base], 0, name="v", continuum_rms=2.0)
    with pytest.raises(LibraryError, match="reach"):
        varied(base, [base], 0, name="v", reach=(2.0, 1.0))
    ultraviolet = WAVE_AA < 3400.0
    dark = miniature_library(
        name="uv",
        flux=base.flux[..., ultraviolet],
        wave_aa=WAVE_AA[ultraviolet],
        resolution_fwhm_aa=np.full(ultraviolet.sum(), 2.5),
    )
    with pytest.raises(LibraryError, match="'uv' and 'miniature' share no 500 A"):
        varied(base, [dark], 0, name="v")


def test_many_are_made_of_libraries_compared_once(base, monkeypatch):
    donors, compared = [donor(base, tilt(0.1)), donor(base, tilt(-0.2))], []
    single = [varied(base, donors, seed, name="v") for seed in (3, 4)]
    whole = variations._compared
    monkeypatch.setattr(variations, "_compared", lambda *pair: compared.append(pair) or whole(*pair))
    between = Variations(base, donors)
    for seed, one in zip((3, 4), single, strict=True):
        again = between.library(seed, name="v")
        assert again.content_checksum() == one.content_checksum()
        assert again.notes == one.notes
    assert len(compared) == 2


def test_the_command_makes_several_that_can_be_loaded(base, tmp_path, monkeypatch):
    from sfhsim.cli import main
    from sfhsim.libraries import save_library

    monkeypatch.setenv("SFHSIM_HOME", str(tmp_path))
    libraries = base, donor(base, tilt(0.1))
    paths = [str(save_library(one, tmp_path / one.name)) for one in libraries]
    monkeypatch.setattr("sys.argv", ["sfhsim", "library", "vary", *paths, "--name=mix", "--seed=5", "--count=2"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    second = load_library("mix-01")
    assert np.array_equal(second.flux, varied(base, [donor(base, tilt(0.1))], 6, name="mix-01").flux)
