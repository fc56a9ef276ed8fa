"""Errors a user can meet. Each message names what is wrong, where, and what to do about it."""


class SfhmodelError(Exception):
    """Base class of every error that sfhmodel raises on purpose."""


class InputError(SfhmodelError, ValueError):
    """Spectra, magnitudes or a file that cannot be given to the model."""


class TrainingDataError(SfhmodelError, ValueError):
    """A data set that the model cannot learn from or be compared with: another grid, schema, bins or bands."""


class ConfigError(SfhmodelError, ValueError):
    """A configuration that cannot be used: unknown name, impossible number, another run's directory."""


class ModelFileError(SfhmodelError, OSError):
    """A model file, preset or run directory that is missing or damaged."""


class TrainingError(SfhmodelError, RuntimeError):
    """Training that cannot go on, e.g. a loss that is not finite."""


class SfhmodelWarning(UserWarning):
    """Something the user should know about a result that is nevertheless usable."""
