"""Whether what was read from a compiled recipe's file fits together: the kernels check no index, so this does.

A file with a wrong shape, type or index in it, sealed or not, must not reach them.
"""

from __future__ import annotations

import numpy as np

from sfhsim.nebular.lkl10 import LINE_FLUX, LKL10Lines
from sfhsim.nebular.scatter import LineGroups
from sfhsim.synthesis.detectors import Lines
from sfhsim.synthesis.nebular import GasStage, LKL10Stage, SSPStage
from sfhsim.synthesis.photometer_base import NoPhotometer
from sfhsim.synthesis.photometer_fixed import FixedPhotometer
from sfhsim.synthesis.photometer_varying import LogPhotometer, MovingLinesPhotometer, VaryingPhotometer
from sfhsim.synthesis.sources import TemplateSource

_OLDEST_YR = 1e11
_MOST_LINES = 100_000
_WIDEST2 = 1e8  # Angstrom^2, or columns^2: far beyond any width


def check_sound(simulator) -> None:
    """Raise ValueError, naming the part, where compiled arrays do not fit the recipe or each other."""
    n_z, n_age = simulator.populations.metallicity.size, simulator.populations.age_yr.size
    names = [band.name for band in simulator.photometer.filters]
    _require(len(names) == len(simulator.recipe.photometry.filters), "filters")
    n_pixel = _checked("pixel columns", simulator.spectrograph.column_wave_aa, "f8", (None,))[0]
    n_band = _checked("band columns", simulator.photometer.column_wave_aa, "f8", (None,))[0]
    for wave_aa in (simulator.spectrograph.column_wave_aa, simulator.photometer.column_wave_aa):
        _require(((wave_aa > 0) & np.isfinite(wave_aa)).all(), "wavelengths of columns")
    light = simulator.light
    columns = {name: panel.column_wave_aa.size for name, panel in light.detectors.panels.items()}
    for wave_aa in (panel.column_wave_aa for panel in light.detectors.panels.values()):
        _checked("columns", wave_aa, "f8", (None,))
        _require(((wave_aa > 0) & np.isfinite(wave_aa)).all(), "wavelengths of columns")
    for name in ("young", "old"):
        _check_ages(f"{name} stars", light.sources[name].templates, n_z, n_age, columns)
    young, old = light.young.templates, light.old.templates
    _require(young.first == 0 and young.stop == old.first and old.stop == n_age, "ages")
    _checked("mean light", light.mean_light, "f8", (n_z, n_age))
    for name, source in light.sources.items():
        if not source.is_stars:
            _check_source(name, source, columns, simulator.plan.names)
    if isinstance(light.nebular, SSPStage):
        _check_cloudy(simulator, light.nebular, n_z, n_age)
    elif isinstance(light.nebular, GasStage):
        _check_gas(light.nebular, n_z * n_age)
    lines = [source.lines for source in light.sources.values() if source.lines is not None]
    n_line = sum(own.wave_aa.size for own in lines)
    _check_spectrograph(simulator.spectrograph, n_pixel, n_line)
    _check_photometer(simulator.photometer, n_band, n_line, simulator.plan.names)


def check_axes(age_yr: np.ndarray, age_edges_yr: np.ndarray, metallicity: np.ndarray) -> None:
    """Raise ValueError where these cannot be the axes of a library."""
    (n_age,) = _checked("ages", age_yr, "f8", (None,))
    _checked("age edges", age_edges_yr, "f8", (n_age + 1,))
    _checked("metallicities", metallicity, "f8", (None,))
    for name, values, highest in (
        *(("ages", age_yr, _OLDEST_YR), ("age edges", age_edges_yr, _OLDEST_YR)),
        ("metallicities", metallicity, 1.0),
    ):
        increasing = values.size > 0 and values[0] >= 0 and (np.diff(values) > 0).all() and values[-1] <= highest
        _require(increasing, name)
    _require(metallicity[0] > 0 and age_yr[0] > 0, "metallicities and ages")


def _check_ages(name: str, ages, n_z: int, n_age: int, columns: dict[str, int]) -> None:
    from sfhsim.kernels.rows import COLUMNS

    _require(0 <= ages.first <= ages.stop <= n_age, name)
    _require(list(ages.vectors) == list(columns), f"{name}, panels")
    sizes = [_checked(f"{name}, {panel}", ages.vectors[panel], "f4", (None, n))[0] for panel, n in columns.items()]
    width = _checked(f"{name}, coefficients", ages.coefficients, "f4", (n_z * (ages.stop - ages.first), None))[1]
    _require(width % COLUMNS == 0 and sum(sizes) <= width, f"{name}, coefficients")


def _check_source(name: str, source, columns: dict[str, int], parameters: tuple[str, ...]) -> None:
    """Vectors and lines of any source that is not of stars."""
    _require(list(source.vectors) == list(columns), f"{name}, panels")
    for panel, n_column in columns.items():
        rank = _checked(f"{name}, {panel}", source.vectors[panel], "f8", (None, n_column))[0]
        if isinstance(source, TemplateSource):
            n_row = _checked(f"{name}, factors of {panel}", source._factors[panel], "f8", (None, rank))[0]
            n_template = source._n_template
            _require(n_row in (n_template, n_template + source.family.line_wave_aa.size), f"{name}, templates")
    if source.lines is not None:
        _check_lines(name, source.lines, parameters)
    if isinstance(source, TemplateSource) and source.lines is not None:
        _indices(f"{name}, lines", source._drawn, source.lines.wave_aa.size, source.family.line_wave_aa.size)


def _check_lines(name: str, lines, parameters: tuple[str, ...]) -> None:
    _require(isinstance(lines, Lines) and lines.width in parameters, f"{name}, width of lines")
    _require(lines.offset in ("", *parameters), f"{name}, velocity of lines")
    _checked(f"{name}, lines", lines.wave_aa, "f8", (None,))
    _require((lines.wave_aa > 0).all(), f"{name}, wavelengths of lines")


def _check_cloudy(simulator, stage: SSPStage, n_z: int, n_age: int) -> None:
    from sfhsim.kernels.rows import COLUMNS

    n_line = _checked("nebular lines", stage.lines.wave_aa, "f8", (None,))[0]
    ranks = {name: len(vectors) for name, vectors in stage.vectors.items()}
    if stage.is_scattered:
        n_line = _check_groups(stage.groups)
        _indices("nebular lines in view", stage._in_view, stage.lines.wave_aa.size, n_line)
        _require(set(stage._line_factors) <= set(ranks), "panels of scattered lines")
        for panel, factor in stage._line_factors.items():
            ranks[panel] -= _checked(f"scattered lines of {panel}", factor, "f8", (n_line, None))[1]
    _require(list(stage._sizes) == [n_line, *ranks.values()] and min(stage._sizes) >= 0, "sizes of the nebular table")
    _require(0 <= stage._stop_age <= n_age and stage._n_row == n_z * stage._stop_age, "rows of the nebular table")
    rows, width = _checked("nebular table", stage._table, "f4", (None, None))
    _require(width % COLUMNS == 0 and sum(stage._sizes) <= width, "columns of the nebular table")
    (n_node,) = _checked("nodes of log U", stage._log_u_nodes, "f8", (None,))
    _require(n_node >= 2 and (np.diff(stage._log_u_nodes) > 0).all(), "nodes of log U")
    _check_nodes(stage, simulator.plan.bounds("nebular.log_u"), rows)


def _check_groups(groups) -> int:
    """How many lines the groups are of."""
    _require(isinstance(groups, LineGroups), "groups of lines")
    _require(isinstance(groups.n_group, int) and 0 <= groups.n_group < _MOST_LINES, "groups of lines")
    _require(isinstance(groups.first_hydrogen, int), "groups of lines")
    (n_line,) = _checked("groups of lines", groups.index, "i8", (None,))
    _indices("groups of lines", groups.index, n_line, groups.n_group)
    return n_line


def _check_nodes(stage: SSPStage, log_u: tuple[float, float], rows: int) -> None:
    """The table holds every node between which the recipe's log U can lie."""
    from sfhsim.nebular.cloudy import log_u_bracket

    node, share = log_u_bracket(stage._log_u_nodes, np.array(log_u))
    last = int(node[1]) + int(share[1] > 0) - stage._first_node
    _require(int(node[0]) >= stage._first_node >= 0, "first node of log U")
    _require(rows >= (last + 1) * stage._n_row, "rows of the nebular table")


def _check_gas(stage: GasStage, n_ssp: int) -> None:
    if isinstance(stage, LKL10Stage):
        _check_lkl10(stage._table)
    n_line, n_template = stage._model.line_wave_aa.size, stage._n_template
    _require(type(n_template) is int and n_template > 0, "templates of the nebular continuum")
    ranks = {len(vectors) for vectors in stage.vectors.values()}
    _require(ranks <= {n_template, n_line + n_template}, "vectors of the nebular emission")
    _indices("nebular lines", stage._kept, stage.lines.wave_aa.size, n_line)
    _require(not stage.is_scattered or _check_groups(stage.groups) == n_line, "groups of lines")
    _require((stage._ionizing is None) == (stage._model.scale == "sfr_10myr"), "ionising output")
    if stage._ionizing is not None:
        _checked("ionising output", stage._ionizing, "f4", (n_ssp, None))


def _check_lkl10(table: LKL10Lines) -> None:
    _require(isinstance(table, LKL10Lines), "LKL10 table")
    shape = (table.metallicity.size, table.ionization_q.size, table.line_wave_aa.size)
    for name in ("per_halpha", "per_total"):
        _checked(f"LKL10 {name}", getattr(table, name), "f8", shape)
    for name in ("metallicity", "ionization_q", "line_wave_aa"):
        axis = getattr(table, name)
        _checked(f"LKL10 {name}", axis, "f8", (axis.size,))
        _require(axis.size > 0 and axis[0] > 0 and (np.diff(axis) > 0).all(), f"LKL10 {name}")
    _require(table.line_flux in LINE_FLUX and min(shape) >= 2, "LKL10 table")


def _check_spectrograph(spectrograph, n_pixel: int, n_line: int) -> None:
    profiles = spectrograph.line_profiles
    n, width = _checked("line profiles", profiles.values, "f4", (None, None))
    _indices("lines with profiles", profiles.index, n, n_line)
    _indices("places of line profiles", profiles.start, n, spectrograph.wave_aa.size - width + 1)
    if spectrograph.fixed:
        _require(n_pixel == spectrograph.wave_aa.size, "pixel columns")
        return
    fwhm_aa = np.asarray(spectrograph.lsf.fwhm_aa(spectrograph.wave_aa), dtype=np.float64)
    _require(np.shape(fwhm_aa) == spectrograph.wave_aa.shape, "LSF")
    _require(((fwhm_aa >= 0) & (fwhm_aa < _WIDEST2)).all(), "LSF")
    drawn = spectrograph._drawn_lines
    _require(isinstance(drawn, list), "lines to draw")
    for own in drawn:
        _check_lines("lines to draw", own, spectrograph._plan.names)
    _indices("lines to draw", spectrograph._drawn, sum(own.wave_aa.size for own in drawn), n_line)
    _checked("native pixels", spectrograph._native_wave_aa, "f8", (None,))
    if not spectrograph.kinematics.broaden_stars:
        _require(spectrograph._native_wave_aa.size == n_pixel, "pixel columns")
        return
    _check_broadening(spectrograph, n_pixel)


def _check_broadening(spectrograph, n_pixel: int) -> None:
    tables, wave_aa = spectrograph._tables, spectrograph.column_wave_aa
    _checked("template variance", tables.template_variance, "f4", (n_pixel,))
    _require(_checked("LSF", tables.lsf_variance_aa2, "f4", (None,))[0] >= 2, "LSF")
    for variance in (tables.template_variance, tables.lsf_variance_aa2):
        _require(((variance >= 0) & (variance < _WIDEST2)).all(), "widths")
    rows, taps = _checked("broadening weights", tables.weights, "f4", (None, None))
    _require(rows >= 6 and taps >= 10 and taps % 2 == 0, "broadening weights")
    _require(_checked("ramp", tables.ramp, "f8", (None,))[0] >= 2, "ramp")
    (n_border,) = _checked("pieces", tables.pieces, "i8", (None,))
    borders = tables.pieces
    _require(n_border >= 2 and borders[0] == 0 and borders[-1] == n_pixel and (np.diff(borders) > 0).all(), "pieces")
    numbers = {name: getattr(tables, name) for name in ("first_edge_aa", "step_aa", "lsf_first_aa", "lsf_step_aa")}
    numbers |= {"log_first": tables.log_first, "log_step": tables.log_step}
    for name, number in numbers.items():
        _require(isinstance(number, float) and abs(number) < _WIDEST2, name)
    _require(min(tables.step_aa, tables.lsf_step_aa, tables.log_step) > 1e-5, "steps")
    expected_aa = tables.first_edge_aa + tables.step_aa * (np.arange(n_pixel) + 0.5)
    _require(np.abs(wave_aa - expected_aa).max() < 0.01 * tables.step_aa, "pixel columns")
    rest_aa = spectrograph.edges_aa[[0, -1]] / (1 + np.array(spectrograph._plan.bounds("redshift"))[::-1])
    _require(wave_aa[0] <= rest_aa[0] and wave_aa[-1] >= rest_aa[1], "range of the pixel columns")


def _check_photometer(photometer, n_band: int, n_line: int, parameters: tuple[str, ...]) -> None:
    covered = getattr(photometer, "_measured", photometer)  # of one with missing bands, that of the others
    if isinstance(covered, NoPhotometer):
        _require(n_band == 0, "band columns")
    elif isinstance(covered, FixedPhotometer):
        _require(n_band > 0 and n_band % len(covered.filters) == 0, "band columns")
    elif isinstance(covered, VaryingPhotometer):
        n_filter = len(covered.filters)
        _checked("starts of bands", covered._starts, "i8", (n_filter + 1,))
        starts = covered._starts
        _require(starts[0] == 0 and starts[-1] == n_band and (np.diff(starts) > 0).all(), "starts of bands")
        _require(len(covered._groups) == n_filter, "cells of bands")
        if isinstance(covered, LogPhotometer):
            sizes = [_checked("cells of a band", edges, "f8", (None,))[0] for edges in covered._groups]
            _require(sizes == np.diff(starts).tolist(), "cells of bands")
        else:
            _check_band_tables(covered._tables, starts, covered._counted.size)
    if isinstance(covered, MovingLinesPhotometer):
        _check_band_tables(covered._tables, np.zeros(len(covered.filters) + 1, dtype=np.intp), covered._counted.size)
    if isinstance(covered, MovingLinesPhotometer | VaryingPhotometer):
        _indices("lines in bands", covered._counted, covered._counted.size, n_line)
        _checked("lines", covered._line_wave_aa, "f8", (n_line,))
        offsets = covered._line_offsets
        _require(isinstance(offsets, list) and len(offsets) == n_line, "velocities of lines in bands")
        _require(set(offsets) <= {"", *parameters}, "velocities of lines in bands")


def _check_band_tables(tables, starts: np.ndarray, n_counted: int) -> None:
    from sfhsim.kernels.bands import PHASES

    n = starts.size - 1
    _require(np.array_equal(tables.starts, starts) and tables.starts.dtype == starts.dtype, "starts of bands")
    (n_photon,) = _checked("photons", tables.photons, "f4", (None,))
    for name in ("photons_first", "photons_width"):
        _checked(name, getattr(tables, name), "i8", (n,))
    first, width = tables.photons_first, tables.photons_width
    inside = (first >= 0) & (width >= np.diff(starts)) & (first + (PHASES + 1) * width <= n_photon)
    _require(inside.all(), "photons")
    _checked("steps of cells", tables.cell_log_step, "f8", (n,))
    _require((tables.cell_log_step > 1e-9).all() and 1e-9 < tables.response_step < 1.0, "steps of cells")
    _require(isinstance(tables.log_stretch_low, float) and abs(tables.log_stretch_low) < 10.0, "lowest redshift")
    _checked("lines in bands", tables.line_log_wave, "f8", (n_counted,))
    _require(_checked("responses", tables.response, "f8", (n, None))[1] >= 2, "responses")
    _checked("first wavelengths of responses", tables.response_first, "f8", (n,))


def _checked(name: str, array, kind: str, shape: tuple[int | None, ...]) -> tuple[int, ...]:
    """The shape of an array of this type, finite and, where they are known, of these lengths."""
    right = isinstance(array, np.ndarray) and array.dtype == np.dtype(kind) and array.ndim == len(shape)
    if not right or any(want not in (None, have) for want, have in zip(shape, array.shape, strict=True)):
        found = f"{array.dtype} of shape {array.shape}" if isinstance(array, np.ndarray) else type(array).__name__
        raise ValueError(f"{name}: {found} does not fit")
    _require(array.dtype.kind != "f" or np.isfinite(array).all(), name)
    return array.shape


def _indices(name: str, array, n: int, below: int) -> None:
    _checked(name, array, "i8", (n,))
    _require(((array >= 0) & (array < below)).all(), name)


def _require(condition, name: str) -> None:
    if not condition:
        raise ValueError(f"{name}: they do not fit")
