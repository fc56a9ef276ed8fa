"""Files that are broken, or made to harm: headers that ask for too much, bombs, links, fuzz. Seeded and small."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from pathlib import Path

import h5py
import numpy as np
from astropy.io import fits

WAVE_AA = np.linspace(4700.0, 7300.0, 300)


def good_content() -> dict[str, bytes]:
    """One good file of each container."""
    flux, error = 1.0 + 0.1 * np.sin(WAVE_AA / 50.0), np.full(300, 0.05)
    made = {}
    buffer = io.BytesIO()
    np.savez(buffer, wavelength_aa=WAVE_AA, flux=flux, flux_error=error, redshift=0.01)
    made["a.npz"] = buffer.getvalue()
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file["wavelength_aa"], file["flux"], file["flux_error"] = WAVE_AA, flux, error
    made["a.h5"] = buffer.getvalue()
    columns = [fits.Column(name, "D", array=v) for name, v in (("WAVE", WAVE_AA), ("FLUX", flux), ("ERR", error))]
    buffer = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns)]).writeto(buffer)
    made["table.fits"] = buffer.getvalue()
    image = fits.PrimaryHDU(flux)
    image.header.update({"CRVAL1": WAVE_AA[0], "CDELT1": WAVE_AA[1] - WAVE_AA[0], "CRPIX1": 1.0})
    buffer = io.BytesIO()
    fits.HDUList([image, fits.ImageHDU(error, name="ERR")]).writeto(buffer)
    made["image.fits"] = buffer.getvalue()
    rows = "\n".join(f"{w:.4f} {f:.6f} {e:.4f}" for w, f, e in zip(WAVE_AA, flux, error, strict=True))
    made["a.txt"] = f"# wave flux err\n{rows}\n".encode()
    made["a.csv"] = f"wave,flux,err\n{rows.replace(' ', ',')}\n".encode()
    made["a.txt.gz"] = gzip.compress(made["a.txt"])
    return made


def fuzzed(folder: Path, n: int, seed: int = 14) -> list[Path]:
    """n files, each a good one with bytes changed, cut off, repeated, or digits of its text or header replaced."""
    rng, good = np.random.default_rng(seed), good_content()
    names, paths = list(good), []
    for k in range(n):
        name = names[k % len(names)]
        content = bytearray(good[name])
        for _ in range(int(rng.integers(1, 5))):
            how, at = rng.integers(5), int(rng.integers(len(content)))
            if how == 0:
                content[at : at + 8] = rng.bytes(8)
            elif how == 1:
                content = content[: max(at, 20)]
            elif how == 2:
                content[at:at] = content[max(at - 200, 0) : at]
            elif how == 3:
                places = [i for i in range(len(content)) if 48 <= content[i] <= 57]
                if places:
                    content[places[int(rng.integers(len(places)))]] = int(rng.integers(48, 58))
            else:
                content[at : at + 4] = b"\xff\xff\xff\x7f"
        path = folder / f"{k}-{name}"
        path.write_bytes(bytes(content))
        paths.append(path)
    return paths


def header_that_asks_for(n_bytes: int) -> bytes:
    """A FITS file of 6 kB whose header promises an image of so many bytes."""
    header = fits.PrimaryHDU(np.zeros(4)).header
    header["NAXIS1"] = n_bytes // 8
    header.update({"CRVAL1": 4700.0, "CDELT1": 1.0})
    return header.tostring().encode() + b"\0" * 2880


def npy_header(shape: tuple[int, ...], descr: str = "<f8") -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": descr, "fortran_order": False, "shape": shape})
    return buffer.getvalue()


def hostile(folder: Path) -> dict[str, Path]:
    """Files that want all memory, hours, or another file."""
    paths = {}

    def write(name: str, content: bytes) -> None:
        paths[name] = folder / name
        paths[name].write_bytes(content)

    write("asks-for-7-gb.fits", header_that_asks_for(7 << 30))
    write("asks-for-an-exabyte.fits", header_that_asks_for(1 << 60))
    zeros = b"\0" * (1 << 20)
    for name, opener in (("bomb.txt.gz", gzip.open), ("bomb.fits.bz2", bz2.open), ("bomb.dat.xz", lzma.open)):
        paths[name] = folder / name
        with opener(paths[name], "wb") as file:
            for _ in range(40):
                file.write(zeros)
    with zipfile.ZipFile(folder / "huge.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("wavelength_aa.npy", npy_header((1 << 40,)))
        archive.writestr("flux.npy", npy_header((1 << 40,)))
    paths["huge.npz"] = folder / "huge.npz"
    with zipfile.ZipFile(folder / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("wavelength_aa.npy", "w") as file:
            file.write(npy_header((1000,)) + np.linspace(4700.0, 7300.0, 1000).tobytes())
        with archive.open("flux.npy", "w", force_zip64=True) as file:
            file.write(npy_header((40 << 10, 1024), "|i1"))
            for _ in range(40):
                file.write(zeros)
    paths["bomb.npz"] = folder / "bomb.npz"
    np.savez(folder / "pickle.npz", wavelength_aa=WAVE_AA, flux=np.array([{}] * 300, dtype=object))
    paths["pickle.npz"] = folder / "pickle.npz"
    for name in ("soft.h5", "external.h5", "cycle.h5", "bomb.h5", "virtual.h5"):
        paths[name] = folder / name
        with h5py.File(paths[name], "w") as file:
            file["flux"] = np.ones(300)
            if name == "soft.h5":
                file["wavelength_aa"] = h5py.SoftLink("/nowhere")
            elif name == "external.h5":
                file["wavelength_aa"] = h5py.ExternalLink("/etc/passwd", "/")
            elif name == "cycle.h5":
                file["wavelength_aa"] = h5py.SoftLink("/wavelength_aa")
            elif name == "virtual.h5":
                layout = h5py.VirtualLayout((300,), "f8")
                layout[:] = h5py.VirtualSource("elsewhere.h5", "w", (300,))
                file.create_virtual_dataset("wavelength_aa", layout)
            else:
                del file["flux"]
                file["wavelength_aa"] = WAVE_AA
                file.create_dataset("flux", (1 << 24, 300), "f8", chunks=(64, 300), fillvalue=1.0)
    write("long-line.txt", b"# wave flux\n" + b"5000.0 1.0 " * 1_000_000 + b"\n")
    write("words.txt", b"lorem ipsum\n" * 5000)
    write("deep.ecsv", b"# %ECSV 1.0\n# ---\n# " + b"[" * 3000 + b"\n")
    write("empty.fits", b"")
    write("nothing.npz", b"PK\x03\x04")
    return paths
