"""Keras layers of the networks; pure `keras.ops`, every argument in ``get_config``."""

from sfhmodel.layers.augmentation import Augmentation
from sfhmodel.layers.normalization import PhotometryNormalization, SpectrumNormalization
from sfhmodel.layers.novelty import NoveltyScore
from sfhmodel.layers.patches import Patches
from sfhmodel.layers.quantiles import CumulativeQuantiles, NoiseGroups, OrderedQuantiles
from sfhmodel.layers.self_attention import AttentionPooling, SelfAttentionBlock, TokenPosition

__all__ = [
    "AttentionPooling",
    "Augmentation",
    "CumulativeQuantiles",
    "NoiseGroups",
    "NoveltyScore",
    "OrderedQuantiles",
    "Patches",
    "PhotometryNormalization",
    "SelfAttentionBlock",
    "SpectrumNormalization",
    "TokenPosition",
]
