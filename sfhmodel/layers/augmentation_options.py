"""The switches of `sfhmodel.layers.augmentation.Augmentation`, checked and completed."""

from __future__ import annotations

import math
from collections.abc import Mapping

from sfhmodel.errors import ConfigError
from sfhmodel.layers.residual_rows import decoded_rows

# options of each switch besides its probability: (lowest, highest, whether it must be an integer)
_NUMBERS: dict[str, dict[str, tuple[float, float, bool]]] = {
    "noise": {},
    "masked_pixels": {"runs": (1, 100, True), "length": (1, 100_000, True)},
    "partial_coverage": {"shortest": (0.01, 1.0, False)},
    "dropped_bands": {},
    "missing_photometry": {},
    "calibration": {"amplitude": (0.0, 1.0, False), "order": (1, 50, True)},
    "ripples": {},
    "residuals": {},
    "sky_lines": {"lines": (1, 100, True), "amplitude": (0.0, 10.0, False)},
    "redshift": {"sigma": (0.0, 0.1, False)},
    "missing_errors": {},
}
# options that are [low, high], both positive: (lowest, highest)
_RANGES: dict[str, dict[str, tuple[float, float]]] = {
    "noise": {"snr": (1e-3, 1e6)},
    "ripples": {"amplitude": (1e-5, 1.0), "pixels": (4.0, 1e6)},
    "residuals": {"amplitude": (1e-3, 10.0)},
    "sky_lines": {"pixels": (0.5, 1e3)},
}
# such that may be left out
_OPTIONAL_RANGES: dict[str, dict[str, tuple[float, float]]] = {"noise": {"correlation_pixels": (0.5, 50.0)}}
_OPTIONAL_NUMBERS: dict[str, dict[str, tuple[float, float, bool]]] = {"residuals": {"shift_pixels": (0, 100_000, True)}}
# options that are neither, and what looks at them
_CONTENTS = {"residuals": {"bank": decoded_rows}}
# the switches that would do it to every galaxy without one
_PROBABILITY_NEEDED = ("dropped_bands", "missing_photometry", "missing_errors")


def checked_options(**switches: Mapping | None) -> dict[str, dict | None]:
    """The options of each switch as plain numbers, ``probability`` filled in; None for switches that are off.

    Raises
    ------
    ConfigError
        Naming the switch and the option that is unknown, missing or impossible.
    """
    return {name: None if options is None else _checked(name, options) for name, options in switches.items()}


def _checked(name: str, options: Mapping) -> dict:
    ranges, optional = _RANGES.get(name, {}), _OPTIONAL_RANGES.get(name, {})
    numbers, contents = _OPTIONAL_NUMBERS.get(name, {}), _CONTENTS.get(name, {})
    known = ["probability", *contents, *_NUMBERS[name], *ranges, *optional, *numbers]
    if not isinstance(options, Mapping):
        raise ConfigError(f"augmentation {name} must be None or a dict of {', '.join(known)}, not {options!r}")
    if unknown := [str(key) for key in options if key not in known]:
        raise ConfigError(f"augmentation {name} has no option {', '.join(unknown)}: there are {', '.join(known)}")
    needed = [key for key in known if key not in ("probability", *optional, *numbers) or name in _PROBABILITY_NEEDED]
    if missing := [key for key in needed if key not in options]:
        raise ConfigError(f"augmentation {name} needs {', '.join(missing)}")
    for key, check in contents.items():
        check(options[key])
    checked: dict = {key: options[key] for key in contents}
    numbers = {key: limits for key, limits in numbers.items() if options.get(key) is not None} | _NUMBERS[name]
    checked |= {key: _number(name, key, options[key], *limits) for key, limits in numbers.items()}
    for key, limits in (ranges | optional).items():
        if key in needed or options.get(key) is not None:
            checked[key] = _range(name, key, options[key], *limits)
    return checked | {"probability": _number(name, "probability", options.get("probability", 1.0), 0.0, 1.0)}


def _number(name: str, key: str, value, low: float, high: float, integer: bool = False) -> float | int:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if isinstance(value, bool) or not low <= number <= high or (integer and number != int(number)):
        kind = "an integer" if integer else "a number"
        raise ConfigError(f"augmentation {name}: {key} must be {kind} from {low:g} to {high:g}, not {value!r}")
    return int(number) if integer else number


def _range(name: str, key: str, value, lowest: float, highest: float) -> list[float]:
    if isinstance(value, str) or not hasattr(value, "__len__") or len(value) != 2:
        raise ConfigError(f"augmentation {name}: {key} must be [low, high], not {value!r}")
    low, high = (_number(name, key, number, lowest, highest) for number in value)
    if low > high:
        raise ConfigError(f"augmentation {name}: {key} must be [low, high], {low:g} is above {high:g}")
    return [low, high]
