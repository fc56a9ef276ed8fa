"""What no reader of ours fits, by the loaders of specutils, where it is installed (``sfhsim[specutils]``)."""

from __future__ import annotations

import warnings
from importlib.util import find_spec

from sfhmodel.errors import InputError
from sfhmodel.spectra.observed import ObservedSpectrum
from sfhmodel.spectra.options import ReadOptions
from sfhmodel.spectra.source import SourceFile

DESCRIPTION = "any file that a loader of specutils reads, where specutils is installed"


def recognises(source: SourceFile) -> bool:
    """Where specutils is installed: it is the last to be asked."""
    return find_spec("specutils") is not None


def read(source: SourceFile, options: ReadOptions) -> list[ObservedSpectrum]:
    """All spectra of the first loader that knows the file; its name is said."""
    if find_spec("specutils") is None:
        raise InputError("specutils is not installed: pip install 'sfhsim[specutils]'")
    import specutils

    from sfhmodel.spectra.spectrum_objects import spectra_of_objects

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = specutils.SpectrumList.read(str(source.path))
        except Exception as error:  # each loader fails in its own way
            reason = str(error).partition("\n")[0]
            raise InputError(f"no known layout, and no loader of specutils knows it: {reason}") from error
        name = _loader_of(source, specutils)
    source.notes.append(f"read by specutils{f', loader {name!r}' if name else ''}")
    return spectra_of_objects(found, source, options)


def _loader_of(source: SourceFile, specutils) -> str:
    """The name of the loader that takes the file, '' where specutils does not say."""
    try:
        found = specutils.io.registers.identify_spectrum_format(str(source.path), specutils.SpectrumList)
    except Exception:  # only a name is lost
        return ""
    return found if isinstance(found, str) else ", ".join(found)
