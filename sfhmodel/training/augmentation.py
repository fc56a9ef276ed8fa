"""The augmentation of a run: the default, and what its options leave to the data and the seed."""

from __future__ import annotations

from sfhmodel.checking.bank import load_bank
from sfhmodel.description import ModelDescription
from sfhmodel.training.config import TrainingConfig


def default_augmentation(n_pixel: int) -> dict:
    """Mild effects, so that the network has met them, and most galaxies stay nearly as they are in the data set."""
    return {
        "noise": {"snr": [10.0, 100.0], "probability": 0.2},
        "masked_pixels": {"runs": 4, "length": max(min(n_pixel // 50, 50), 1), "probability": 0.5},
        "dropped_bands": {"probability": 0.05},
        "missing_photometry": {"probability": 0.05},
        "calibration": {"amplitude": 0.02, "order": 4, "probability": 0.5},
        "redshift": {"sigma": 5e-5, "probability": 0.5},
        "missing_errors": {"probability": 0.1},
    }


def augmentation_options(config: TrainingConfig, description: ModelDescription) -> dict | None:
    """Arguments of `sfhmodel.layers.augmentation.Augmentation`, or None for none; a bank of residuals is read.

    Raises
    ------
    ConfigError
        The bank cannot be read, or does not cover the grid.
    """
    if config.augmentation is False or config.augmentation == {}:
        return None
    chosen = default_augmentation(description.n_pixel) if config.augmentation is True else config.augmentation
    if isinstance(residuals := chosen.get("residuals"), dict) and isinstance(file := residuals.get("bank"), str):
        rows = load_bank(file).encoded(description.wave_aa)  # the model keeps them
        chosen = {**chosen, "residuals": {**residuals, "bank": rows}}
    wave_aa = {"wave_aa": description.wave_aa.tolist()} if chosen.get("redshift") else {}
    return {**wave_aa, "seed": config.seed, **chosen}
