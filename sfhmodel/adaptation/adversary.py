"""A classifier of simulated and observed features, and the gradient that makes features it cannot tell apart.

Ganin et al. 2016, JMLR 17, 59: the classifier learns to separate; what is before the reversal learns the opposite.
"""

from __future__ import annotations

import keras
from keras import ops


def gradient_reversed(features):
    """The features themselves, whose gradient is -1 times that of what is made of them."""
    return 2.0 * ops.stop_gradient(features) - features


def domain_classifier(n_feature: int, units: int = 64) -> keras.Model:
    """Features (n, n_feature) to the logit (n, 1) of being simulated."""
    inputs = keras.Input((n_feature,))
    hidden = keras.layers.Dense(units, activation="relu", name="domain_hidden")(inputs)
    return keras.Model(inputs, keras.layers.Dense(1, name="domain")(hidden), name="domain_classifier")


def adversarial(simulated_logit, observed_logit, weight):
    """Cross entropy of the classifier, both kinds counting the same.

    Parameters
    ----------
    simulated_logit, observed_logit : (n, 1) and (m, 1).
    weight : (n,) of the simulated galaxies.
    """
    of_simulated = ops.sum(weight * ops.softplus(-simulated_logit[:, 0])) / ops.sum(weight)
    return 0.5 * (of_simulated + ops.mean(ops.softplus(observed_logit[:, 0])))
