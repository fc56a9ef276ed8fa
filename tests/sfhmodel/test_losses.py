"""Losses against values by hand, and what their tables refuse."""

import numpy as np
import pytest

from sfhmodel import losses
from sfhmodel.errors import ConfigError
from sfhmodel.losses import DEFAULT_LOSSES, SMAPE, Cumulative, MeanAbsoluteError, Pinball, WeightedMSLE, make_losses

LEVELS = (0.05, 0.16, 0.5, 0.84, 0.95)
TRUE = np.array([[0.5, 0.5, 0.0, 0.0]], dtype="float32")
FOUND = np.array([[0.0, 0.5, 0.25, 0.25]], dtype="float32")


def test_smape_by_hand():
    # bins: 1, 0, 1, 1
    assert float(SMAPE()(TRUE, FOUND)) == pytest.approx(0.75, abs=1e-4)
    assert float(SMAPE()(TRUE, TRUE)) == 0.0


def test_cumulative_is_the_mean_gap_of_the_cumulative_sums():
    # true 0.5 1 1 1, found 0 0.5 0.75 1
    assert float(Cumulative()(TRUE, FOUND)) == pytest.approx((0.5 + 0.5 + 0.25 + 0.0) / 4)


def test_weighted_msle_by_hand():
    ratio = np.log(0.001 / 0.501) ** 2
    # weights t / mean(t): 2, 2, 0, 0
    assert float(WeightedMSLE(floor=1e-3)(TRUE, FOUND)) == pytest.approx(2.0 * ratio / 4, rel=1e-4)
    other = np.log(0.251 / 0.001) ** 2
    plain = WeightedMSLE(floor=1e-3, weigh_by_target=False)
    assert float(plain(TRUE, FOUND)) == pytest.approx((ratio + 2.0 * other) / 4, rel=1e-4)


def test_mean_absolute_error_by_hand():
    assert float(MeanAbsoluteError()(TRUE, FOUND)) == pytest.approx(1.0 / 4)


def test_pinball_by_hand():
    quantiles = np.array([[[0.0, 1.0, 2.0]]], dtype="float32")
    # t = 1.5: 0.1 * 1.5, 0.5 * 0.5, (0.9 - 1) * -0.5
    expected = (0.15 + 0.25 + 0.05) / 3
    assert float(Pinball((0.1, 0.5, 0.9))(np.array([[1.5]], dtype="float32"), quantiles)) == pytest.approx(expected)


def test_pinball_is_smallest_at_the_quantile():
    sample = np.random.default_rng(1).normal(size=(20000, 1)).astype("float32")
    loss = Pinball([0.84])
    tried = np.linspace(0.5, 1.5, 41)
    values = [float(loss(sample, np.full((20000, 1, 1), q, dtype="float32"))) for q in tried]
    assert tried[int(np.argmin(values))] == pytest.approx(np.quantile(sample, 0.84), abs=0.03)


@pytest.mark.parametrize("loss", [SMAPE(), WeightedMSLE(0.01), Cumulative(), MeanAbsoluteError(), Pinball(LEVELS)])
def test_arguments_survive_their_config(loss):
    again = type(loss).from_config(loss.get_config())
    assert again.get_config() == loss.get_config()
    assert type(again) is type(loss)


def test_default_table_names_every_output():
    made = make_losses(None, LEVELS)
    assert {term.output for term in made} == set(DEFAULT_LOSSES)
    assert all(term.weight > 0 for term in made)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"mass": {"smape": 1.0}}, "no output 'mass'.*mass_fraction"),
        ({"mass_fraction": {"rmse": 1.0}}, "no loss 'rmse' for mass_fraction.*cumulative"),
        ({"metallicity": {"cumulative": 1.0}}, "no loss 'cumulative' for metallicity"),
        ({"metallicity": {"mae": -1.0}}, "metallicity.mae is -1.0.*negative"),
        ({"metallicity": {"mae": float("nan")}}, "metallicity.mae is nan"),
        ({"metallicity": {"mae": 0.0}}, "all losses have weight 0"),
    ],
)
def test_impossible_tables_are_refused(table, message):
    with pytest.raises(ConfigError, match=message):
        make_losses(table, LEVELS)


@pytest.fixture
def own_losses(monkeypatch):
    """What a test registers is forgotten after it."""
    monkeypatch.setattr(losses, "_LOSSES", dict(losses._LOSSES))


@pytest.mark.usefixtures("own_losses")
def test_a_new_loss_can_be_registered_and_is_given_what_it_asks_for():
    given = []

    def rms(output, levels):
        given.append((output, levels))
        return MeanAbsoluteError()

    losses.register("rms", rms, ("metallicity", "summary_quantiles"), in_z=True)
    in_z, summary = make_losses({"metallicity": {"rms": 2.0}, "summary_quantiles": {"rms": 1.0}}, LEVELS)
    assert given == [("metallicity", LEVELS), ("summary_quantiles", LEVELS)]
    assert (in_z.label, in_z.weight) == ("metallicity_rms", 2.0)
    found = in_z(np.array([[-2.0]], dtype="float32"), np.array([[-3.0]], dtype="float32"))
    assert float(found[0]) == pytest.approx(0.009, rel=1e-5)
    found = summary(np.array([[-2.0]], dtype="float32"), np.array([[-3.0]], dtype="float32"))
    assert float(found[0]) == pytest.approx(1.0)


@pytest.mark.usefixtures("own_losses")
def test_losses_that_cannot_be_registered():
    losses.register("mae", MeanAbsoluteError, ("mass_fraction", "metallicity"))  # as it is already
    with pytest.raises(ConfigError, match="there is a loss 'mae' already"):
        losses.register("mae", SMAPE, ("mass_fraction",))
    with pytest.raises(ConfigError, match="loss 'new': no output age: there are mass_fraction"):
        losses.register("new", SMAPE, ("age",))
