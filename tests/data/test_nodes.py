"""Nodes for straight lines: within the tolerance everywhere, and none where a line will do."""

import numpy as np

from sfhsim.data.builders.nodes import choose_nodes, relative_error


def test_straight_lines_need_two_nodes():
    wave_aa = np.linspace(1.0, 9.0, 50)
    assert choose_nodes(wave_aa, np.array([wave_aa, 20.0 - wave_aa]), 1e-6).tolist() == [0, 49]


def test_curves_and_steps_are_within_the_tolerance():
    wave_aa = np.linspace(1.0, 9.0, 4001)
    spectra = np.array([np.exp(-wave_aa), 1.0 + (wave_aa > 4.0), 2.0 + np.sin(wave_aa)])
    nodes = choose_nodes(wave_aa, spectra, 1e-3)
    assert relative_error(wave_aa, spectra, nodes).max() <= 1e-3
    assert nodes.size < 300
    assert {1500, 1501} <= set(nodes.tolist())  # both sides of the step
