"""Arrays of npz and HDF5 files, row by row, with their sizes checked against the file before anything is allocated."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from sfhmodel.errors import InputError
from sfhmodel.spectra import size_limits
from sfhmodel.spectra.source import SourceFile

_MOST_ARRAYS = 1000
_SMALL = 64 << 20  # bytes of names, redshifts, magnitudes and shared wavelengths


class ArrayFile:
    """Named arrays: shapes and types at once, content when it is asked for."""

    names: tuple[str, ...] = ()
    name = ""  # of the group
    attributes: Mapping[str, object] = {}  # numbers and words that the file says of all arrays

    def shape(self, name: str) -> tuple[int, ...]:
        raise NotImplementedError

    def dtype(self, name: str) -> np.dtype:
        raise NotImplementedError

    def packed_size(self, name: str) -> int:
        """Bytes that the array takes in the file."""
        raise NotImplementedError

    def check_growth(self, name: str) -> None:
        """That an array of measurements is no small lump that swells; InputError otherwise."""
        size_limits.check_growth(self.packed_size(name), self._bytes(name), repr(name))

    def _bytes(self, name: str) -> int:
        return int(np.prod(self.shape(name), dtype=float)) * max(self.dtype(name).itemsize, 1)

    def unit(self, name: str) -> str:
        """As the file says, '' where it does not."""
        return ""

    def rows(self, name: str, rows: slice) -> np.ndarray:
        """Some rows of an array; they must be asked for in order."""
        raise NotImplementedError

    def all_of(self, name: str) -> np.ndarray:
        """All of a small array."""
        if self._bytes(name) > _SMALL:
            raise InputError(
                f"{name} has {self._bytes(name) >> 20} MB, more than any list of wavelengths or names needs"
            )
        return self._all(name)

    def _all(self, name: str) -> np.ndarray:
        raise NotImplementedError

    def is_numbers(self, name: str) -> bool:
        return self.dtype(name).kind in "fiubc"


@contextmanager
def open_arrays(source: SourceFile) -> Iterator[list[ArrayFile]]:
    """The arrays of a file; of an HDF5 file without any at its root, those of each group.

    Raises
    ------
    InputError
        Damaged, or claiming more than it holds.
    """
    try:
        with source.open() as file:
            if source.kind == "npz":
                with zipfile.ZipFile(file) as archive:
                    yield [_Npz(archive)]
            else:
                import h5py

                with h5py.File(file, "r") as opened:
                    yield _of_groups(opened)
    except InputError:
        raise
    except (zipfile.BadZipFile, OSError, EOFError, RuntimeError) as error:
        kind = "npz" if source.kind == "npz" else "HDF5"
        raise InputError(f"it is a damaged {kind} file: {error}") from error


class _Npz(ArrayFile):
    def __init__(self, archive: zipfile.ZipFile):
        self._archive = archive
        self._headers: dict[str, tuple[tuple[int, ...], np.dtype, bool, str]] = {}
        for info in archive.infolist()[:_MOST_ARRAYS]:
            if not info.filename.endswith(".npy") or info.flag_bits & 1:
                continue
            self._headers[info.filename.removesuffix(".npy")] = self._header(info)
        self.names = tuple(self._headers)
        self._streams: dict[str, tuple] = {}

    def _header(self, info: zipfile.ZipInfo):
        with self._archive.open(info) as file:
            version = np.lib.format.read_magic(file)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, fortran, dtype = read(file)
            needed = int(np.prod(shape, dtype=float)) * dtype.itemsize
            if not dtype.hasobject and needed > info.file_size - file.tell():
                raise InputError(f"{info.filename} is damaged: it needs {needed} bytes and has {info.file_size}")
        return shape, dtype, fortran, info.filename

    def shape(self, name: str) -> tuple[int, ...]:
        return self._headers[name][0]

    def dtype(self, name: str) -> np.dtype:
        return self._headers[name][1]

    def packed_size(self, name: str) -> int:
        return self._archive.getinfo(self._headers[name][3]).compress_size

    def _all(self, name: str) -> np.ndarray:
        with self._archive.open(self._headers[name][3]) as file:
            return np.lib.format.read_array(file, allow_pickle=False)

    def rows(self, name: str, rows: slice) -> np.ndarray:
        shape, dtype, fortran, member = self._headers[name]
        if dtype.hasobject:
            raise InputError(f"{name} holds objects, not numbers")
        if fortran:  # columns first: it cannot be read by rows
            if name not in self._streams:
                self._streams[name] = (self._all(name), 0)
            return self._streams[name][0][rows]
        if name not in self._streams or self._streams[name][1] > rows.start:
            file = self._archive.open(member)
            file.read(self._start_of(member))
            self._streams[name] = (file, 0)
        file, at = self._streams[name]
        width = int(np.prod(shape[1:], dtype=int)) * dtype.itemsize
        file.read((rows.start - at) * width)
        content = file.read((rows.stop - rows.start) * width)
        self._streams[name] = (file, rows.stop)
        return np.frombuffer(content, dtype=dtype).reshape(-1, *shape[1:])

    def _start_of(self, member: str) -> int:
        with self._archive.open(member) as file:
            version = np.lib.format.read_magic(file)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            read(file)
            return file.tell()


def _of_groups(file) -> list[ArrayFile]:
    """The arrays at the root, or of the groups below it where it has none."""
    root = _Hdf5(file, "")
    if root.names:
        return [root]
    groups = [_Hdf5(group, name) for name, group in root.groups.items()]
    return [group for group in groups if group.names] or [root]


class _Hdf5(ArrayFile):
    """Arrays of one group; links to elsewhere are not followed."""

    def __init__(self, group, name: str):
        import h5py

        self.name = name
        self.attributes = _scalars(group.file.attrs) | _scalars(group.attrs)
        self.groups: dict[str, Any] = {}
        self._arrays: dict[str, tuple[Any, str | None]] = {}
        self._units: dict[str, str] = {}
        for key in list(group)[:_MOST_ARRAYS]:
            if not isinstance(group.get(key, getlink=True), h5py.HardLink):
                raise InputError(f"{key!r} is a link to elsewhere: copy what it points to into the file")
            found = group[key]
            if isinstance(found, h5py.Dataset):
                self._add(key, found)
            elif isinstance(found, h5py.Group):
                self.groups[key] = found
        self.names = tuple(self._arrays)

    def _units_of_table(self, name: str, group) -> dict[str, str]:
        """Units of a table's columns, which astropy writes beside it, with the table's metadata."""
        beside = f"{name}.__table_column_meta__"
        if beside not in group or not _is_small_text(group[beside]):
            return {}
        from astropy.table.meta import get_header_from_yaml

        header = get_header_from_yaml(line.decode("utf-8") for line in group[beside][()])
        self.attributes = {**self.attributes, **(header.get("meta") or {})}
        return {column["name"]: str(column["unit"]) for column in header["datatype"] if "unit" in column}

    def _add(self, name: str, dataset) -> None:
        if dataset.is_virtual or dataset.external:
            raise InputError(f"{name!r} stands in another file: copy it into this one")
        if dataset.shape is None:
            return
        if dataset.dtype.names:  # a table, as astropy writes it
            self._units |= self._units_of_table(name, dataset.parent)
            for field in dataset.dtype.names:
                self._arrays[field] = (dataset, field)
        else:
            self._arrays[name] = (dataset, None)

    def shape(self, name: str) -> tuple[int, ...]:
        dataset, field = self._arrays[name]
        return dataset.shape + (dataset.dtype[field].shape if field else ())

    def packed_size(self, name: str) -> int:
        return self._arrays[name][0].id.get_storage_size()

    def dtype(self, name: str) -> np.dtype:
        dataset, field = self._arrays[name]
        return dataset.dtype[field].base if field else dataset.dtype

    def unit(self, name: str) -> str:
        dataset, field = self._arrays[name]
        if field is not None:
            return self._units.get(field, "")
        for key in ("unit", "units", "UNIT", "UNITS"):
            if key in dataset.attrs:
                value = dataset.attrs[key]
                return value.decode() if isinstance(value, bytes) else str(value)
        return ""

    def _all(self, name: str) -> np.ndarray:
        dataset, field = self._arrays[name]
        return dataset[()] if field is None else dataset[field]

    def rows(self, name: str, rows: slice) -> np.ndarray:
        dataset, field = self._arrays[name]
        return dataset[rows] if field is None else dataset[rows][field]


def _scalars(attributes) -> dict[str, object]:
    """Attributes of one value; what is longer is no redshift and no word."""
    found: dict[str, object] = {}
    for key in list(attributes)[:_MOST_ARRAYS]:
        kind = attributes.get_id(key)
        if kind.shape is None or np.prod(kind.shape, dtype=int) != 1 or kind.dtype.kind not in "fiubSO":
            continue
        value = np.asarray(attributes[key]).ravel()[0]
        value = value.item() if isinstance(value, np.generic) else value
        if isinstance(value, (bytes, str, int, float)):
            found[key] = value.decode(errors="replace") if isinstance(value, bytes) else value
    return found


def _is_small_text(dataset) -> bool:
    """Whether a dataset is a short list of lines of text."""
    return dataset.dtype.kind == "S" and dataset.ndim == 1 and dataset.size * dataset.dtype.itemsize < _SMALL
