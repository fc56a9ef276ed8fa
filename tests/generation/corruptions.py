"""Ways to spoil a folder at random: bytes of its files, whole files, and what its JSON says, sealed anew or not."""

import json
from pathlib import Path

import numpy as np

from sfhsim.records.tfrecord import read_records
from sfhsim.sealed import content_sha256

JUNK = (
    None,
    True,
    -1,
    0,
    1,
    3,
    1000,
    0.5,
    -1.5,
    float("nan"),
    10**30,
    "",
    "x",
    "../x",
    "test",
    [],
    {},
    [None],
    {"x": 1},
)
SEALS = {"manifest.json": "manifest_sha256", "plan.json": "plan_sha256"}


def spoil(folder: Path, rng: np.random.Generator) -> str:
    """Do one thing to the folder; what it was."""
    kinds = (_bytes, _bytes, _shards, _shards, _edit, _edit, _edit, _remove)
    return kinds[rng.integers(len(kinds))](folder, rng)


def _files(folder: Path, pattern: str = "*") -> list[Path]:
    return [path for path in sorted(folder.rglob(pattern)) if path.is_file()]


def _one(items, rng):
    return items[rng.integers(len(items))]


def _bytes(folder: Path, rng) -> str:
    """Flip a bit, cut, lengthen, or zero a part of any file."""
    path = _one(_files(folder), rng)
    raw = bytearray(path.read_bytes())
    place, length = rng.integers(len(raw)), int(rng.integers(1, 200))
    kind = _one(("flip", "cut", "zeros", "append", "insert"), rng)
    if kind == "flip":
        raw[place] ^= 1 << rng.integers(8)
    elif kind == "cut":
        del raw[place:]
    elif kind == "zeros":
        raw[place : place + length] = bytes(len(raw[place : place + length]))
    elif kind == "append":
        raw += rng.bytes(length)
    else:
        raw[place:place] = rng.bytes(length)
    path.write_bytes(raw)
    return f"{kind} {path.name} at {place}"


def _remove(folder: Path, rng) -> str:
    path = _one(_files(folder), rng)
    path.unlink()
    return f"remove {path.name}"


def _shards(folder: Path, rng) -> str:
    """Swap shards, copy one over another, or drop, repeat or exchange whole records of one."""
    first, second = rng.permutation(np.array(_files(folder, "*.tfrecord"), dtype=object))[:2]
    raw = first.read_bytes(), second.read_bytes()
    kind = _one(("swap", "copy", "drop", "repeat", "overwrite", "exchange", "empty"), rng)
    if kind == "swap":
        first.write_bytes(raw[1])
        second.write_bytes(raw[0])
    elif kind == "copy":
        second.write_bytes(raw[0])
    elif kind == "empty":
        first.write_bytes(b"")
    else:
        records = _framed(first)
        k, other = rng.integers(len(records)), rng.integers(len(records))
        if kind == "drop":
            del records[k]
        elif kind == "repeat":
            records.insert(k, records[other])
        elif kind == "overwrite":
            records[k] = records[other]
        else:
            records[k], records[other] = records[other], records[k]
        first.write_bytes(b"".join(records))
    return f"{kind} {first.name} {second.name}"


def _framed(path: Path) -> list[bytes]:
    raw, records, start = path.read_bytes(), [], 0
    for message in read_records(path):
        stop = start + len(message) + 16
        records.append(raw[start:stop])
        start = stop
    return records


def _edit(folder: Path, rng) -> str:
    """Change, delete, repeat or rename something in a JSON file; half of the time its seal is made to fit."""
    path = _one([*(folder / name for name in SEALS), *_files(folder / ".receipts")[:3], folder / "manifest.json"], rng)
    content = json.loads(path.read_text())
    place, parent = [], content
    while True:  # a random walk into the tree
        key = _one(list(parent) if isinstance(parent, dict) else range(len(parent)), rng)
        place.append(key)
        if not (isinstance(parent[key], dict | list) and parent[key]) or rng.random() < 0.3:
            break
        parent = parent[key]
    kind = _one(("junk", "junk", "junk", "delete", "scale", "move", "wrap"), rng)
    if kind == "delete":
        del parent[key]
    elif kind == "scale" and type(parent[key]) in (int, float):
        parent[key] = type(parent[key])(parent[key] * 1.05) + 1
    elif kind == "move":
        parent[key] = parent[_one(list(parent) if isinstance(parent, dict) else range(len(parent)), rng)]
    elif kind == "wrap":
        parent[key] = [parent[key]]
    else:
        parent[key] = _one(JUNK, rng)
    seal = SEALS.get(path.name, "receipt_sha256")
    sealed = bool(rng.random() < 0.6)
    if sealed:
        content[seal] = content_sha256(content, seal)
    path.write_text(json.dumps(content))
    return f"{kind} {path.name} {'.'.join(map(str, place))}{' sealed anew' if sealed else ''}"
