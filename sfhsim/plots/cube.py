"""A mock cube at a glance: its white light, its velocities, and the ages of its stars."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sfhsim.plots.style import LABEL_SIZE, NOTE_SIZE, RED, TICK_SIZE, check_picture_path, new_figure, save


def plot_cube(cube: str | Path, truth: str | Path, path: str | Path) -> Path:
    """White light of a mock cube with its noise, true velocities and light-weighted ages, foreground stars outlined.

    Parameters
    ----------
    cube, truth : files that `sfhsim.cubes.make_cube` wrote.
    path : picture to write: .png, .pdf or .svg.
    """
    from astropy.io import fits

    path = check_picture_path(path)
    with fits.open(cube, memmap=True) as opened:
        side = 3600.0 * float(opened["DATA"].header["CD2_2"])
        white = np.zeros(opened["DATA"].shape[1:])
        for first in range(0, len(opened["DATA"].data), 64):
            white += np.nansum(opened["DATA"].data[first : first + 64], axis=0, dtype=np.float64)
        white /= len(opened["DATA"].data)
        name = opened[0].header["OBJECT"]
    with fits.open(truth) as opened:
        at = {key: key if f"{key}_PSF" not in opened else f"{key}_PSF" for key in ("V", "LOG_AGE_LW")}
        velocity, age = (np.array(opened[at[key]].data, dtype=np.float64) for key in at)
        stars = np.array(opened["STARMASK"].data)
    limit = float(np.nanmax(np.abs(velocity))) or 1.0
    faintest = max(float(np.percentile(white, 1.0)), 1e-3 * float(white.max()), 1e-30)
    panels = (
        (np.log10(np.maximum(white, faintest)), "gray_r", None, "white light", "log flux [10$^{-20}$ cgs]"),
        (velocity, "RdBu_r", (-limit, limit), "velocity", "V [km s$^{-1}$]"),
        (age, "viridis", None, "age by light", "mean log age [log yr]"),
    )
    figure = new_figure(13.0, 3.8)
    half_y, half_x = 0.5 * side * white.shape[0], 0.5 * side * white.shape[1]
    extent = (half_x, -half_x, -half_y, half_y)
    for axes, (values, colours, limits, title, label) in zip(figure.subplots(1, 3), panels, strict=True):
        low, high = limits or (None, None)
        shown = axes.imshow(
            values, origin="lower", extent=extent, cmap=colours, vmin=low, vmax=high, interpolation="nearest"
        )
        if stars.any() and min(stars.shape) > 1:
            axes.contour(stars, levels=[0.5], colors=RED, linewidths=0.8, origin="lower", extent=extent)
        bar = figure.colorbar(shown, ax=axes, shrink=0.85)
        bar.set_label(label, fontsize=LABEL_SIZE)
        bar.ax.tick_params(labelsize=NOTE_SIZE)
        axes.set_title(f"{name}: {title}", fontsize=LABEL_SIZE + 1)
        axes.set_xlabel("east of the middle [arcsec]", fontsize=LABEL_SIZE)
        axes.set_ylabel("north [arcsec]", fontsize=LABEL_SIZE)
        axes.tick_params(direction="in", top=True, right=True, labelsize=TICK_SIZE)
    return save(figure, path)
