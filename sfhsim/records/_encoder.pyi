from numpy import ndarray

max_holes: int

def fill_records(
    sample_id: ndarray,
    kind: ndarray,
    frames: ndarray,
    frame_starts: ndarray,
    hole_starts: ndarray,
    hole_bytes: ndarray,
    id_hole: int,
    columns: list,
    out: bytearray | memoryview | ndarray,
) -> int: ...
