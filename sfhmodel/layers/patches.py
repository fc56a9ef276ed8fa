"""Channels of a spectrum cut into patches: the first convolution as a matrix product.

A convolution whose kernel is k patches long and whose stride is one patch is a convolution of kernel k over patches,
(n, n_patch, n_channel size) -> (n, n_patch, filters). Nothing is interleaved, which on a CPU is slow.
"""

from __future__ import annotations

import keras
from keras import ops


@keras.saving.register_keras_serializable("sfhmodel")
class Patches(keras.layers.Layer):
    """(n, n_pixel) channels to (n, n_patch, n_channel size); the last patch is filled up with zeros.

    Parameters
    ----------
    size : pixels of a patch.
    """

    def __init__(self, size: int, **kwargs):
        super().__init__(**kwargs)
        self.size = size

    def call(self, channels):
        n_pixel = channels[0].shape[-1]
        n_patch = -(-n_pixel // self.size)
        filling = [[0, 0], [0, n_patch * self.size - n_pixel]]
        return ops.concatenate([ops.reshape(ops.pad(c, filling), (-1, n_patch, self.size)) for c in channels], axis=-1)

    def get_config(self):
        return {**super().get_config(), "size": self.size}
