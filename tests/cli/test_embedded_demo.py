"""The demo recipe on the library that comes with the package, in a process of its own."""

import subprocess
import sys

from sfhsim import Dataset


def test_generate_the_demo(tmp_path):
    program = "from sfhsim.cli import main; main()"
    command = [sys.executable, "-c", program, "generate", "demo", "-n", "20", "--out", "demo"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    dataset = Dataset(tmp_path / "demo")
    assert len(dataset) == 20
    assert dataset.manifest["library"]["name"] == "bc03-miles"
    assert dataset.arrays()["spectrum"].shape == (20, 1761)
