"""Sections of the images of a FITS file, read plane by plane without astropy's bookkeeping for each of them.

What is not plain (packed, scaled, with blanks) is left to astropy's own sections.
"""

from __future__ import annotations

from typing import Any

import numpy as np

_TYPES = {8: ">u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}


def section(hdu: Any, wanted: tuple, content: bytes | None) -> np.ndarray:
    """Part of an image, in this machine's byte order.

    Parameters
    ----------
    hdu : of astropy, with an image.
    wanted : an index or a slice of step 1 for each axis of the array.
    content : the file, where it is in memory; else it is read from the disk.
    """
    if not _is_plain(hdu):
        data = np.asarray(hdu.section[wanted])
        return data.astype(data.dtype.newbyteorder("="), copy=False)
    shape = hdu.shape
    ranges = [(w, w + 1) if isinstance(w, int) else w.indices(n)[:2] for w, n in zip(wanted, shape, strict=True)]
    dtype = np.dtype(_TYPES[hdu.header["BITPIX"]])
    info = hdu.fileinfo()
    if content is None:
        data = _from_disk(info["file"].name, info["datLoc"], dtype, shape, ranges)
    else:
        whole = np.frombuffer(content, dtype, int(np.prod(shape)), info["datLoc"]).reshape(shape)
        data = whole[tuple(slice(*r) for r in ranges)]
    kept = tuple(0 if isinstance(w, int) else slice(None) for w in wanted)
    return data[kept].astype(dtype.newbyteorder("="))


def _is_plain(hdu: Any) -> bool:
    if type(hdu).__name__ not in ("PrimaryHDU", "ImageHDU") or hdu.header["BITPIX"] not in _TYPES:
        return False
    is_scaled = hdu.header.get("BSCALE", 1) != 1 or hdu.header.get("BZERO", 0) != 0 or "BLANK" in hdu.header
    return not is_scaled and bool(hdu.fileinfo())


def _from_disk(path: str, start: int, dtype: np.dtype, shape: tuple[int, ...], ranges: list) -> np.ndarray:
    """What is contiguous in the file is read at once."""
    n = len(shape)
    # axes after the last one that is not whole are read together with it
    last = max((k for k in range(n) if ranges[k] != (0, shape[k])), default=0)
    inner = int(np.prod(shape[last + 1 :], dtype=int))
    strides = [int(np.prod(shape[k + 1 :], dtype=int)) for k in range(n)]
    lengths = [high - low for low, high in ranges]
    out = np.empty((int(np.prod(lengths[:last], dtype=int)), lengths[last] * inner), dtype)
    with open(path, "rb", buffering=0) as file:
        for row, index in enumerate(np.ndindex(*lengths[:last])):
            offset = sum((low + i) * s for (low, _), i, s in zip(ranges, index, strides, strict=False))
            file.seek(start + (offset + ranges[last][0] * strides[last]) * dtype.itemsize)
            view = memoryview(out[row]).cast("B")
            read = 0
            while read < len(view):
                count = file.readinto(view[read:])
                if not count:
                    raise OSError(f"{path} ends before its data do")
                read += count
    return out.reshape(lengths)
