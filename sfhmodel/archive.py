"""The archive of a model file, looked at before Keras opens it: sizes, nesting and numbers.

A .keras file may come from anywhere. Its zip directory says what it holds and how large that is, before anything is
unpacked; its weights are read as numbers, and only links within the file are followed.
"""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from sfhmodel.errors import ModelFileError

CONFIG, WEIGHTS = "config.json", "model.weights.h5"
_MEMBERS = {CONFIG, WEIGHTS, "metadata.json"}
_LARGEST_CONFIG = 50_000_000  # bytes
_LARGEST_WEIGHTS = 2_000_000_000
_SWELLING = 50  # times its compressed size, for what is larger than this many bytes:
_SMALL = 10_000_000
_DEEPEST = 50  # levels of the configuration
_LARGEST_OPTION = 16_384  # of a network: filters, units, kernels


def read_config(path: Path) -> dict:
    """The configuration in a .keras file whose members are whole, of bearable size, and of finite numbers.

    Raises
    ------
    ModelFileError
        Truncated, damaged, hostile, or another kind of file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check_directory(path, archive)
            if bad := archive.testzip():
                raise ModelFileError(f"{path} is damaged: the checksum of {bad} does not fit; copy or train it again")
            config = json.loads(archive.read(CONFIG))
            _check_config(path, config)
            _check_weights(path, archive.read(WEIGHTS))
    except ModelFileError:
        raise
    except PermissionError as error:
        raise ModelFileError(f"cannot read {path}: {error.strerror}") from error
    except RecursionError:
        raise ModelFileError(f"{path} is no model of sfhmodel: its {CONFIG} is nested too deeply") from None
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
        raise ModelFileError(f"{path} is damaged or no .keras file ({error}): copy or train it again") from error
    return config


def model_config(path: Path) -> dict:
    """The arguments of the model in a .keras file that `read_config` has passed."""
    with zipfile.ZipFile(path) as archive:
        config = json.loads(archive.read(CONFIG)).get("config")
    return config if isinstance(config, dict) else {}


def _check_directory(path: Path, archive: zipfile.ZipFile) -> None:
    names = archive.namelist()
    if missing := [name for name in (CONFIG, WEIGHTS) if name not in names]:
        raise ModelFileError(f"{path} is no .keras file: it lacks {', '.join(missing)}")
    if len(set(names)) < len(names) or not set(names) <= _MEMBERS:
        odd = next((name for name in names if name not in _MEMBERS), "a name twice")
        raise ModelFileError(f"{path} is no model of sfhmodel: it also holds {odd[:100]!r}")
    for member in archive.infolist():
        largest = _LARGEST_WEIGHTS if member.filename == WEIGHTS else _LARGEST_CONFIG
        swollen = member.file_size > _SMALL and member.file_size > _SWELLING * member.compress_size
        if member.file_size > largest or swollen:
            raise ModelFileError(
                f"{path} was not opened: {member.filename} would swell from {member.compress_size / 1e6:.1f} MB to "
                f"{member.file_size / 1e6:.0f} MB, which no model of sfhmodel does"
            )


def _check_config(path: Path, config) -> None:
    nested: list[tuple[Any, int]] = [(config, 1)]
    while nested:
        value, depth = nested.pop()
        if depth > _DEEPEST:
            raise ModelFileError(f"{path} is no model of sfhmodel: its {CONFIG} is nested too deeply")
        if isinstance(value, dict | list):
            nested += [(item, depth + 1) for item in (value.values() if isinstance(value, dict) else value)]
    options = config.get("config") if isinstance(config, dict) else None
    largest: float = 0
    waiting: list[Any] = [options.get("architecture_options") if isinstance(options, dict) else None]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict | list):
            waiting += value.values() if isinstance(value, dict) else value
        elif isinstance(value, int | float):
            largest = max(largest, abs(value))
    if largest > _LARGEST_OPTION:
        raise ModelFileError(
            f"{path} was not opened: its architecture_options reach {largest:g}, no network here has more than "
            f"{_LARGEST_OPTION} of anything"
        )


def _check_weights(path: Path, content: bytes) -> None:
    """Numbers that are finite, no larger than the file that holds them, and linked within it."""
    import h5py

    try:
        with h5py.File(io.BytesIO(content)) as file:
            odd = []
            file.visititems_links(lambda name, link: odd.append(name) if not isinstance(link, h5py.HardLink) else None)
            arrays = []
            file.visititems(lambda name, item: arrays.append((name, item)) if isinstance(item, h5py.Dataset) else None)
            if odd or any(array.is_virtual or array.external for _, array in arrays):
                raise ModelFileError(f"{path} was not opened: its weights lead out of the file")
            if sum(array.nbytes for _, array in arrays) > 2 * len(content) + _SMALL:
                raise ModelFileError(f"{path} was not opened: its weights would swell beyond the size of the file")
            for name, array in arrays:
                if array.dtype.kind == "f" and not np.isfinite(array[()]).all():
                    raise ModelFileError(
                        f"{path} is damaged: the weights {name} are not all finite numbers; copy or train it again"
                    )
    except ModelFileError:
        raise
    except (OSError, ValueError, TypeError, KeyError, RuntimeError, MemoryError) as error:
        raise ModelFileError(
            f"{path} cannot be opened: its weights cannot be read ({error}); copy or train it again"
        ) from error
