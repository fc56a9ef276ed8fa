"""Densities whose samples are known, for what comes from a flow to the posterior."""

import numpy as np

from sfhmodel.posterior.coordinates import log_normal


def one_group(z):
    """All points are of it."""
    return np.zeros(len(z), dtype=int)


def sheet(z):
    """Where a thin sheet is that bends: its first two coordinates, at others of a standard normal."""
    return np.c_[0.5 * z[:, 2] ** 2 - z[:, 3] * z[:, 4], np.sin(z[:, 2]) + 0.5 * z[:, 3]]


def of_sheet(z):
    """Natural logarithm; its integral is 1."""
    return log_normal(z[:, 2:]) + log_normal((z[:, :2] - sheet(z)) / [0.002, 0.05]) - np.log(0.002 * 0.05)
