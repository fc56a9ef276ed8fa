"""Libraries of several makers, among the templates of MaNGA's data analysis pipeline (Westfall et al. 2019).

The pipeline's licence (BSD-3-Clause) is not that of the template sets, which are their makers'. Each library's notes
hold its light per Msun formed against the embedded bc03-miles (`sfhsim.libraries.light`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from sfhsim.libraries.catalogue import EMBEDDED_NAME, load_library
from sfhsim.libraries.importing import reader_module
from sfhsim.libraries.light import ratio_in_words
from sfhsim.libraries.ssp_library import SSPLibrary

_UNSTATED = (
    "none stated with the files by {}: ask them before redistributing (sdss-mangadap 4.5.0, which holds them, has its "
    "code under BSD-3-Clause)"
)


@dataclass(frozen=True)
class Source:
    """A folder of templates, the reader that takes it, and what the reader cannot know."""

    folder: str
    reader: str
    texts: dict[str, str] = field(default_factory=dict)
    compared: bool = True


SOURCES = {
    "m11-miles": Source("m11_miles", "m11_miles", {"licence": _UNSTATED.format("Maraston & Stromback")}),
    # scaled to the light of the embedded library by its reader
    "mastar-ssp": Source("mastar_ssp_v1.0", "mastar", {"licence": _UNSTATED.format("Maraston et al.")}, compared=False),
    "bpass": Source("bpass", "bpass", {"licence": _UNSTATED.format("the BPASS team")}),
    "miuscat": Source("miuscat", "miles", {"citation": "Vazdekis et al. (2010, 2012); Ricciardelli et al. (2012)"}),
}


def read_folder(name: str, folder: Path) -> SSPLibrary:
    """The library called ``name``, a key of `SOURCES`, from its folder; LibraryError as its reader."""
    source = SOURCES[name]
    library = reader_module(source.reader).read([folder], name=name)
    notes = [library.notes]
    if source.compared:
        notes.append(ratio_in_words(library, load_library(EMBEDDED_NAME)))
    return library.replace(**source.texts, notes=" ".join(notes))
