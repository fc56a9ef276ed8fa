"""Parts of `benchmarks.maps` on files of others: nGIST's example, cubes of other instruments, noise of a MUSE cube."""

from __future__ import annotations

from pathlib import Path

import numpy as np

C_KMS = 299792.458
_GAS_KMS = 400.0  # half widths of what pPXF leaves out around lines of gas


def ngist(model_name: str, observed: Path) -> None:
    """On the binned spectra that nGIST wrote: its cube is not among the files.

    GIST and nGIST measure from the first pixel of templates sampled twice as finely as the data, where pPXF wants the
    mean of the first two (their module of stellar kinematics; Cappellari's docstring): velocities are too high by half
    a pixel of these templates, a quarter of VELSCALE. pPXF, run here both ways, shows it.
    """
    from astropy.io import fits

    from sfhmodel.mapping.kinematics.fit import fit_kinematics
    from sfhmodel.mapping.kinematics.templates import LogGrid, stellar_basis

    name = str(observed / "resolved" / "ngist_ngc0000" / "nGIST_NGC0000_")
    with fits.open(name + "BinSpectra.fits") as hdus:
        log = hdus["LOGLAM"].data["LOGLAM"]
        flux, error = (hdus["BIN_SPECTRA"].data[key] for key in ("SPEC", "ESPEC"))
    kin, sfh = (fits.getdata(f"{name}{what}.fits") for what in ("kin", "sfh"))
    step = log[1] - log[0]
    grid = LogGrid(np.exp(np.append(log - step / 2, log[-1] + step / 2)), step * C_KMS)
    found = fit_kinematics(flux, error, np.ones(flux.shape, bool), stellar_basis(grid))
    _say("ngist: V - nGIST's", found.velocity - kin["V"])
    _say("  less the half pixel of its templates", found.velocity - kin["V"] + 0.25 * grid.step_kms)
    try:
        as_ngist, right = (ppxf_velocities(flux, grid, first_pixel=first) for first in (True, False))
    except ImportError:
        print("  pPXF is not installed: `pip install sfhsim[bench]`")
    else:
        _say("  pPXF from the first pixel, as nGIST - nGIST's", as_ngist[0] - kin["V"])
        _say("  V - pPXF from the mean of the first two", found.velocity - right[0])
        _say("  SIGMA - that pPXF's", found.dispersion - right[1])
    _say("  SIGMA - nGIST's", found.dispersion - kin["SIGMA"])
    _ages(model_name, grid.wave_aa, found.velocity, flux, error, kin, sfh)


def _say(what: str, off: np.ndarray) -> None:
    middle = np.median(off)
    print(f"{what}: median {middle:+.1f} km/s, scatter {np.std(off):.1f}, furthest {np.abs(off).max():.1f}")


def ppxf_velocities(flux: np.ndarray, grid, *, first_pixel: bool) -> np.ndarray:
    """(2, n) V and SIGMA of pPXF with nGIST's settings and the stars of `bc03-miles`, sampled twice as finely.

    With ``first_pixel``, V counts from the first pixel of the templates, as in GIST and nGIST; else as pPXF wants it.
    """
    from ppxf.ppxf import ppxf

    from sfhsim.libraries import load_library
    from sfhsim.pixels import rebin_padded

    library, step, ratio = load_library("bc03-miles"), grid.step_kms / C_KMS, 2
    low, high = grid.wave_aa[0] * 0.97, grid.wave_aa[-1] * 1.03
    n = int(np.log(high / low) / step) * ratio
    edges = low * np.exp(np.arange(n + 1) * step / ratio)
    near = (library.wave_aa > low - 50.0) & (library.wave_aa < high + 50.0)
    ages = np.unique(np.searchsorted(library.age_yr, np.geomspace(1e7, 1.3e10, 12)))
    stars = np.asarray(library.flux[:, ages][..., near], dtype=np.float64).reshape(-1, near.sum())
    stars = rebin_padded(library.wave_aa[near], stars, edges)
    log = np.log(np.sqrt(edges[1:] * edges[:-1]))
    start = log[0] if first_pixel else log[:ratio].mean()
    good = np.flatnonzero(grid.gas_free(np.zeros(1), _GAS_KMS)[0])
    answers = []
    for spectrum in flux / np.median(flux, axis=1, keepdims=True):
        fit = ppxf(
            (stars / np.median(stars, axis=1, keepdims=True)).T,
            spectrum,
            np.ones(spectrum.size),
            grid.step_kms,
            [0.0, 100.0],
            goodpixels=good,
            moments=4,
            degree=8,
            vsyst=(start - np.log(grid.wave_aa[0])) * C_KMS,
            velscale_ratio=ratio,
            quiet=True,
        )
        answers.append(fit.sol[:2])
    return np.array(answers).T


def _ages(model_name: str, wave_aa: np.ndarray, velocity: np.ndarray, flux, error, kin, sfh) -> None:
    """Beside nGIST's, which are of MILES and weighted by light."""
    import warnings

    import sfhmodel
    from sfhmodel.spectra import PreparationSettings

    model = sfhmodel.load(model_name, settings=PreparationSettings(min_coverage=0.2))
    rest = wave_aa[None] * np.exp(-velocity[:, None] / C_KMS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        answers = [model.predict(w, f, e) for w, f, e in zip(rest, flux, error, strict=True)]
    print(f"  {'bin':>4} {'V':>7} {'pPXF':>7}  {'log age LW':>10} {'pPXF':>6}  {'[M/H] LW':>8} {'pPXF':>6}  novelty")
    for k in range(0, len(kin), 3):
        age, z = (float(answers[k].summary(s)[0]) for s in ("mean_log10_age_yr_light", "log10_metallicity_light"))
        theirs = np.log10(sfh["AGE"][k] * 1e9), sfh["METAL"][k]
        print(
            f"  {k:4d} {velocity[k]:7.1f} {kin['V'][k]:7.1f}  {age:10.2f} {theirs[0]:6.2f}  "
            f"{z - np.log10(0.02):8.2f} {theirs[1]:6.2f}  {float(answers[k].novelty[0]):.2f}"
        )


def noise_growth(flux: np.ndarray, side: int) -> float:
    """Noise of sums of ``side`` x ``side`` spaxels over that of independent ones, of spectra (m, n_y, n_x).

    Noise is what second differences of the spectra over four pixels scatter, without what the spaxels have in common.
    """
    difference = (flux[:-4] - 2.0 * flux[2:-2] + flux[4:]) / np.sqrt(6.0)
    light = np.median(flux, axis=0)
    common = np.tensordot(difference, light, 2) / np.sum(light**2)
    usual = np.abs(common - np.median(common)) < 3.0 * _scatter(common)
    noise = (difference - common[:, None, None] * light)[usual]
    alone = _scatter(noise)
    starts = [range(0, n - side + 1, side) for n in light.shape]
    boxes = [(slice(y, y + side), slice(x, x + side)) for y in starts[0] for x in starts[1]]
    growth = [_scatter(noise[:, *box].sum(axis=(1, 2))) / np.sqrt(np.sum(alone[box] ** 2)) for box in boxes]
    return float(np.median(growth))


def _scatter(values: np.ndarray) -> np.ndarray:
    """One sigma along the first axis, by the median."""
    return 1.4826 * np.median(np.abs(values - np.median(values, axis=0)), axis=0)


def covariance(observed: Path) -> None:
    """Of ESO's cube of Abell 478, one exposure: what `sfhmodel.mapping.covariance` takes for MUSE."""
    from sfhmodel.mapping.covariance import Covariance
    from sfhmodel.mapping.cube import open_cube

    with open_cube(observed / "cubes" / "abell478_bcg_muse_crop20.fits") as cube:
        law = Covariance.of(cube, None)
        for low, high in ((4900.0, 5500.0), (5600.0, 6200.0), (6000.0, 6800.0)):
            window = cube.window(low, high)
            block = next(cube.blocks(window, cube.shape[0], mask_sky=False))
            flux = block.flux.T.astype(np.float64).reshape(-1, *cube.shape)
            rows = [f"{s * s}: {noise_growth(flux, s):.2f} ({law(np.array([s * s]))[0]:.2f})" for s in (2, 3, 4, 5)]
            where = f"{low:.0f}-{high:.0f} A"
            print(f"covariance: {where}, N: noise over that of independent spaxels (taken) {', '.join(rows)}")


def cubes(model_name: str, folder: Path, observed: Path) -> None:
    """Maps of real cubes, or the reason that is given."""
    import sfhmodel
    from sfhmodel.mapping import MapOptions, map_cubes
    from sfhmodel.spectra import ReadOptions

    model = sfhmodel.load(model_name)
    files = (
        ("abell478_bcg_muse_crop20.fits", "sn:10", {"redshift": 0.088}),
        ("ngc3081_gmos_ifu.fits", "spaxel", {}),
        ("ngc3081_gmos_ifu.fits", "spaxel", {"error_is": "variance"}),
        ("mrk1239_pmas_HE0949-0122.fits.gz", "sn:20", {"redshift": 0.0199}),
    )
    for name, bins, said in files:
        path = observed / "cubes" / name
        options, reading = MapOptions(bins=bins), ReadOptions(**said)
        (outcome,) = map_cubes(model, [path], folder / "cubes", options=options, reading=reading, overwrite=True)
        result = outcome.problem or f"{outcome.n_bin} bins, {outcome.n_unlike} unlike the training data"
        print(f"cubes: {name} {said or ''}: {result}")
