"""How far apart two samples of features are: what is made small when a network is adapted (`keras.ops`).

    coral   |mu_s - mu_t|^2 / d + ||C_s - C_t||_F^2 / (4 d)            (Sun & Saenko 2016, ECCV workshops, 443)
    mmd     sum_k <K_k(s, s)> + <K_k(t, t)> - 2 <K_k(s, t)>,  K_k(a, b) = exp(-|a - b|^2 / (b_k m))
            (Gretton et al. 2012, JMLR 13, 723; several kernels: Long et al. 2015, ICML 37, 97)

s are simulated galaxies, each with a weight, t observed ones; m is the mean square distance between the two, b_k
1/4 to 4. Both are 0 for equal samples. Features (n, d) are standardised first, so that none counts more
by its scale.
"""

from __future__ import annotations

from keras import ops

_BANDWIDTHS = (0.25, 0.5, 1.0, 2.0, 4.0)
_VARIANCE_FLOOR = 1e-4  # of features that are all but constant


def standardized(simulated, observed):
    """Both samples with the mean of the two taken off, over their standard deviation; these count as constants."""
    both = ops.stop_gradient(ops.concatenate([simulated, observed], axis=0))
    mean, scale = ops.mean(both, axis=0), ops.sqrt(ops.var(both, axis=0) + _VARIANCE_FLOOR)
    return (simulated - mean) / scale, (observed - mean) / scale


def coral(simulated, observed, weight):
    """Distance of means and covariances.

    Parameters
    ----------
    simulated, observed : (n, d) and (m, d) features.
    weight : (n,) of the simulated galaxies, not negative.
    """
    mean_s, covariance_s = _moments(simulated, weight)
    mean_t, covariance_t = _moments(observed, ops.ones_like(observed[:, 0]))
    d = float(simulated.shape[-1])
    return ops.mean((mean_s - mean_t) ** 2) + ops.sum((covariance_s - covariance_t) ** 2) / (4.0 * d)


def mmd(simulated, observed, weight):
    """Squared maximum mean discrepancy, summed over kernels; parameters as of `coral`."""
    w_s = weight / ops.sum(weight)
    w_t = ops.ones_like(observed[:, 0]) / ops.cast(ops.shape(observed)[0], "float32")
    across = _square_distances(simulated, observed)
    pairs = (
        (1.0, _square_distances(simulated, simulated), w_s, w_s),
        (1.0, _square_distances(observed, observed), w_t, w_t),
        (-2.0, across, w_s, w_t),
    )
    typical = ops.stop_gradient(ops.mean(across)) + 1e-6
    return sum(
        sign * ops.sum(a[:, None] * b[None, :] * ops.exp(-distance / (bandwidth * typical)))
        for bandwidth in _BANDWIDTHS
        for sign, distance, a, b in pairs
    )


def _moments(features, weight):
    """Mean (d,) and covariance (d, d)."""
    share = (weight / ops.sum(weight))[:, None]
    mean = ops.sum(share * features, axis=0)
    offset = features - mean
    return mean, ops.matmul(ops.transpose(share * offset), offset)


def _square_distances(a, b):
    """(n, m)"""
    squares = ops.sum(a * a, axis=1)[:, None] + ops.sum(b * b, axis=1)[None, :]
    return ops.maximum(squares - 2.0 * ops.matmul(a, ops.transpose(b)), 0.0)
