# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Fills a buffer with the framed records of a batch: the hot loop of `sfhsim.records.encoder`, which validates.

A record is a template of bytes with holes. The bytes between the holes are copied from the template, the holes are
filled from the rows of the batch's arrays and with the varint of the sample id, and the checksum of the message is
appended. The checksum of its length is part of the template.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

from crc32c import crc32c

cdef enum:
    MAX_HOLES = 64

max_holes = MAX_HOLES


def fill_records(
    const uint64_t[::1] sample_id,
    const Py_ssize_t[::1] kind,
    const uint8_t[::1] frames,
    const Py_ssize_t[::1] frame_starts,
    const Py_ssize_t[:, ::1] hole_starts,
    const Py_ssize_t[:, ::1] hole_bytes,
    Py_ssize_t id_hole,
    list columns,
    uint8_t[::1] out,
):
    """Write the records of a batch one after another; returns the bytes written.

    Parameters
    ----------
    sample_id : (n,)
    kind : (n,) of each record; kinds differ in the sizes of their holes.
    frames : the framed records of each kind for each width of the id's varint, one after another.
    frame_starts : (11 n_kind + 1,) where each of them starts, and the last ends.
    hole_starts : (11 n_kind, n_hole) where each hole starts in each of them, increasing.
    hole_bytes : (n_kind, n_hole) the size of each hole; that of the id is not used.
    id_hole : which hole is the id.
    columns : one (n, bytes) uint8 array for each hole but the id's, whose entry is None; at least as wide as the hole.
    out : large enough for the records.
    """
    cdef Py_ssize_t n_hole = hole_bytes.shape[1]
    cdef Py_ssize_t n = sample_id.shape[0]
    cdef const uint8_t* rows[MAX_HOLES]
    cdef Py_ssize_t row_bytes[MAX_HOLES]
    cdef const uint8_t[:, ::1] column
    cdef const uint8_t* frame
    cdef const Py_ssize_t* starts
    cdef const Py_ssize_t* sizes
    cdef uint8_t* record
    cdef Py_ssize_t i, hole, width, which, frame_bytes, copied, position = 0
    cdef uint64_t rest
    cdef uint32_t crc
    for hole in range(n_hole):
        rows[hole] = NULL
        if hole != id_hole and n > 0:
            column = columns[hole]
            row_bytes[hole] = column.shape[1]
            if column.shape[1] > 0:
                rows[hole] = &column[0, 0]
    view = memoryview(out)
    for i in range(n):
        with nogil:
            record = &out[position]
            rest = sample_id[i] >> 7
            width = 1
            while rest:
                rest >>= 7
                width += 1
            which = 11 * kind[i] + width
            frame = &frames[frame_starts[which]]
            frame_bytes = frame_starts[which + 1] - frame_starts[which]
            starts, sizes = &hole_starts[which, 0], &hole_bytes[kind[i], 0]
            copied = 0
            for hole in range(n_hole):
                memcpy(record + copied, frame + copied, starts[hole] - copied)
                copied = starts[hole]
                if hole == id_hole:
                    write_varint(record + copied, sample_id[i])
                    copied += width
                elif rows[hole] != NULL:
                    memcpy(record + copied, rows[hole] + i * row_bytes[hole], sizes[hole])
                    copied += sizes[hole]
            memcpy(record + copied, frame + copied, frame_bytes - copied)
        crc = crc32c(view[position + 12 : position + frame_bytes - 4])
        crc = ((crc >> 15) | (crc << 17)) + <uint32_t>0xA282EAD8
        position += frame_bytes
        out[position - 4] = crc & 0xFF
        out[position - 3] = (crc >> 8) & 0xFF
        out[position - 2] = (crc >> 16) & 0xFF
        out[position - 1] = crc >> 24
    return position


cdef inline void write_varint(uint8_t* place, uint64_t value) noexcept nogil:
    cdef Py_ssize_t k = 0
    while value > 0x7F:
        place[k] = <uint8_t>(value & 0x7F) | 0x80
        value >>= 7
        k += 1
    place[k] = <uint8_t>value
