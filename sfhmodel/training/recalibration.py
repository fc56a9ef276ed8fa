"""The uncertainties of a trained model, set anew on other labelled galaxies: its weights stay as they are."""

from __future__ import annotations

from pathlib import Path

from sfhmodel.errors import ConfigError
from sfhmodel.files import check_new, check_writable, written_whole

_BATCH = 512


def recalibrate(
    run_or_model: str | Path,
    dataset_or_recipe: str | Path,
    out: str | Path,
    *,
    split: str = "validation",
    limit: int | None = None,
    overwrite: bool = False,
) -> dict:
    """Set corrections of the intervals and limits of the novelty anew, and write the model to another file.

    Models that were trained on parts of spectra are shown parts.

    Parameters
    ----------
    run_or_model : run directory, .keras file or preset.
    dataset_or_recipe : as of `sfhmodel.training.train`, on the model's grid, bins and bands; of a recipe galaxies are
        simulated.
    out : .keras file to write.
    split : of a data set; what the model did not learn from.
    limit : use only the first so many galaxies.
    overwrite : replace the file if it exists.

    Returns
    -------
    dict
        As of `sfhmodel.calibration.calibrate`, and ``said``: what the intervals are good for, which the model's
        description says, too.

    Raises
    ------
    ConfigError
        A file that is there or cannot be written, or of another ending than .keras; a split of what has none.
    ModelFileError
        The model is missing or damaged.
    TrainingDataError
        The data are missing or damaged, have another grid, bins or bands, or are fewer than 100 galaxies: on them no
        coverage can be promised.
    """
    from sfhmodel.calibration import calibrate
    from sfhmodel.data.coverage import in_part, part_of
    from sfhmodel.training.sources import open_source
    from sfhmodel.training.transfer.origin import open_origin

    out = Path(out)
    if out.suffix != ".keras":
        raise ConfigError(f"{out}: the name of a model file ends in .keras")
    check_new(out, overwrite)
    check_writable(out)
    source = open_source(dataset_or_recipe)
    galaxies = _galaxies(source, split, limit)
    model = open_origin(run_or_model).model
    model.description.check_same(source.description)
    name = source.description.dataset_name or source.name
    with source.explained_errors():
        found = calibrate(model, in_part(galaxies, part_of(model.description)), data=f"{name} ({split})")
    with written_whole(out, overwrite) as temporary:
        model.save(temporary)
    return {**found, "said": model.description.calibration["said"]}


def _galaxies(source, split: str, limit: int | None):
    """Batches of inputs and truths."""
    from sfhmodel.data import batches
    from sfhmodel.training.sources import DatasetSource

    if isinstance(source, DatasetSource):
        return batches(source.data, split, _BATCH, shuffle=False, limit=limit)
    if split != "validation":
        raise ConfigError(f"{source.name} has no split {split!r}: only data sets of sfhsim have other splits")
    return source.validation(_BATCH, limit)
