"""The training config: YAML in and out, and errors that name what is wrong."""

import pytest

from sfhmodel.errors import ConfigError
from sfhmodel.training import TrainingConfig, config_from_dict, load_config
from sfhmodel.training.config import apply_settings, config_yaml, differing_keys, read_mapping


def test_yaml_round_trip(tmp_path):
    config = config_from_dict(
        {
            "architecture_options": {"filters": (8, 16), "dropout": 0.1},
            "losses": {"mass_fraction": {"smape": 1.0}},
            "augmentation": {"dropped_bands": {"probability": 0.1}},
            "ema": 0.99,
            "learning_rate": 3e-5,
        }
    )
    path = tmp_path / "config.yaml"
    path.write_text(config_yaml(config))
    assert load_config(path) == config
    assert set(read_mapping(path)) == set(TrainingConfig.model_fields)


def test_an_empty_file_is_the_default(tmp_path):
    (tmp_path / "empty.yaml").write_text("# nothing\n")
    assert load_config(tmp_path / "empty.yaml") == TrainingConfig()


def test_unknown_keys_are_named():
    with pytest.raises(ConfigError, match="unknown key 'lerning_rate': the keys are architecture, "):
        config_from_dict({"lerning_rate": 1e-3})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("batch_size", 0),
        ("steps_per_epoch", -1),
        ("epochs", 0),
        ("minutes", 0.0),
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
        ("schedule", "linear"),
        ("final_fraction", 1.5),
        ("weight_decay", -0.1),
        ("clip_norm", 0.0),
        ("ema", 1.0),
        ("seed", -1),
        ("precision", "float8"),
        ("distribution", "cluster"),
        ("patience", 0),
        ("validation_records", 0),
    ],
)
def test_impossible_values_are_named(key, value):
    with pytest.raises(ConfigError, match=rf"{key}: .*got {value!r}"):
        config_from_dict({key: value})


def test_a_warm_up_must_leave_steps():
    with pytest.raises(ConfigError, match="warmup_steps 20 leaves nothing of 2 epochs of 10 steps"):
        config_from_dict({"warmup_steps": 20, "epochs": 2, "steps_per_epoch": 10})


def test_default_warm_up_is_a_share_of_all_steps():
    assert TrainingConfig(epochs=2, steps_per_epoch=100).warmup == 10
    assert TrainingConfig(epochs=100, steps_per_epoch=1000).warmup == 500


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"a: [", "is not valid YAML"), (b"- 1\n", "must be a mapping"), (b"\xff\xfe\xff", "is not valid YAML")],
)
def test_a_file_that_is_no_config(tmp_path, content, message):
    (tmp_path / "bad.yaml").write_bytes(content)
    with pytest.raises(ConfigError, match=f"bad.yaml {message}"):
        load_config(tmp_path / "bad.yaml")


def test_a_missing_file(tmp_path):
    with pytest.raises(ConfigError, match="cannot read the config .*none.yaml: No such file"):
        load_config(tmp_path / "none.yaml")


def test_settings_reach_into_mappings_and_leave_the_original():
    content = {"losses": {"mass_fraction": {"smape": 1.0}}}
    changed = apply_settings(
        content, ["learning_rate=1e-4", "losses.mass_fraction.smape=2", "architecture_options.filters=[4, 8]"]
    )
    assert content == {"losses": {"mass_fraction": {"smape": 1.0}}}
    assert changed == {
        "learning_rate": 1e-4,
        "losses": {"mass_fraction": {"smape": 2}},
        "architecture_options": {"filters": [4, 8]},
    }


@pytest.mark.parametrize(
    ("setting", "message"),
    [("epochs", "write key=value"), ("=3", "write key=value"), ("a.b=1", "has no keys"), ("a=[", "not valid YAML")],
)
def test_settings_that_are_none(setting, message):
    with pytest.raises(ConfigError, match=message):
        apply_settings({"a": 1}, [setting])


def test_what_is_left_open_does_not_differ():
    there = TrainingConfig(epochs=7, steps_per_epoch=20, minutes=3.0)
    assert differing_keys(there, TrainingConfig(minutes=3.0)) == []
    assert differing_keys(there, TrainingConfig(epochs=8, seed=2, minutes=3.0)) == ["epochs", "seed"]
