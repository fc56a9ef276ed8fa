"""A model that was built becomes one that ships: ``python -m sfhmodel.building.shipping NAME FOLDER [--graph]``.

For those who make releases: FOLDER is of ``sfhmodel build NAME --out FOLDER``, its card with the rows of
``python -m benchmarks.worlds --card``. The package of this checkout is changed.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

from sfhmodel.building.build import CARD
from sfhmodel.errors import ModelFileError
from sfhmodel.files import file_sha256
from sfhmodel.graph_file import graph_path, has_graph
from sfhmodel.presets import registry
from sfhsim.files import whole_file


def ship(name: str, built: str | Path, *, with_graph: bool = False) -> Path:
    """Put model and card, and the light graph where asked for, into the package under a preset's name.

    Parameters
    ----------
    name : of the preset; a new one gets the card's description.
    built : folder of `sfhmodel.building.build`.
    with_graph : its light graph, too.

    Returns
    -------
    The model file in the package.

    Raises
    ------
    ModelFileError
        A file is missing, the card has no rows of ``benchmarks.worlds``, or the graph is of another model.
    """
    source, folder = Path(built) / registry.MODEL, registry._HERE / "models"
    try:
        card = json.loads((Path(built) / CARD).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ModelFileError(f"{Path(built) / CARD} cannot be read: {error}; build the model first") from error
    if "benchmarks.worlds" not in card:
        raise ModelFileError(
            f"{Path(built) / CARD} does not say how the model does in other worlds: run python -m benchmarks.worlds "
            f"{source} --definition {name} --card {Path(built) / CARD}"
        )
    if not source.is_file() or (with_graph and not has_graph(source)):
        raise ModelFileError(f"{built} holds no finished model{' with a light graph of it' if with_graph else ''}")
    shipped = folder / f"{name}.keras"
    graph_path(shipped).unlink(missing_ok=True)
    for here, there in ((source, shipped), *([(graph_path(source), graph_path(shipped))] if with_graph else [])):
        with whole_file(there) as partial:
            shutil.copyfile(here, partial)
    with whole_file(shipped.with_suffix(".json")) as partial:
        partial.write_text(json.dumps(_rounded(card), indent=1) + "\n", "utf-8")
    presets = registry._shipped()
    entry = {"description": card["description"]} | presets.get(name, {})
    entry |= {"file": shipped.name, "sha256": file_sha256(shipped)}
    entry.pop("onnx_sha256", None)
    with whole_file(registry._HERE / "shipped.json") as partial:
        partial.write_text(json.dumps({"presets": presets | {name: entry}}, indent=1) + "\n", "utf-8")
    if with_graph:
        registry.register_graph(shipped)
    return shipped


def _rounded(value):
    """With four digits: a card is to be read."""
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    return [_rounded(inner) for inner in value] if isinstance(value, list) else value


def main() -> None:
    """Parse the command line and ship."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", help="of the preset")
    parser.add_argument("built", help="folder of `sfhmodel build`")
    parser.add_argument("--graph", action="store_true", help="its light graph, too")
    options = parser.parse_args()
    print(ship(options.name, options.built, with_graph=options.graph))


if __name__ == "__main__":
    main()
