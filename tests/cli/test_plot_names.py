"""`sfhsim plot NAME`: a directory that bears the name of a recipe does not hide the recipe."""

import pytest

from sfhsim.cli.plot import _is_data_set


@pytest.mark.parametrize(
    ("name", "holds", "expected"),
    [("demo", "plots", False), ("demo", "manifest.json", True), ("mine", "plots", True), ("mine", None, False)],
)
def test_what_a_name_means(tmp_path, monkeypatch, name, holds, expected):
    monkeypatch.chdir(tmp_path)
    if holds is not None:
        (tmp_path / name).mkdir()
        (tmp_path / name / holds).touch()
    assert _is_data_set(name) is expected
