"""The report of an evaluation: metrics as JSON, pictures as PNG, and one page that holds everything."""

from __future__ import annotations

import base64
import json
from importlib.resources import files
from pathlib import Path

from sfhmodel.evaluation.attention_weights import Attention
from sfhmodel.evaluation.figures import Picture, pictures
from sfhmodel.evaluation.folder import FIGURES, METRICS, PAGE
from sfhmodel.evaluation.report_tables import group_table, headline, quantile_table, summary_table, world_table
from sfhmodel.inference.prediction import Prediction


def write_report(
    folder: str | Path,
    results: Prediction,
    metrics: dict,
    *,
    shown: Prediction | None = None,
    attention: Attention | None = None,
) -> None:
    """Write ``metrics.json``, ``report.html`` and ``figures/*.png`` into an existing folder.

    Parameters
    ----------
    folder : to write into; `sfhmodel.evaluation.folder.report_folder` makes one that is whole or absent.
    results : of the evaluated galaxies.
    metrics : of `sfhmodel.evaluation.metrics_of`, and what is said of model, data set and conventions.
    shown : results with their inputs of the galaxies to picture one by one.
    attention : weights to picture, of a model that has them.
    """
    folder = Path(folder)
    (folder / FIGURES).mkdir()
    made = list(pictures(results, metrics, shown, attention))
    for picture in made:
        (folder / FIGURES / f"{picture.name}.png").write_bytes(picture.png)
    (folder / PAGE).write_text(page(metrics, made), encoding="utf-8")
    (folder / METRICS).write_text(json.dumps(metrics, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def page(metrics: dict, made: list[Picture]) -> str:
    """The page: HTML without anything outside it."""
    from jinja2 import Environment, StrictUndefined

    source = files("sfhmodel.evaluation").joinpath("page.html").read_text(encoding="utf-8")
    template = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return template.from_string(source).render(
        metrics=metrics,
        headline=headline(metrics),
        summaries=summary_table(metrics),
        quantiles=quantile_table(metrics),
        groups=[
            ("Signal-to-noise ratio", group_table(metrics["by_snr"], 0)),
            ("Attenuation A_V [mag]", group_table(metrics["by_a_v"], 2)),
        ],
        worlds=world_table(metrics["by_world"]),
        pictures=[(picture, base64.b64encode(picture.png).decode()) for picture in made],
    )
