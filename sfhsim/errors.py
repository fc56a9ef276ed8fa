"""Errors a user can meet. Each message names what is wrong, where, and what to do about it."""


class SfhsimError(Exception):
    """Base class of every error that sfhsim raises on purpose."""


class RecipeError(SfhsimError, ValueError):
    """A recipe that cannot be used: unknown key, impossible distribution, inconsistent choice."""


class LibraryError(SfhsimError, ValueError):
    """A stellar library that is damaged, incomplete, or in the wrong units."""


class MissingDataError(SfhsimError, FileNotFoundError):
    """Data that must be installed first; the message holds the command that installs it."""


class ChecksumError(SfhsimError, OSError):
    """A download or file whose checksum is not the expected one."""


class PluginError(SfhsimError, ImportError):
    """A plug-in that is not there, or fails while it is imported."""


class CoverageError(SfhsimError, ValueError):
    """A grid, filter or line that reaches outside the wavelengths of the library."""


class DatasetError(SfhsimError, OSError):
    """A data set directory that is damaged, or belongs to another run."""


class SfhsimWarning(UserWarning):
    """Something the user should know about a result that is nevertheless usable."""
