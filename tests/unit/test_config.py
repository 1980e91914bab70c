from __future__ import annotations

import pytest

from distill_core import config
from distill_core.config import RunConfig, from_dict, from_yaml
from distill_core.errors import ConfigError


def raw(**changes) -> dict:
    return {
        "data": {"source": "bundled"},
        "teachers": [{"source": "bundled:support-bert"}],
        "student": {"kind": "bilstm"},
        **changes,
    }


def refused(value) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        from_dict(value)
    return {error.field: error.message for error in caught.value.errors}


def test_yaml_out_and_in_is_the_same_config():
    made = from_dict(raw(seeds=[1, 2], objective={"hidden_weight": 0.5}, name="Größe × 2"))
    assert from_yaml(made.to_yaml()) == made


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"traning": {}}, "traning", "no such setting"),
        ({"training": {"epoch": 3}}, "training.epoch", "no such setting"),
        ({"student": {"kind": "bilstm", "heads": 2}}, "student.heads", "no such setting"),
        ({"student": {"kind": "lstm"}}, "student.kind", "is not one of"),
        ({"student": {}}, "student.kind", "missing"),
        ({"data": {"source": "files"}}, "data.train", "missing"),
        ({"data": {"source": "files", "train": ""}}, "data.train", "at least 1 character"),
        ({"training": {"epochs": 0}}, "training.epochs", "greater than or equal to 1"),
        ({"training": {"learning_rate": "fast"}}, "training.learning_rate", "valid number"),
        ({"training": {"learning_rate": float("nan")}}, "training.learning_rate", ""),
        ({"seeds": [1, 1]}, "seeds", "only once"),
        ({"seeds": []}, "seeds", "at least 1 item"),
        ({"teachers": []}, "teachers", "at least 1 item"),
        ({"teachers": [{"source": "a"}] * 9}, "teachers", "at most 8"),
        ({"student": {"kind": "bilstm", "init_teacher": 2}}, "student.init_teacher", "no teacher number 2"),
        ({"student": {"kind": "transformer", "hidden": 100, "heads": 3}}, "student.heads", "equal heads"),
        (
            {"objective": {"hard_label_weight": 0, "soft_label_weight": 0}},
            "objective.hard_label_weight",
            "nothing to learn",
        ),
        ({"teachers": [{"source": "a", "label_mapping": {"x": "y"}}]}, "teachers.0.label_mapping", "used as is"),
        ({"measure": {"batch_sizes": [0]}}, "measure.batch_sizes", "between 1 and 4096"),
        ({"device": "tpu"}, "device", ""),
    ],
)
def test_bad_settings_are_refused_by_their_field(changes, field, words):
    errors = refused(raw(**changes))
    assert field in errors
    assert words in errors[field]


def test_all_wrong_fields_are_named_at_once():
    errors = refused(raw(training={"epochs": 0, "batch_size": -1}, extra=1))
    assert set(errors) == {"training.epochs", "training.batch_size", "extra"}


def test_a_newer_format_is_named_as_such():
    errors = refused(raw(schema_version=config.SCHEMA_VERSION + 1))
    assert "newer version" in errors["schema_version"]


@pytest.mark.parametrize("version", [0, -1, "1", True, None, 1.0])
def test_a_version_that_is_no_version_is_refused(version):
    assert "no version number" in refused(raw(schema_version=version))["schema_version"]


@pytest.mark.parametrize("value", [None, [], "text", 3])
def test_what_is_no_mapping_is_no_config(value):
    assert "config" in refused(value)


def test_broken_yaml_names_the_place():
    with pytest.raises(ConfigError, match="line 2"):
        from_yaml("name: x\n  data: [")


def test_yaml_cannot_make_objects():
    with pytest.raises(ConfigError, match="not valid YAML"):
        from_yaml("name: !!python/object/apply:os.system ['true']")


def test_a_missing_or_unreadable_file_is_an_error_in_words(tmp_path):
    with pytest.raises(ConfigError, match="there is no file"):
        config.load(tmp_path / "no.yaml")
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(ConfigError, match="cannot be read"):
        config.load(binary)


def test_every_setting_has_help_and_a_label():
    sections = [
        config.BundledData, config.FileData, config.HubData, config.TeacherSection, config.TeacherTraining,
        config.TransformerStudent, config.BiLSTMStudent, config.Objective, config.Training, config.MeasureSection,
    ]  # fmt: skip
    for section in sections:
        for path, info in config.walk_fields(section):
            if path in ("source", "kind") and info.description is None:
                continue
            assert info.description, f"{section.__name__}.{path} has no help"
            assert info.json_schema_extra["label"], f"{section.__name__}.{path} has no label"


def test_defaults_make_a_valid_config():
    assert isinstance(from_dict(raw()), RunConfig)
