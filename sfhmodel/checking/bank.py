"""A bank of residuals: what real spectra have that spectra made again from their histories have not.

One npz file: ``residual`` and ``good`` (n, n_pixel), ``wave_aa`` (n_pixel,), ``names`` (n,), and ``about``, JSON of
where they come from with the sha256 of all that.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from sfhmodel.errors import ConfigError
from sfhmodel.files import written_whole
from sfhmodel.layers.residual_rows import LARGEST, encoded_rows

_FORMAT = 1
_ARRAYS = ("residual", "good", "wave_aa", "names")


@dataclass(frozen=True, eq=False)
class ResidualBank:
    """Residuals, spectrum over model minus 1.

    Attributes
    ----------
    residual : (n, n_pixel) float32, between -0.9 and 0.9; where a spectrum has none, straight lines between its others.
    good : (n, n_pixel) bool, where it has some.
    wave_aa : (n_pixel,) of the model, air, in the frame of its spectra.
    names : (n,) of the spectra.
    about : plain data: files, model, versions.

    Raises
    ------
    ConfigError
        No residuals, shapes that do not fit, or numbers that are not finite or too large.
    """

    residual: np.ndarray
    good: np.ndarray
    wave_aa: np.ndarray
    names: tuple[str, ...]
    about: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shape = len(self.names), self.wave_aa.size
        if self.residual.shape != shape or self.good.shape != shape or not self.residual.size:
            raise ConfigError(
                f"a bank of {shape[0]} names and {shape[1]} wavelengths has residuals of shape {self.residual.shape} "
                f"and marks of shape {self.good.shape}: need one row a name, one number a wavelength"
            )
        if not (np.abs(self.residual) <= LARGEST).all():
            raise ConfigError(f"the residuals of a bank must be finite and between -{LARGEST} and {LARGEST}")

    def __len__(self) -> int:
        return len(self.names)

    @property
    def rms(self) -> np.ndarray:
        """(n,) of each row, over its good pixels."""
        square = np.where(self.good, self.residual.astype(np.float64), 0.0) ** 2
        return np.sqrt(square.sum(axis=1) / np.maximum(self.good.sum(axis=1), 1))

    def encoded(self, wave_aa: np.ndarray) -> dict:
        """The rows at these wavelengths (m,), as the augmentation takes them (`sfhmodel.layers.residual_rows`).

        Raises
        ------
        ConfigError
            The bank does not reach as far.
        """
        wave_aa, have = np.asarray(wave_aa, dtype=np.float64), self.wave_aa
        slack = 0.5 * float(np.diff(have).max())
        if wave_aa[0] < have[0] - slack or wave_aa[-1] > have[-1] + slack:
            raise ConfigError(
                f"the bank of residuals covers {have[0]:.0f}-{have[-1]:.0f} A, the spectra to train on "
                f"{wave_aa[0]:.0f}-{wave_aa[-1]:.0f} A: make one with a model of their range"
            )
        return encoded_rows(np.array([np.interp(wave_aa, have, row) for row in self.residual]))

    def write(self, path: str | Path, overwrite: bool = True) -> Path:
        """Write the file, whole or not at all; ConfigError where it exists and may not, or cannot be written."""
        arrays: dict[str, Any] = self._arrays()
        about = {**self.about, "format": _FORMAT, "sha256": _checksum(arrays, self.about)}
        with written_whole(path, overwrite) as temporary, open(temporary, "wb") as file:
            np.savez_compressed(file, **arrays, about=np.array(json.dumps(about)))
        return Path(path)

    def _arrays(self) -> dict[str, np.ndarray]:
        return {
            "residual": np.ascontiguousarray(self.residual, dtype="<f4"),
            "good": np.ascontiguousarray(self.good, dtype=bool),
            "wave_aa": np.ascontiguousarray(self.wave_aa, dtype="<f8"),
            "names": np.array(self.names, dtype=str),
        }


def load_bank(path: str | Path) -> ResidualBank:
    """The bank in a file of `sfhmodel residuals`.

    Raises
    ------
    ConfigError
        No such file; another kind of file; one that is damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in _ARRAYS}
            about = json.loads(str(stored["about"]))
        sealed, version = about.pop("sha256"), about.pop("format")
    except OSError as error:
        raise ConfigError(f"cannot read the bank of residuals {path}: {error.strerror or error}") from error
    except (KeyError, TypeError, ValueError, AttributeError, EOFError, zipfile.BadZipFile) as error:
        raise ConfigError(f"{path} is no bank of residuals, or damaged: make one with `sfhmodel residuals`") from error
    if version != _FORMAT or sealed != _checksum(arrays, about):
        raise ConfigError(f"{path} is damaged or of another version: make it again with `sfhmodel residuals`")
    return ResidualBank(**arrays | {"names": tuple(arrays["names"].tolist())}, about=about)


def _checksum(arrays: dict[str, np.ndarray], about: dict) -> str:
    digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
    for name in _ARRAYS:
        digest.update(f"{name}{arrays[name].shape}".encode())
        digest.update("\0".join(arrays[name]).encode() if name == "names" else arrays[name].tobytes())
    return digest.hexdigest()
