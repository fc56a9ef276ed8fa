"""A made-up miniature SSP library and recipes on it: everything a real one has, small enough for milliseconds."""

from __future__ import annotations

import numpy as np

from sfhsim.libraries import SSPLibrary

METALLICITY = np.array([0.0004, 0.004, 0.02, 0.05])
AGE_YR = np.array([1e6, 3e6, 1e7, 3e7, 1e8, 3e8, 1e9, 2e9, 4e9, 7e9, 1e10, 1.3e10])
WAVE_AA = np.concatenate(
    [np.arange(850.0, 2400.0, 10.0), np.arange(2400.0, 9600.0, 6.0), np.geomspace(9600.0, 30000.0, 150)]
)
BANDS = ("HST/WFC3_UVIS.F275W", "HST/WFC3_UVIS.F555W", "HST/WFC3_UVIS.F814W")


def miniature_library(**changes) -> SSPLibrary:
    """Black bodies that cool and fade with age, with absorption lines that deepen with metallicity and age."""
    temperature_k = 3.5e4 * (AGE_YR / 1e6) ** -0.21
    planck = WAVE_AA**-5.0 / np.expm1(1.4388e8 / (WAVE_AA * temperature_k[:, None]))
    planck /= np.trapezoid(planck, WAVE_AA, axis=1)[:, None]
    continuum = 800.0 * (AGE_YR[:, None] / 1e6) ** -0.75 * planck
    rng = np.random.default_rng(4)
    centre_aa = np.sort(rng.uniform(2500.0, 9500.0, 80))
    profile = np.exp(-0.5 * ((WAVE_AA - centre_aa[:, None]) / 8.0) ** 2)
    depth = rng.uniform(0.02, 0.3, 80)
    strength = (METALLICITY / 0.05)[:, None] ** 0.3 * (AGE_YR / 1.3e10) ** 0.15
    absorption = np.exp(-strength[..., None] * (depth @ profile))
    flux = (continuum * absorption).astype(np.float32)
    flux[..., WAVE_AA < 911.75] *= np.where(AGE_YR <= 1e7, 1.0, 1e-3)[:, None].astype(np.float32)
    photons = np.where(AGE_YR <= 1e7, 3e46 * (AGE_YR / 1e6) ** -1.5, 1e40)
    attributes = {
        "name": "miniature",
        "metallicity": METALLICITY,
        "age_yr": AGE_YR,
        "wave_aa": WAVE_AA,
        "flux": flux,
        "resolution_fwhm_aa": np.full(WAVE_AA.size, 2.5),
        "ionizing_photon_rate": np.tile(photons, (METALLICITY.size, 1)),
        "ionizing_luminosity_lsun": np.tile(photons * 1.3e-44, (METALLICITY.size, 1)),
        "imf": "Kroupa",
        "source": "made up",
    }
    return SSPLibrary(**(attributes | changes))


def infrared_library() -> SSPLibrary:
    """The miniature library with the tails of its black bodies up to 100 um."""
    library = miniature_library()
    tail_aa = np.geomspace(30000.0, 1.0e6, 200)[1:]
    tail = library.flux[..., -1:] * (WAVE_AA[-1] / tail_aa) ** 4
    wave_aa = np.concatenate([WAVE_AA, tail_aa])
    return library.replace(
        name="infrared",
        wave_aa=wave_aa,
        flux=np.concatenate([library.flux, tail.astype(np.float32)], axis=-1),
        resolution_fwhm_aa=np.full(wave_aa.size, 2.5),
        ionizing_photon_rate=library.ionizing_photon_rate,
        ionizing_luminosity_lsun=library.ionizing_luminosity_lsun,
    )


def miniature_recipe(**changes) -> dict:
    """Plain data of a small varied recipe; keyword arguments replace whole sections."""
    content = {
        "name": "small",
        "description": "Varied galaxies on a made-up library.",
        "library": "miniature",
        "total_mass_msun": {"distribution": "log_uniform", "min": 1e8, "max": 1e10},
        "histories": [
            {
                "family": "skewed_normal",
                "parameters": {
                    "peak_gyr": {"distribution": "uniform", "min": 0.0, "max": 13.0},
                    "period_gyr": {"distribution": "log_uniform", "min": 0.3, "max": 6.0},
                    "burst_sfr": {"distribution": "choice", "values": [0.0, 2.0]},
                },
            },
            {"family": "dense_basis", "n_quantiles": 3, "alpha": 1.0},
        ],
        "metallicity": {"z_start": 4e-4, "z_final": {"distribution": "log_uniform", "min": 0.002, "max": 0.05}},
        "dust": {
            "birth": {"law": "power_law", "tau": {"distribution": "uniform", "min": 0.0, "max": 2.0}},
            "screen": {
                "law": "power_law_bump",
                "tau": {"distribution": "uniform", "min": 0.0, "max": 1.0},
                "parameters": {"bump_strength": {"distribution": "choice", "values": [0.0, 3.0]}},
            },
        },
        "nebular": {"model": "cloudy", "log_u": {"distribution": "uniform", "min": -3.5, "max": -2.0}},
        "kinematics": {"velocity_dispersion_kms": 200.0, "redshift": 0.002},
        "spectrum": {"start_aa": 4800.0, "stop_aa": 7000.0, "step_aa": 5.0, "lsf": {"name": "muse"}},
        "photometry": {"filters": list(BANDS), "error_mag": 0.05},
        "noise": {"model": "poisson", "snr": {"distribution": "log_uniform", "min": 10.0, "max": 100.0}},
    }
    return content | changes


def made_up_lkl10(path) -> None:
    """Write a table of five lines as `sfhsim nebular install lkl10` does; numbers exact in decimals."""
    z, q, line = np.meshgrid(np.arange(5), np.arange(7), np.arange(5), indexing="ij")
    np.savez(
        path,
        metallicity=np.array([0.001, 0.004, 0.008, 0.02, 0.04]),
        ionization_q=np.array([1e7, 2e7, 4e7, 8e7, 1e8, 2e8, 4e8]),
        wavelength=np.array([3727.0, 4861.32, 5006.84, 6562.8, 6583.46]),
        line_names=np.array(["O II", "H beta", "O III", "H alpha", "N II"]),
        norm_halpha=np.where(line == 3, 1.0, 0.1 + ((7 * z + 3 * q + 5 * line) % 11) / 10),
    )
