"""The worlds that a preset learns from and those that its uncertainties are set on, as libraries and recipes in files.

A definition (`sfhmodel/building/definitions/NAME.yaml`) names a stellar library and donors that it is varied towards
(`sfhsim.libraries.Variations`), and lists of nebular models, metallicities and dust that the worlds take in turn; some
worlds keep the library as it is. The unseen worlds are made in the same way with other random numbers. A definition may
be ``like`` another one, and then holds what differs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path

import yaml

from sfhmodel.errors import ConfigError
from sfhmodel.training.config import set_key
from sfhsim.files import whole_file
from sfhsim.recipe import merged

_KEYS = {"description", "records", "seed", "libraries", "in_turn", "unseen", "recipe", "training"}
_OPTIONAL = {"card"}  # what the model's card says besides figures, by name


def definition_names() -> tuple[str, ...]:
    """Presets that can be built."""
    folder = resources.files("sfhmodel.building") / "definitions"
    return tuple(sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml")))


def definition(name_or_path: str | Path) -> dict:
    """The definition of a preset, by its name or in a file of the same form.

    Raises
    ------
    ConfigError
        There is none, or its keys are not those of a definition.
    """
    content = _content(name_or_path)
    if isinstance(content, dict) and "like" in content:
        known = _content(content.pop("like"))
        if not isinstance(known, dict) or "like" in known:
            raise ConfigError(f"{name_or_path}: what it is like must be a definition that is like no other")
        content = merged(known, content)
    if not isinstance(content, dict) or set(content) - _OPTIONAL != _KEYS:
        odd = sorted(_KEYS ^ (set(content) - _OPTIONAL)) if isinstance(content, dict) else sorted(_KEYS)
        raise ConfigError(
            f"{name_or_path}: a definition has the keys {', '.join(sorted(_KEYS))}; odd: {', '.join(odd)}"
        )
    return content


def _content(name_or_path: str | Path):
    """Of the YAML file."""
    if str(name_or_path) in definition_names():
        text = (resources.files("sfhmodel.building") / "definitions" / f"{name_or_path}.yaml").read_text("utf-8")
    else:
        try:
            text = Path(name_or_path).read_text("utf-8")
        except OSError as error:
            raise ConfigError(
                f"no preset {str(name_or_path)!r} to build ({error.strerror}): give the path of a definition, or one "
                f"of {', '.join(definition_names())}"
            ) from error
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{name_or_path} is not valid YAML: {error}") from error


def write_worlds(content: dict, folder: Path, *, unseen: bool = False, say: Callable[[str], None] = print) -> Path:
    """Libraries and the recipe of a definition's worlds, in ``folder``; what is there stays.

    Parameters
    ----------
    content : of `definition`.
    folder : made where needed; the libraries lie in ``folder/libraries``.
    unseen : those that the training does not see.
    say : is told what is made.

    Returns
    -------
    The recipe, a YAML file.

    Raises
    ------
    ConfigError
        A key of ``in_turn`` that goes into something without keys.
    sfhsim.errors.SfhsimError
        A library that is missing, with how to get it.
    """
    settings = content["libraries"] | (content["unseen"] if unseen else {})
    libraries = {path.stem: str(path) for path in _libraries(settings, folder / "libraries", say)}
    if not unseen:
        libraries |= {f"plain-{k}": settings["base"] for k in range(settings.get("plain", 0))}
    turns = content["in_turn"]
    worlds = []
    for k, (name, library) in enumerate(libraries.items()):
        override: dict = {"library": library}
        for key, choices in turns.items():
            set_key(override, key, choices[k % len(choices)], f"in_turn.{key}")
        worlds.append({"name": name, "override": override})
    recipe = folder / ("unseen.yaml" if unseen else "recipe.yaml")
    with whole_file(recipe) as partial:
        partial.write_text(yaml.safe_dump(content["recipe"] | {"worlds": worlds}, sort_keys=False), "utf-8")
    return recipe


def _libraries(settings: dict, folder: Path, say: Callable[[str], None]) -> Sequence[Path]:
    """Paths of the native libraries, made where they are not there yet."""
    from sfhsim.libraries import Variations, load_library, save_library

    seeds = range(settings["first_seed"], settings["first_seed"] + settings["count"])
    folder = folder.absolute()
    known = {seed: folder / f"varied-{seed:04d}.ssplib" for seed in seeds}
    missing = [seed for seed, path in known.items() if not path.exists()]
    if missing:
        between = Variations(load_library(settings["base"]), [load_library(name) for name in settings["donors"]])
        options = {key: settings[key] for key in ("continuum_rms", "reach") if key in settings}
        for seed in missing:
            name = known[seed].stem
            say(f"library {name}, {settings['base']} towards {', '.join(settings['donors'])}")
            save_library(between.library(seed, name=name, **options), known[seed].with_suffix(""))
    return list(known.values())
