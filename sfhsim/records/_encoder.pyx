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
    list templates,
    const Py_ssize_t[:, ::1] hole_starts,
    const Py_ssize_t[::1] hole_bytes,
    Py_ssize_t id_hole,
    list columns,
    uint8_t[::1] out,
):
    """Write the records of a batch one after another; returns the bytes written.

    Parameters
    ----------
    sample_id : (n,)
    templates : the framed record by bytes of the id's varint, 1 to 10; entry 0 is unused.
    hole_starts : (11, n_hole) where each hole starts in each template, increasing.
    hole_bytes : (n_hole,) the size of each hole; that of the id is not used.
    id_hole : which hole is the id.
    columns : one (n, bytes) uint8 array for each hole but the id's, whose entry is None.
    out : large enough for n records of the longest template.
    """
    cdef Py_ssize_t n_hole = hole_bytes.shape[0]
    cdef Py_ssize_t n = sample_id.shape[0]
    cdef const uint8_t* rows[MAX_HOLES]
    cdef const uint8_t* frames[11]
    cdef Py_ssize_t frame_bytes[11]
    cdef const uint8_t[:, ::1] column
    cdef const uint8_t[::1] frame
    cdef uint8_t* record
    cdef Py_ssize_t i, hole, width, copied, position = 0
    cdef uint64_t rest
    cdef uint32_t crc
    for hole in range(n_hole):
        rows[hole] = NULL
        if hole != id_hole and hole_bytes[hole] > 0 and n > 0:
            column = columns[hole]
            rows[hole] = &column[0, 0]
    for width in range(1, 11):
        frame = templates[width]
        frames[width] = &frame[0]
        frame_bytes[width] = frame.shape[0]
    view = memoryview(out)
    for i in range(n):
        with nogil:
            record = &out[position]
            rest = sample_id[i] >> 7
            width = 1
            while rest:
                rest >>= 7
                width += 1
            copied = 0
            for hole in range(n_hole):
                memcpy(record + copied, frames[width] + copied, hole_starts[width, hole] - copied)
                copied = hole_starts[width, hole]
                if hole == id_hole:
                    write_varint(record + copied, sample_id[i])
                    copied += width
                elif rows[hole] != NULL:
                    memcpy(record + copied, rows[hole] + i * hole_bytes[hole], hole_bytes[hole])
                    copied += hole_bytes[hole]
            memcpy(record + copied, frames[width] + copied, frame_bytes[width] - copied)
        crc = crc32c(view[position + 12 : position + frame_bytes[width] - 4])
        crc = ((crc >> 15) | (crc << 17)) + <uint32_t>0xA282EAD8
        position += frame_bytes[width]
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
