"""Opening the manifest of a data set, with the plan beside it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from sfhsim.errors import DatasetError
from sfhsim.records.manifest import MANIFEST_SEAL, check_manifest, check_version
from sfhsim.records.plan_document import contradicted_by_plan
from sfhsim.records.schema import MANIFEST
from sfhsim.sealed import read_sealed


def open_manifest(folder: Path) -> dict:
    """The manifest of a data set, its seal included, checked.

    Raises
    ------
    DatasetError
        When there is none, it is damaged, was changed after it was written, contradicts itself or the plan beside it,
        or has a schema version that this sfhsim does not know.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise DatasetError(f"{folder} holds no {MANIFEST}: it is not a data set, or its generation has not finished")
    with _advice(folder):
        manifest = read_sealed(path, MANIFEST_SEAL, keep=True)
    check_version(manifest, path)
    with _advice(folder):
        check_manifest(manifest, path)
        if contradicted_by_plan(folder, manifest):
            raise DatasetError(f"{path} is of another data set than the plan beside it")
    return manifest


@contextlib.contextmanager
def _advice(folder: Path) -> Iterator[None]:
    """Errors in the block say what to do."""
    try:
        yield
    except DatasetError as error:
        raise DatasetError(f"{error}; `sfhsim verify {folder}` tells more, and with --repair restores it") from error
