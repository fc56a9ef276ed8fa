"""Broken and hostile files: each is read or refused by an InputError that names it, in little memory."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hostile_files import fuzzed, good_content, hostile

from sfhmodel.errors import InputError
from sfhmodel.spectra import ReadOptions, read_spectra, registry, size_limits

MEMORY_BYTES = 3 << 30  # of addresses: interpreter and libraries take one of them
PROGRAM = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, ({limit}, {limit}))
sys.path.insert(0, {here!r})
from pathlib import Path
from hostile_files import fuzzed, hostile
from sfhmodel.errors import InputError
from sfhmodel.spectra import ReadOptions, read_pieces
folder = Path({folder!r})
paths = {what}
read = refused = 0
for path in paths:
    try:
        for piece in read_pieces(path):
            pass
        read += 1
    except InputError as error:
        assert str(path) in str(error), (path, error)
        refused += 1
print("read", read, "refused", refused)
"""


def under_a_memory_limit(folder, what):
    """Counts (read, refused) of a program that reads files with few GB of addresses; it must not end otherwise."""
    code = PROGRAM.format(limit=MEMORY_BYTES, here=str(Path(__file__).parent), folder=str(folder), what=what)
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    words = done.stdout.split()
    return int(words[1]), int(words[3])


def test_200_fuzzed_files(tmp_path):
    read, refused = under_a_memory_limit(tmp_path, "fuzzed(folder, 200)")
    assert read + refused == 200
    assert refused > 50


def test_hostile_files(tmp_path):
    read, refused = under_a_memory_limit(tmp_path, "hostile(folder).values()")
    assert read == 0
    assert refused >= 18


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return hostile(tmp_path_factory.mktemp("hostile"))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("asks-for-7-gb.fits", r"needs 75\d+ bytes, the file has 5760"),
        ("asks-for-an-exabyte.fits", "damaged FITS file"),
        ("bomb.txt.gz", "unpack to more than"),
        ("bomb.fits.bz2", "unpack to more than"),
        ("bomb.dat.xz", "unpack to more than"),
        ("huge.npz", "is damaged: it needs"),
        ("bomb.npz", "unpack to more than"),
        ("pickle.npz", "[Oo]bject"),
        ("soft.h5", "is a link to elsewhere"),
        ("external.h5", "is a link to elsewhere"),
        ("cycle.h5", "is a link to elsewhere"),
        ("virtual.h5", "stands in another file"),
        ("bomb.h5", "unpack to more than"),
        ("long-line.txt", "line 2 has more than 65536 characters"),
        ("words.txt", "no table of numbers|no known layout"),
        ("deep.ecsv", "cannot be read"),
        ("empty.fits", "damaged FITS file"),
        ("nothing.npz", "damaged npz file"),
    ],
)
def test_what_is_said_of_hostile_files(files, name, words):
    with pytest.raises(InputError, match=words) as refusal:
        read_spectra(files[name])
    assert str(files[name]) in str(refusal.value)


def test_good_files_of_the_same_makers_are_read(tmp_path):
    for name, content in good_content().items():
        (tmp_path / name).write_bytes(content)
        (spectrum,) = read_spectra(tmp_path / name)
        assert spectrum.wave_aa.size == 300


def test_what_is_no_plain_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="no plain file"):
        read_spectra(tmp_path / "pipe")


@pytest.mark.parametrize(
    "problem", [MemoryError("no"), RuntimeError("inside"), RecursionError("deep"), OSError(5, "io")]
)
def test_whatever_a_reader_raises_names_the_file(tmp_path, monkeypatch, problem):
    def read(source, options):
        raise problem

    monkeypatch.setattr(registry, "_added", {"mine": registry.Layout("mine", lambda source: True, read)})
    (tmp_path / "a.txt").write_text("1 2\n")
    with pytest.raises(InputError, match=r"a\.txt (needs more memory|cannot be read as mine)"):
        read_spectra(tmp_path / "a.txt", ReadOptions(layout="mine"))


def test_texts_that_are_too_large(monkeypatch, tmp_path):
    monkeypatch.setattr(size_limits, "LARGEST_TEXT", 1000)
    np.savetxt(tmp_path / "a.txt", np.ones((100, 2)))
    with pytest.raises(InputError, match="make it a FITS, npz or HDF5 file"):
        read_spectra(tmp_path / "a.txt")


def test_old_line_ends_and_fuzz_are_the_same_every_time(tmp_path):
    size_limits.check_text(b"1 2\r" * 100_000, "a.txt")
    first, second = tmp_path / "1", tmp_path / "2"
    for folder in (first, second):
        folder.mkdir()
    pairs = zip(fuzzed(first, 14), fuzzed(second, 14), strict=True)
    assert all(one.read_bytes() == two.read_bytes() for one, two in pairs if one.suffix != ".h5")


def test_values_that_are_no_measurements(tmp_path):
    wave_aa, flux = np.linspace(4700.0, 7300.0, 60), np.ones((2, 60))
    np.savez(tmp_path / "complex.npz", wavelength_aa=wave_aa, flux=flux * 1j)
    with pytest.raises(InputError, match="complex numbers"):
        read_spectra(tmp_path / "complex.npz")
    np.savez(tmp_path / "inf.npz", wavelength_aa=wave_aa, flux=flux, redshift=[np.inf, 0.1])
    spectra = read_spectra(tmp_path / "inf.npz")
    assert [spectrum.redshift for spectrum in spectra] == [None, 0.1]
    assert any("redshift inf" in note and "missing" in note for note in spectra[0].notes)
