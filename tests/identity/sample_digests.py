"""Digests of samples, made in a process of its own whose environment says which processor's code runs in it.

python sample_digests.py FOLDER          recipes on the made-up library, in batches of many sizes and orders
python sample_digests.py FOLDER builtin  8 samples of every built-in recipe on the embedded library
python sample_digests.py FOLDER write    the same into builtin_digests.json beside this file: a deliberate act, with a
                                         new version and a line in the changelog

FOLDER holds the library and line table of `prepare`. The digests are printed as JSON.
"""

import hashlib
import json
import os
import sys
import warnings
from pathlib import Path

import numpy as np

TABLE = Path(__file__).with_name("builtin_digests.json")
N_SAMPLES = 512
BATCHES = (1, 7, 33, 100)
N_SMALL = 24  # samples that are also made in the smallest batches, which are slow
BUILTIN_IDS = [0, 1, 2, 3, 1000, 123_456, 10**9, 2**40]


def uniform(low, high):
    return {"distribution": "uniform", "min": low, "max": high}


DRAWN = {"velocity_dispersion_kms": uniform(20.0, 300.0), "redshift": uniform(0.0, 0.05)}
NORMAL = {"distribution": "normal", "mean": 0.3, "std": 0.5, "min": -1.0, "max": 2.0}
PIXELS = {"start_aa": 4800.0, "stop_aa": 7000.0, "step_aa": 20.0, "lsf": {"name": "muse"}}
RECIPES = {
    "fixed, Cloudy, noise of photons": {
        "noise": {
            "model": "poisson",
            "snr": {"distribution": "log_uniform", "min": 10.0, "max": 100.0},
            "curve": {"wave_aa": [4000.0, 6000.0, 8000.0], "relative_snr": [1.0, 2.0, 1.5]},
        }
    },
    "drawn, Cloudy, constant noise": {
        "kinematics": DRAWN,
        "noise": {
            "model": "constant",
            "snr": {"distribution": "log10_normal", "mean": 1.5, "std": 0.2, "min": 0.5, "max": 2.5},
        },
    },
    "drawn, LKL10 by SFR, no noise": {
        "kinematics": DRAWN | {"line_velocity_dispersion_kms": uniform(10.0, 90.0)},
        "nebular": {"model": "lkl10", "ionization_q_cm_s": {"distribution": "log_uniform", "min": 1e7, "max": 2e8}},
        "noise": {"model": "none"},
    },
    "fixed, LKL10 by energy, bursty dense basis": {
        "nebular": {"model": "lkl10", "scaling": "energy", "escape_fraction": uniform(0.0, 0.5)},
        "histories": [
            {"family": "dense_basis", "n_quantiles": 4, "alpha": 0.4},
            {
                "family": "dense_basis",
                "n_quantiles": 3,
                "alpha": 5.0,
                "parameters": {"log10_ssfr_yr": uniform(-12, -9)},
            },
        ],
        "metallicity": {"form": "linear_mass", "z_start": 1e-3, "z_final": uniform(0.002, 0.04)},
        "dust": {"birth": {"law": "calzetti", "tau": {"distribution": "exponential", "scale": 0.5, "max": 4.0}}},
    },
    "fixed, truncated and tabulated histories": {
        "histories": [
            {
                "family": "skewed_normal",
                "parameters": {
                    "peak_gyr": uniform(0.5, 13.0),
                    "period_gyr": {"distribution": "beta", "a": 0.7, "b": 2.0, "min": 0.2, "max": 4.0},
                    "skewness": NORMAL,
                    "truncation": 2.0,
                    "burst_sfr": uniform(0.0, 2.0),
                },
            },
            {"family": "tabulated", "table": {"age_yr": [1e6, 1e9, 1.2e10], "value": [1.0, 2.0, 0.5]}},
        ],
        "metallicity": {"form": "constant", "z_final": {"distribution": "log_uniform", "min": 1e-3, "max": 0.04}},
        "dust": {
            "screen": {
                "law": "power_law_bump",
                "tau": uniform(0.0, 1.0),
                "parameters": {"exponent": uniform(-1.3, -0.4), "bump_strength": uniform(0.0, 3.0)},
            }
        },
        "nebular": {"model": "none"},
    },
    "drawn, bands missing": {
        "kinematics": DRAWN,
        "photometry": {
            "filters": ["HST/WFC3_UVIS.F275W", "JWST/MIRI.F770W", "HST/WFC3_UVIS.F814W"],
            "error_mag": 0.1,
            "missing": "allow",
        },
    },
    "drawn, an active nucleus": {
        "kinematics": DRAWN,
        "sources": {
            "agn": {
                "fraction": uniform(0.0, 0.6),
                "slope": uniform(-2.5, 0.5),
                "hbeta_width_aa": uniform(0.0, 20.0),
                "velocity_dispersion_kms": uniform(100.0, 400.0),
                "log10_oiii_hbeta": uniform(0.1, 1.1),
            }
        },
    },
    "drawn, emission of dust": {
        "kinematics": DRAWN,
        "dust": {
            "screen": {"law": "power_law_bump", "tau": uniform(0.0, 2.0), "parameters": {"bump_strength": 2.0}},
            "emission": {
                "model": "draine_li_2007",
                "luminosity_factor": {"distribution": "log10_normal", "mean": 0.0, "std": 0.3, "min": -1.0, "max": 1.0},
                "q_pah_percent": uniform(0.47, 4.58),
                "u_min": {"distribution": "log_uniform", "min": 0.1, "max": 25.0},
                "gamma": uniform(0.0, 1.0),
            },
        },
        "nebular": {"escape_fraction": uniform(0.0, 1.0)},
        "photometry": {"filters": ["HST/WFC3_UVIS.F555W", "JWST/NIRCam.F200W"], "error_mag": 0.05},
    },
    "drawn, lines scattered and moving, beside diffuse gas": {
        "kinematics": DRAWN | {"line_velocity_offset_kms": uniform(-300.0, 300.0)},
        "nebular": {
            "line_scatter_dex": uniform(0.0, 0.3),
            "hydrogen_scatter_dex": 0.02,
            "common_scatter_dex": {"distribution": "exponential", "scale": 0.1, "max": 0.5},
        },
        "sources": {
            "diffuse_ionized_gas": {
                "halpha_width_aa": {"distribution": "log_uniform", "min": 0.2, "max": 3.0},
                "log10_nii_halpha": uniform(-0.5, 0.3),
                "log10_sii_halpha": uniform(-0.5, 0.2),
                "log10_oiii_hbeta": uniform(-0.5, 0.45),
                "log10_oi_halpha": uniform(-1.5, -0.35),
            }
        },
    },
    "drawn, ProSpect's forms": {
        "discretisation": "prospect",
        "kinematics": DRAWN,
        "histories": [{"family": "skewed_normal", "parameters": {"peak_gyr": uniform(0.5, 13.0), "truncation": 2.0}}],
        "photometry": {"filters": ["HST/WFC3_UVIS.F275W", "HST/WFC3_UVIS.F814W"], "interpolation": "log"},
        "nebular": {"model": "lkl10", "continuum": False, "line_flux": "prospect"},
    },
}
# worlds of a mixture, of the recipes above
WORLDS = (
    "fixed, Cloudy, noise of photons",
    "drawn, LKL10 by SFR, no noise",
    "fixed, truncated and tabulated histories",
)
SLOW = {"drawn, ProSpect's forms"}  # adaptive integrals, one galaxy at a time: fewer samples


def prepare(folder: Path) -> None:
    """Write the made-up library and a made-up table of lines, exact in decimals, for every process to read."""
    from miniature import made_up_lkl10, miniature_library

    from sfhsim.libraries import save_library

    save_library(miniature_library(), folder / "libraries" / "miniature")
    made_up_lkl10(folder / "lkl10.npz")


def digests(simulator, ids) -> dict[int, str]:
    """One digest of all the arrays of each sample."""
    arrays = [np.ascontiguousarray(a, dtype="<f4") for a in simulator.batch(ids).features().values()]
    rows = [hashlib.sha256(b"".join(a[k].tobytes() for a in arrays)).hexdigest()[:16] for k in range(len(ids))]
    return dict(zip(map(int, ids), rows, strict=True))


def of_made_up_library(folder: Path) -> dict[str, dict[int, str]]:
    """By recipe and sample; AssertionError where another batch or order gives other bytes."""
    from miniature import miniature_recipe

    from sfhsim import MixtureSimulator, Simulator
    from sfhsim.libraries import load_library
    from sfhsim.recipe.loading import recipe_from_dict

    library = load_library(folder / "libraries" / "miniature.ssplib")
    documents = {name: miniature_recipe(**({"spectrum": PIXELS} | changes)) for name, changes in RECIPES.items()}
    # compiled here, with what this process computes with
    simulators = {name: Simulator(recipe_from_dict(content), library, seed=5) for name, content in documents.items()}
    worlds = [{"name": f"world{k}", "weight": 1 + k, "recipe": documents[name]} for k, name in enumerate(WORLDS)]
    mixture = recipe_from_dict({"name": "mixture", "worlds": worlds})
    simulators["mixture"] = MixtureSimulator(mixture, [Simulator(w.recipe, library, seed=5) for w in mixture.worlds])
    found = {}
    for name, simulator in simulators.items():
        ids = np.arange(16 if name in SLOW else N_SAMPLES)
        found[name] = whole = digests(simulator, ids)
        assert digests(simulator, np.random.default_rng(0).permutation(ids)) == whole, f"{name}: another order"
        for size in BATCHES:
            some = ids if size > 10 else ids[:N_SMALL]
            for start in range(0, len(some), size):
                part = digests(simulator, some[start : start + size])
                assert part == {k: whole[k] for k in part}, f"{name}: batches of {size}"
    return found


def of_builtin_recipes() -> dict[str, dict[int, str]]:
    """By built-in recipe, on the embedded library, and sample."""
    from sfhsim import Simulator
    from sfhsim.libraries import load_library
    from sfhsim.recipe import builtin_names, load_recipe

    library = load_library("bc03-miles")
    return {
        name: digests(Simulator(load_recipe(name), library, seed=1), np.array(BUILTIN_IDS)) for name in builtin_names()
    }


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    where = Path(sys.argv[1])
    os.environ["SFHSIM_LKL10"] = str(where / "lkl10.npz")
    what = sys.argv[2] if len(sys.argv) > 2 else ""
    result = of_builtin_recipes() if what else of_made_up_library(where)
    if what == "write":
        import sfhsim

        TABLE.write_text(json.dumps({"sfhsim_version": sfhsim.__version__, "digests": result}, indent=1) + "\n")
    print(json.dumps(result))
