"""Model files that were made to do harm, or whose numbers are none: refused before Keras opens them."""

import io
import json
import zipfile

import h5py
import numpy as np
import pytest
from small_networks import small_model

from sfhmodel import archive, load
from sfhmodel.errors import ModelFileError
from sfhmodel.model_file import check_model_file


@pytest.fixture(scope="module")
def members(tmp_path_factory) -> dict[str, bytes]:
    """The members of a sound model file."""
    path = tmp_path_factory.mktemp("model") / "model.keras"
    small_model("branched").save(path)
    check_model_file(path)
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}


@pytest.fixture
def written(members, tmp_path):
    """Function that writes a model file with some members replaced; its path."""

    def write(compression=zipfile.ZIP_DEFLATED, **changed):
        path = tmp_path / "a.keras"
        with zipfile.ZipFile(path, "w", compression) as file:
            for name, content in (members | changed).items():
                file.writestr(name, content)
        return path

    return write


def _weights(members, change) -> bytes:
    """The weights after ``change(file)``."""
    stream = io.BytesIO(members[archive.WEIGHTS])
    with h5py.File(stream, "r+") as file:
        change(file)
    return stream.getvalue()


def _first(file) -> h5py.Dataset:
    found = []
    file.visititems(lambda name, item: found.append(item) if isinstance(item, h5py.Dataset) and item.ndim else None)
    return next(item for item in found if item.dtype.kind == "f")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_no_numbers(members, written, value):
    def spoil(file):
        _first(file)[...] = value

    path = written(**{archive.WEIGHTS: _weights(members, spoil)})
    with pytest.raises(
        ModelFileError, match=r"a\.keras is damaged: the weights .+ are not all finite numbers; copy or"
    ):
        load(path)


@pytest.mark.parametrize("name", [archive.CONFIG, archive.WEIGHTS, "metadata.json"])
def test_a_bomb_is_not_unpacked(members, written, name, monkeypatch):
    path = written(**{name: bytes(60_000_000)})

    def unpacked(self, *_):
        raise AssertionError("unpacked")

    monkeypatch.setattr(zipfile.ZipFile, "testzip", unpacked)
    monkeypatch.setattr(zipfile.ZipFile, "read", unpacked)
    with pytest.raises(ModelFileError, match=rf"was not opened: {name} would swell from 0\.1 MB to 60 MB"):
        check_model_file(path)


def test_weights_beyond_any_models(written, monkeypatch):
    monkeypatch.setattr(archive, "_LARGEST_WEIGHTS", 1000)
    with pytest.raises(ModelFileError, match="model.weights.h5 would swell"):
        check_model_file(written(zipfile.ZIP_STORED))


def test_arrays_that_are_larger_than_their_file(members, written):
    def swell(file):
        file.create_dataset("bomb", (10**12,), "f4", chunks=(10**6,), compression="gzip")

    path = written(**{archive.WEIGHTS: _weights(members, swell)})
    with pytest.raises(ModelFileError, match="its weights would swell beyond the size of the file"):
        check_model_file(path)


@pytest.mark.parametrize("link", [h5py.SoftLink("/layers"), h5py.ExternalLink("/dev/zero", "/")])
def test_links_that_lead_elsewhere(members, written, link):
    path = written(**{archive.WEIGHTS: _weights(members, lambda file: file.__setitem__("link", link))})
    with pytest.raises(ModelFileError, match="its weights lead out of the file"):
        check_model_file(path)


def test_arrays_in_another_file(members, written):
    def elsewhere(file):
        file.create_dataset("outside", (4,), "f4", external=[("elsewhere", 0, 16)])

    path = written(**{archive.WEIGHTS: _weights(members, elsewhere)})
    with pytest.raises(ModelFileError, match="its weights lead out of the file"):
        check_model_file(path)


@pytest.mark.parametrize("depth", [60, 990, 200_000])
@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_a_configuration_that_is_nested_without_end(written, depth, opening):
    text = opening * depth + "1" + {"[": "]", "{": "}"}[opening[0]] * depth
    with pytest.raises(ModelFileError, match=r"config\.json is nested too deeply"):
        check_model_file(written(**{archive.CONFIG: text.encode()}))


def test_a_network_without_bounds(members, written):
    config = json.loads(members[archive.CONFIG])
    config["config"]["architecture_options"]["filters"] = [4, 10**9]
    with pytest.raises(ModelFileError, match=r"its architecture_options reach 1e\+09"):
        check_model_file(written(**{archive.CONFIG: json.dumps(config).encode()}))


@pytest.mark.parametrize("name", ["assets/x", "../x", "/etc/x", "config.json/"])
def test_members_that_no_model_has(written, name):
    with pytest.raises(ModelFileError, match="no model of sfhmodel: it also holds"):
        check_model_file(written(**{name: b"x"}))


def test_a_member_twice(members, written):
    path = written()
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(path, "a") as file:
        file.writestr(archive.CONFIG, members[archive.CONFIG])
    with pytest.raises(ModelFileError, match="it also holds 'a name twice'"):
        check_model_file(path)


@pytest.mark.parametrize("content", [b"[]", b"3", b'{"class_name": 3}', b'{"config": []}', b"9" * 5000])
def test_a_configuration_of_something_else(written, content):
    with pytest.raises(ModelFileError, match="not one of sfhmodel|is damaged or no .keras file"):
        check_model_file(written(**{archive.CONFIG: content}))
