"""One file of a package index, copied as it is: nothing of it is unpacked, built or run.

pip cannot be asked for it: to learn the metadata of a source distribution, ``pip download`` runs the build backend that
is inside, even without dependencies, and fetches what that wants. So the indexes that pip is configured with are read
here: the simple repository API, as JSON (PEP 691) or HTML (PEP 503), on the web or in folders.
"""

from __future__ import annotations

import ast
import base64
import json
import os
import re
import ssl
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from http.client import HTTPException
from pathlib import Path
from urllib import request
from urllib.error import HTTPError
from urllib.parse import unquote, urldefrag, urljoin, urlsplit, urlunsplit

_JSON = "application/vnd.pypi.simple.v1+json"
_ACCEPT = f"{_JSON}, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
_LARGEST_PAGE = 100_000_000  # bytes
_SECTIONS = ("global", "download", ":env:")  # of pip's settings; the later ones win
_TRIALS = 3


class NotInIndex(Exception):
    """No index gave the file; says why, for each."""


class NoPip(Exception):
    """There is no pip to ask for its settings."""


@dataclass(frozen=True)
class Settings:
    """What of pip's settings matters here: addresses, certificates, proxy, seconds to wait."""

    pages: tuple[str, ...]
    cert: str | None = None
    trusted_hosts: tuple[str, ...] = ()
    proxy: str | None = None
    timeout_s: float = 60.0

    @classmethod
    def of_pip(cls, package: str) -> Settings:
        """From pip's configuration files and environment: the pages that list the files of this package.

        Raises
        ------
        NoPip
            When this Python has no pip.
        """
        found = _pip_settings()
        name = re.sub(r"[-_.]+", "-", package).lower()
        indexes = [] if found.get("no-index", "0").lower() in ("1", "true", "yes", "on") else _indexes(found)
        links = [link if "://" in link else Path(link).absolute().as_uri() for link in _words(found, "find-links")]
        return cls(
            pages=(*links, *(f"{index.rstrip('/')}/{name}/" for index in indexes)),
            cert=found.get("cert"),
            trusted_hosts=tuple(host.partition(":")[0] for host in _words(found, "trusted-host")),
            proxy=found.get("proxy"),
            timeout_s=float(found.get("timeout", found.get("default-timeout", "60"))),
        )


def fetch(package: str, filename: str, target: Path, largest_bytes: int) -> None:
    """Copy a file of a package to ``target``, from the first index that lists it.

    Raises
    ------
    NoPip, NotInIndex
        There is no pip; no index listed the file, or none that did sent it.
    OSError
        When it cannot be written.
    """
    settings = Settings.of_pip(package)
    reasons = []
    for page in settings.pages:
        try:
            address = next((url for url in _listed(page, settings) if _filename(url) == filename), None)
            if address is None:
                reasons.append(f"{_shown(page)} does not list {filename}")
                continue
            _copy(urljoin(page, address), target, largest_bytes, settings)
            return
        except NotInIndex as error:
            reasons.append(str(error))
    raise NotInIndex("; ".join(reasons) or "pip is configured to use no index")


def _pip_settings() -> dict[str, str]:
    listed = _pip("config", "list")
    entries = re.findall(r"^([^\s=]+?)\.([^.=\s]+)=(.*)$", listed, flags=re.MULTILINE)
    by_section = {(section, name): str(ast.literal_eval(value)) for section, name, value in entries}
    return {name: value for wanted in _SECTIONS for (section, name), value in by_section.items() if section == wanted}


def _indexes(found: dict[str, str]) -> list[str]:
    """Addresses of the indexes; pip's own default is what its help says."""
    index = found.get("index-url")
    if index is None:
        default = re.search(r"--index-url <url>.*?\(default\s+(\S+?)\)", _pip("download", "--help"), re.DOTALL)
        index = default[1] if default else ""
    return [*index.split(), *_words(found, "extra-index-url")]


def _words(found: dict[str, str], name: str) -> list[str]:
    return found.get(name, "").split()


def _pip(*arguments: str) -> str:
    command = [sys.executable, "-m", "pip", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "COLUMNS": "1000"}, check=False)
    if done.returncode:
        raise NoPip(done.stderr.strip())
    return done.stdout


def _listed(page: str, settings: Settings) -> Iterator[str]:
    """Absolute addresses of the files that a page lists; of a folder, those of its files."""
    parts = urlsplit(page)
    if parts.scheme == "file":
        folder = Path(request.url2pathname(parts.path))
        if folder.is_dir() and not (folder / "index.html").is_file():
            return (file.as_uri() for file in sorted(folder.iterdir()))
        page = (folder / "index.html").as_uri() if folder.is_dir() else page
    with _opened(page, settings) as reply:
        content = _read(reply, page, _LARGEST_PAGE + 1)
        if len(content) > _LARGEST_PAGE:
            raise NotInIndex(f"{_shown(page)} is larger than {_LARGEST_PAGE // 10**6} MB")
        kind, address = reply.headers.get_content_type(), reply.geturl()
    try:
        found = _json_links(content) if kind.endswith("json") else _html_links(content)
        return iter([urljoin(address, link) for link in found])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise NotInIndex(f"{_shown(page)} is no page of a package index: {error!r}") from error


def _json_links(content: bytes) -> list[str]:
    return [str(file["url"]) for file in json.loads(content)["files"]]


def _html_links(content: bytes) -> list[str]:
    links: list[str] = []

    class Anchors(HTMLParser):
        def handle_starttag(self, tag, attributes):
            if tag == "a" and (link := dict(attributes).get("href")):
                links.append(link)

    Anchors().feed(content.decode("utf-8", errors="replace"))
    return links


def _filename(address: str) -> str:
    return unquote(urlsplit(urldefrag(address)[0]).path.rpartition("/")[2])


def _copy(address: str, target: Path, largest_bytes: int, settings: Settings) -> None:
    with _opened(address, settings) as reply, open(target, "wb") as file:
        size = 0
        while chunk := _read(reply, address, 1 << 20):
            size += len(chunk)
            if size > largest_bytes:
                raise NotInIndex(f"{_shown(address)} is larger than the {largest_bytes // 10**6} MB it may have")
            file.write(chunk)


def _opened(address: str, settings: Settings):
    """A reply to read from; NotInIndex when there is none."""
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https", "file"):
        raise NotInIndex(f"{_shown(address)} is neither on the web nor a file")
    credentials, _, host = parts.netloc.rpartition("@")
    asked = request.Request(
        urlunsplit((parts.scheme, host, parts.path, parts.query, "")),
        headers={"Accept": _ACCEPT, "User-Agent": "sfhsim"},
    )
    if credentials:  # they are for this host alone, wherever it sends us
        asked.add_unredirected_header(
            "Authorization", f"Basic {base64.b64encode(unquote(credentials).encode()).decode()}"
        )
    context = ssl.create_default_context(cafile=settings.cert if settings.cert else None)
    if parts.hostname in settings.trusted_hosts:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    proxies = {"http": settings.proxy, "https": settings.proxy} if settings.proxy else None
    opener = request.build_opener(request.ProxyHandler(proxies), request.HTTPSHandler(context=context))
    for left in reversed(range(_TRIALS)):
        try:
            return opener.open(asked, timeout=settings.timeout_s)
        except HTTPError as error:
            raise NotInIndex(f"{_shown(address)}: {error.code} {error.reason}") from error
        except (OSError, HTTPException, ValueError) as error:
            if not left:
                raise NotInIndex(f"{_shown(address)}: {getattr(error, 'reason', error)}") from error


def _read(reply, address: str, size: int) -> bytes:
    try:
        return reply.read(size)
    except (OSError, HTTPException) as error:
        raise NotInIndex(f"{_shown(address)} broke off: {error}") from error


def _shown(address: str) -> str:
    """An address without the credentials in it."""
    parts = urlsplit(address)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
