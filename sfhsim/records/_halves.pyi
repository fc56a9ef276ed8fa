from numpy import ndarray

def round_rows(
    values: ndarray,
    noise: ndarray,
    most_relative: float,
    most_of_noise: float,
    out: ndarray,
    scale: ndarray,
    column: int,
    counts: ndarray,
) -> None: ...
def find_corrections(
    values: ndarray,
    noise: ndarray,
    most_relative: float,
    most_of_noise: float,
    scale: ndarray,
    column: int,
    counts: ndarray,
    places: ndarray,
    first: int,
    index: ndarray,
    correction: ndarray,
) -> None: ...
