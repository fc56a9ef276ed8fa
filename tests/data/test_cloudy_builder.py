"""The script that builds the Cloudy tables: names, and which models count as failed."""

import numpy as np

from sfhsim.data.builders.cloudy import _failed, _line_names, _replace_failed


def test_names_are_read_from_cloudy_labels(tmp_path):
    file = tmp_path / "lines.txt"
    file.write_text("H  1  6562.80A\nBlnd  5875.66A\nHe 2  1640.41A\nC  2  157.636m\n\n")
    assert _line_names(file) == ["H I 6562.80A", "Blend 5875.66A", "He II 1640.41A", "C II 157.636m"]


def test_a_model_that_loses_its_halpha_takes_the_lower_metallicity():
    halpha = np.array([[[1.0, 1.0], [0.95, 0.2], [0.1, 0.9]]])  # (log U, Z, age)
    failed = _failed(halpha)
    np.testing.assert_array_equal(failed, [[[False, False], [False, True], [True, False]]])
    table = _replace_failed(np.stack([halpha, 10.0 * halpha], axis=-1), failed)
    np.testing.assert_array_equal(table[..., 0], [[[1.0, 1.0], [0.95, 1.0], [0.95, 0.9]]])
    np.testing.assert_array_equal(table[..., 1], 10.0 * table[..., 0])
