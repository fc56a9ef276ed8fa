"""The log of a run: a row a finished epoch, as CSV, TensorBoard events and curves.

All three are made of the rows that the last checkpoint holds, so a resumed run has nothing twice and nothing missing.
"""

from __future__ import annotations

import csv
import io
import shutil
from pathlib import Path

from sfhmodel.training.directory import LOG, TENSORBOARD
from sfhmodel.training.files import write_text

NOT_METRICS = ("epoch", "step", "learning_rate", "seconds", "spectra_per_second")


def csv_text(rows: list[dict]) -> str:
    """The log as CSV; columns are those of the first row, numbers keep all their digits."""
    stream = io.StringIO()
    if rows:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return stream.getvalue()


def read_log(path: Path) -> list[dict]:
    """The rows of a CSV log, as numbers."""
    with path.open(newline="", encoding="utf-8") as stream:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(stream)]


class RunLog:
    """Writes the rows of a run to its directory.

    Parameters
    ----------
    run : directory.
    rows : of the epochs that had finished before.
    """

    def __init__(self, run: Path, rows: list[dict]):
        from tensorboard.summary import Writer

        self._run = run
        shutil.rmtree(run / TENSORBOARD, ignore_errors=True)
        self._writer = Writer(str(run / TENSORBOARD))
        write_text(run / LOG, csv_text(rows))
        for row in rows:
            self._add_events(row)

    def add(self, rows: list[dict]) -> None:
        """Write the log anew; the last row is new."""
        write_text(self._run / LOG, csv_text(rows))
        self._add_events(rows[-1])
        self._writer.flush()

    def close(self) -> None:
        """End the thread that writes events."""
        self._writer.close()

    def _add_events(self, row: dict) -> None:
        for name, value in row.items():
            if name in ("epoch", "step"):
                continue
            part = "run" if name in NOT_METRICS else "validation" if name.startswith("val_") else "training"
            self._writer.add_scalar(f"{part}/{name.removeprefix('val_')}", value, step=int(row["epoch"]))
