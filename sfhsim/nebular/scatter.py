"""Scatter of the lines of ionised gas about those of a model, so that what learns from them holds in other gas.

    L_line -> L_line 10^(common + s d),      d ~ N(0, 1), one for each group of lines

``common`` is one number a galaxy; s is the galaxy's ``line_scatter_dex`` for metals and helium, and for hydrogen its
``hydrogen_scatter_dex``, which is 0 unless a recipe says otherwise: recombination fixes the ratios of hydrogen lines
(Storey & Hummer 1995, MNRAS 272, 41). The median is kept, not the mean. The nebular continuum stays as it is.

Lines that physics ties move together: those of one ion from one upper level, whose ratio is that of two transition
probabilities ([O III] 5007/4959, [N II] 6583/6548: Storey & Zeippen 2000, MNRAS 312, 813); pairs of one term, whose
ratio depends on density within narrow limits ([S II] 6716/6731, [O II] 3726/3729: Osterbrock & Ferland 2006, chapter
5) and stays that of the model; all lines of He I, and of He II. Every line of hydrogen is a group of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sfhsim.air import vacuum_to_air
from sfhsim.elementary import exp10

HYDROGEN = "H "
#: keys of a recipe's section
SCATTERS = ("line_scatter_dex", "hydrogen_scatter_dex", "common_scatter_dex")
#: ion and wavelengths (Angstrom) of lines that move together
TOGETHER = (
    ("He I", (3888.6, 4471.5, 5875.6, 6678.15, 7065.22, 10830.2, 10833.0)),
    ("He II", (1640.41, 4685.68)),
    ("C I", (4621.57, 8727.13)),
    ("C III", (1906.68, 1908.73)),
    ("N II", (6548.05, 6583.45)),
    ("O I", (6300.3, 6363.78)),
    ("O II", (3726.03, 3728.81)),
    ("O II", (2471.0, 7323.0, 7332.0)),
    ("O III", (1660.81, 1666.15)),
    ("O III", (2320.95, 4363.21)),
    ("O III", (4958.91, 5006.84)),
    ("Ne III", (1814.56, 3342.18)),
    ("Ne III", (3868.76, 3967.47)),
    ("Mg II", (2795.53, 2802.71)),
    ("Al II", (1855.93, 1862.31)),
    ("Al II", (2660.35, 2669.15)),
    ("S II", (4068.6, 4076.35, 10336.4)),
    ("S II", (6716.44, 6730.82)),
    ("S III", (3721.63, 6312.06)),
    ("S III", (9068.62, 9530.62)),
    ("Cl II", (8578.7, 9123.6)),
    ("Cl III", (5517.71, 5537.87)),
    ("Ar III", (3109.18, 5191.82)),
    ("Ar III", (7135.79, 7751.11)),
)
_NEAR_AA = 2.0  # tables differ by so much in their wavelengths
_RYDBERG_AA = 1.0967758e-3  # of hydrogen, 1/Angstrom
_NEAR_HYDROGEN = 1.0e-4


@dataclass(frozen=True)
class LineGroups:
    """Which lines move together: ``index`` (n_line,) of each line's group among the ``n_group`` of a model, those of
    hydrogen from ``first_hydrogen`` on."""

    index: np.ndarray
    first_hydrogen: int
    n_group: int

    def __getitem__(self, lines: np.ndarray) -> LineGroups:
        return LineGroups(self.index[lines], self.first_hydrogen, self.n_group)


def line_groups(names: np.ndarray | None, wave_aa: np.ndarray) -> LineGroups:
    """The groups of the lines of a model.

    Parameters
    ----------
    names : (n_line,) str, or None
        Ion first, as in "O III 5006.84A"; "Blend" for lines of one ion that the model adds up. Without names, ions are
        those that have a line near.
    wave_aa : (n_line,) Angstrom, in air above 2000 A.
    """
    labels = _ions(wave_aa) if names is None else [str(name) for name in names]
    keys = [_key(label, float(wave)) for label, wave in zip(labels, wave_aa, strict=True)]
    is_hydrogen = [label.startswith(HYDROGEN) for label in labels]
    metals = list(dict.fromkeys(key for key, h in zip(keys, is_hydrogen, strict=True) if not h))
    hydrogen = list(dict.fromkeys(key for key, h in zip(keys, is_hydrogen, strict=True) if h))
    order = {key: k for k, key in enumerate([*metals, *hydrogen])}
    return LineGroups(np.array([order[key] for key in keys], dtype=np.int64), len(metals), len(order))


def _ions(wave_aa: np.ndarray) -> list[str]:
    """Names of lines by their wavelengths: hydrogen's where it has one, else blends, which may be of any ion."""
    low, high = np.meshgrid(np.arange(1, 7), np.arange(2, 13))
    inverse = 1.0 / low[high > low] ** 2 - 1.0 / high[high > low] ** 2
    hydrogen_aa = vacuum_to_air(1.0 / (_RYDBERG_AA * inverse))
    wave_aa = np.asarray(wave_aa, dtype=np.float64)[:, None]
    is_hydrogen = (np.abs(wave_aa / hydrogen_aa - 1.0) < _NEAR_HYDROGEN).any(axis=1)
    return [HYDROGEN if h else "Blend " for h in is_hydrogen]


def _key(name: str, wave_aa: float) -> tuple:
    """What the lines of a group have in common."""
    for group, (ion, lines) in enumerate(TOGETHER):
        is_of_ion = name.startswith((f"{ion} ", "Blend "))
        if is_of_ion and min(abs(wave_aa - line) for line in lines) < _NEAR_AA:
            return "group", group
    return name, wave_aa


def line_factors(
    groups: LineGroups,
    deviates: np.ndarray,
    line_dex: np.ndarray | float = 0.0,
    hydrogen_dex: np.ndarray | float = 0.0,
    common_dex: np.ndarray | float = 0.0,
) -> np.ndarray:
    """Factors (n, n_line) on the lines of n galaxies.

    Parameters
    ----------
    groups : LineGroups
    deviates : (n, n_group) standard normal.
    line_dex, hydrogen_dex : scalar or (n,) scatters.
    common_dex : scalar or (n,), what all lines have in common, drawn already.
    """
    n = len(deviates)
    line, hydrogen, common = (np.broadcast_to(dex, n)[:, None] for dex in (line_dex, hydrogen_dex, common_dex))
    scatter = np.where(groups.index < groups.first_hydrogen, line, hydrogen)
    return exp10(common + scatter * deviates[:, groups.index])
