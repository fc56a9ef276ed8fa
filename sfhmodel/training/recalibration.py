"""The uncertainties of a trained model, set anew on other labelled galaxies: its weights stay as they are."""

from __future__ import annotations

from pathlib import Path

from sfhmodel.errors import ConfigError
from sfhmodel.files import check_new, check_writable, written_whole

_BATCH = 512


def recalibrate(
    run_or_model: str | Path,
    dataset: str | Path,
    out: str | Path,
    *,
    split: str = "validation",
    limit: int | None = None,
    overwrite: bool = False,
) -> dict:
    """Set corrections of the intervals and limits of the novelty anew, and write the model to another file.

    Parameters
    ----------
    run_or_model : run directory, .keras file or preset.
    dataset : directory of a data set on the model's grid, bins and bands.
    out : .keras file to write.
    split : of the data set; what the model did not learn from.
    limit : use only the first so many records of it.
    overwrite : replace the file if it exists.

    Returns
    -------
    dict
        As of `sfhmodel.calibration.calibrate`, and ``said``: what the intervals are good for, which the model's
        description says, too.

    Raises
    ------
    ConfigError
        A file that is there or cannot be written, or of another ending than .keras.
    ModelFileError
        The model is missing or damaged.
    TrainingDataError
        The data set is missing or damaged, has another grid, bins or bands, or fewer than 100 records in this split: on
        them no coverage can be promised.
    """
    from sfhmodel.calibration import calibrate
    from sfhmodel.data import TrainingData, batches
    from sfhmodel.data.diagnosis import explained_errors
    from sfhmodel.training.transfer.origin import open_origin

    out = Path(out)
    if out.suffix != ".keras":
        raise ConfigError(f"{out}: the name of a model file ends in .keras")
    check_new(out, overwrite)
    check_writable(out)
    data = TrainingData(dataset)
    model = open_origin(run_or_model).model
    data.check_same(model.description)
    name = data.description.dataset_name or str(dataset)
    with explained_errors(data, split):
        found = calibrate(model, batches(data, split, _BATCH, shuffle=False, limit=limit), data=f"{name} ({split})")
    with written_whole(out, overwrite) as temporary:
        model.save(temporary)
    return {**found, "said": model.description.calibration["said"]}
