"""What the bits of the map FLAG mean: the sum of those that hold; 0 is a bin of which nothing is to be said."""

from __future__ import annotations

import numpy as np

UNLIKE_TRAINING, AT_EDGE, LOW_SNR, NO_KINEMATICS, PARTIAL, NO_RESULT, SIGMA_OUTSIDE, NO_BANDS = (
    1 << k for k in range(8)
)
MASKED, NO_DATA = 1 << 8, 1 << 9
NOT_REPRODUCED = 1 << 10

MEANINGS = {
    UNLIKE_TRAINING: "unlike all training spectra: an extrapolation",
    AT_EDGE: "a summary is at the edge of the training range: a limit",
    LOW_SNR: "S/N below the target of the bins",
    NO_KINEMATICS: "no velocity: that of the nearest bin is taken",
    PARTIAL: "over 30% of the model's pixels have no data",
    NO_RESULT: "the model could not be applied",
    SIGMA_OUTSIDE: "dispersion outside of the training range",
    NO_BANDS: "images were given, but have no data here",
    MASKED: "left out by the mask image or the S/N limit",
    NO_DATA: "no data in the cube",
    NOT_REPRODUCED: "the spectrum made again of the histories is another",
}
_PARTIAL_FROM = 0.3


def flags_of_bins(
    novelty: np.ndarray,
    at_edge: np.ndarray,
    masked_fraction: np.ndarray,
    problem: np.ndarray,
    *,
    low_snr: np.ndarray,
    no_kinematics: np.ndarray,
    sigma_outside: np.ndarray,
    no_bands: np.ndarray,
    not_reproduced: np.ndarray,
) -> np.ndarray:
    """(n_bin,) int32 of arrays (n_bin,), ``at_edge`` (n_bin, n_summary)."""
    with np.errstate(invalid="ignore"):
        parts = {
            UNLIKE_TRAINING: ~(novelty <= 1.0) & ~problem,
            AT_EDGE: at_edge.any(axis=1),
            LOW_SNR: low_snr,
            NO_KINEMATICS: no_kinematics,
            PARTIAL: masked_fraction > _PARTIAL_FROM,
            NO_RESULT: problem,
            SIGMA_OUTSIDE: sigma_outside,
            NO_BANDS: no_bands,
            NOT_REPRODUCED: not_reproduced & ~problem,
        }
    flags = np.zeros(novelty.shape, dtype=np.int32)
    for bit, holds in parts.items():
        flags |= np.where(holds, bit, 0).astype(np.int32)
    return flags
