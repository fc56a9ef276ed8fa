"""Small runs for the tests of training: a data set, a config of few parameters, programs in processes of their own."""

import json
import os
import subprocess
import sys
from pathlib import Path

from records_to_learn import write_dataset

from sfhmodel.training import TrainingConfig, config_from_dict

PROGRAM = Path(__file__).with_name("training_program.py")
REPOSITORY = Path(__file__).resolve().parents[2]
SMALL = {
    "architecture": "branched",
    "architecture_options": {
        "filters": (2, 4, 4),
        "spectrum_units": 8,
        "photometry_units": (4,),
        "decoder_units": (8,),
    },
    "batch_size": 16,
    "steps_per_epoch": 4,
    "epochs": 3,
    "warmup_steps": 2,
    "augmentation": {"dropped_bands": {"probability": 0.3}},
    "jit_compile": False,
}


def small_config(**changes) -> TrainingConfig:
    """A config of a few seconds."""
    return config_from_dict(SMALL | changes)


def small_dataset(folder: Path) -> Path:
    """160 training and 128 validation records."""
    return write_dataset(folder, (("train", 90), ("train", 70), ("validation", 128)))


def start(dataset: Path, *runs: tuple[Path, dict], **environment: str) -> subprocess.Popen:
    """Start the program that trains each (run directory, changes of the config), one after another."""
    arguments = [text for out, changes in runs for text in (str(out), json.dumps(SMALL | changes))]
    return subprocess.Popen(
        [sys.executable, str(PROGRAM), str(dataset), *arguments],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "TF_CPP_MIN_LOG_LEVEL": "3", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(*processes: subprocess.Popen) -> list[dict]:
    """The summaries that each process printed last; fails with its errors."""
    summaries = []
    for process in processes:
        out, errors = process.communicate()
        assert process.returncode == 0, errors[-4000:]
        summaries.append(json.loads(out.splitlines()[-1]))
    return summaries
