"""A compiled recipe as a file: bases, operators and tables, sealed with their digest, so that none is made twice.

    line 1   sfhsim compiled recipe 2: the version of what the stages hold
    line 2   BLAKE3 of what follows
    rest     safetensors: the arrays, and the uint8 array ``document`` with JSON of everything else

The same recipe, library and version of sfhsim give the same bytes on every machine. Nothing in the file is executed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from blake3 import blake3

from sfhsim.errors import DatasetError
from sfhsim.files import write_whole
from sfhsim.sealed import RESUME

LAYOUT = 2
_TITLE = b"sfhsim compiled recipe "
MAGIC = _TITLE + b"%d\n" % LAYOUT
_DIGEST_BYTES = 64


@dataclass(frozen=True)
class CompiledRecipe:
    """What a `Simulator` was compiled to, as plain data.

    Attributes
    ----------
    document : fingerprint, recipe, basis_tolerance, sfhsim_version, library, notes, code and stages.
    arrays : those that the stages name.
    digest : BLAKE3 of the file's content, once it was written or read.
    """

    document: dict
    arrays: dict[str, np.ndarray] = field(repr=False)
    digest: str = ""

    def to_bytes(self) -> bytes:
        """The file's content."""
        body = self._body()
        return MAGIC + blake3(body).hexdigest().encode() + b"\n" + body

    def sealed(self) -> CompiledRecipe:
        """The same with its digest."""
        return CompiledRecipe(self.document, self.arrays, blake3(self._body()).hexdigest())

    def _body(self) -> bytes:
        from safetensors.numpy import save

        text = json.dumps(self.document, sort_keys=True).encode()
        tensors = {name: np.ascontiguousarray(array) for name, array in self.arrays.items()}
        return save(tensors | {"document": np.frombuffer(text, dtype=np.uint8)})

    @classmethod
    def from_bytes(cls, content: bytes, origin: str) -> CompiledRecipe:
        """What `to_bytes` gave; DatasetError, naming ``origin``, for anything else."""
        from safetensors import SafetensorError
        from safetensors.numpy import load

        title, _, _ = content[:100].partition(b"\n")
        version = title.removeprefix(_TITLE)
        if title.startswith(_TITLE) and version.isdigit() and int(version) != LAYOUT:
            raise DatasetError(
                f"{origin} has layout {int(version)} of compiled recipes, this sfhsim reads and writes {LAYOUT}: use "
                "the version that it was made with, or make a new data set"
            )
        start = len(MAGIC) + _DIGEST_BYTES + 1
        body = content[start:]
        digest = blake3(body).hexdigest()
        if not content.startswith(MAGIC) or content[len(MAGIC) : start] != digest.encode() + b"\n":
            raise DatasetError(f"{origin} is damaged: its digest does not fit its content")
        try:
            tensors = load(body)
            document = json.loads(tensors.pop("document").tobytes())
        except (SafetensorError, KeyError, ValueError, RecursionError) as error:
            raise DatasetError(f"{origin} is damaged: {error}") from error
        if not isinstance(document, dict):
            raise DatasetError(f"{origin} is damaged: its document is not a JSON object")
        # copies: Numba compiles anew for arrays that are read-only
        return cls(document, {name: array.copy() for name, array in tensors.items()}, digest)


def read_compiled(path: Path) -> CompiledRecipe:
    """The compiled recipe in a file; DatasetError when it is missing or damaged."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise DatasetError(f"{path} is missing") from None
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror or error}") from error
    return CompiledRecipe.from_bytes(content, str(path))


def write_compiled(compiled: CompiledRecipe, path: Path) -> None:
    """Write the file, whole or not at all; DatasetError when it cannot be."""
    write_whole(path, compiled.to_bytes(), DatasetError, RESUME)
