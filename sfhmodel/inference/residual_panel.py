"""The spectrum made again from a prediction, and what it leaves: panels of the picture of one galaxy."""

from __future__ import annotations

import numpy as np

_SHOWN = 99.5  # per cent of the residuals are within the axis


def draw_model(axes, one) -> None:
    """The spectrum made again of a `Prediction` of one galaxy that was checked, over the observed one."""
    from sfhsim.plots.style import RED

    axes.plot(one.description.wave_aa, one.check.model[0], color=RED, lw=0.7, label="made again from the histories")


def draw_residual(axes, one) -> None:
    """Its spectrum over that made again, minus 1, with the errors about it."""
    from sfhsim.plots.style import BLACK, NOTE_SIZE, RED, SKY

    wave_aa, check = one.description.wave_aa, one.check
    used = one.mask[0] > 0
    model = np.where(used & (check.model[0] > 0.0), check.model[0], np.nan)
    residual, error = 100.0 * (one.flux[0] / model - 1.0), 100.0 * one.flux_error[0] / model
    if np.isfinite(error).any():
        axes.fill_between(wave_aa, -error, error, color=SKY, alpha=0.5, lw=0)
    axes.axhline(0.0, color="0.6", lw=0.6)
    axes.plot(wave_aa, residual, color=BLACK, lw=0.6)
    shown = np.concatenate([residual[np.isfinite(residual)], [0.1]])
    reach = 1.2 * float(np.percentile(np.abs(shown), _SHOWN))
    axes.set(ylim=(-reach, reach), ylabel="residual [%]")
    flagged = bool(check.unlike_reproduced[0])
    words = f"rms {check.residual_rms[0]:.1%} of the mean flux"
    if np.isfinite(check.chi2[0]):
        words = f"chi$^2$ = {check.chi2[0]:.2f},  {words}"
    words += f",  $\\sigma_*$ = {check.velocity_dispersion_kms[0]:.0f} km/s"
    if flagged:
        words += f",  NOT REPRODUCED (mismatch {check.mismatch[0]:.1f})"
    box = {"fc": "white", "ec": "none", "alpha": 0.8, "pad": 1.5}
    style = {"fontsize": NOTE_SIZE, "va": "top", "color": RED if flagged else BLACK, "bbox": box}
    axes.text(0.01, 0.95, words, transform=axes.transAxes, **style)
