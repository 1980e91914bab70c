"""Config fields → widgets → draft → errors at their fields."""

from __future__ import annotations

import gradio as gr
import pytest

from distill_core import config as cfg
from distill_core.errors import FieldError
from ui import drafts, forms


def spec(section: type[cfg.Section], name: str) -> forms.FieldSpec:
    return forms.spec_of(f"x.{name}", section.model_fields[name])


def test_spec_reads_type_limits_and_words() -> None:
    epochs = spec(cfg.Training, "epochs")
    assert (epochs.kind, epochs.low, epochs.high, epochs.unit) == ("int", 1, 1000, "epochs")
    assert epochs.label == "Epochs" and epochs.help and epochs.default == 5
    patience = spec(cfg.Training, "patience")
    assert patience.optional and patience.advanced and patience.kind == "int"
    assert spec(cfg.TeacherTraining, "mode").choices == ("as_is", "separate", "cofinetune")
    assert spec(cfg.TeacherSection, "label_mapping").kind == "mapping"
    assert spec(cfg.RunConfig, "seeds").kind == "ints"
    assert spec(cfg.RunConfig, "controls").kind == "many"


@pytest.mark.parametrize(
    "section",
    [
        cfg.BundledData, cfg.FileData, cfg.HubData, cfg.Columns, cfg.TeacherSection, cfg.TeacherTraining,
        cfg.TransformerStudent, cfg.BiLSTMStudent, cfg.Objective, cfg.Training, cfg.MeasureSection,
    ],
)  # fmt: skip
def test_every_setting_has_a_widget_and_help(section: type[cfg.Section]) -> None:
    for path, info in drafts.section_fields(section, "part."):
        made = forms.spec_of(path, info)
        assert made.help, f"{path} has no help"
        assert forms.widget_of(made).elem_id == "field-" + path.replace(".", "-")


@pytest.mark.parametrize("section", [cfg.Training, cfg.TeacherTraining, cfg.Objective, cfg.BiLSTMStudent])
def test_defaults_survive_the_way_through_widgets(section: type[cfg.Section]) -> None:
    values = {}
    for path, info in drafts.section_fields(section, ""):
        made = forms.spec_of(path, info)
        value = forms.read(made, forms.shown(made, made.default))
        if not (value is None and made.optional):
            values[path] = value
    assert section.model_validate(forms.nested(values)) == section()


def test_optional_numbers_may_be_empty_and_bad_ones_reach_the_check() -> None:
    patience = spec(cfg.Training, "patience")
    assert forms.read(patience, "") is None
    assert forms.read(patience, " 7 ") == 7
    assert forms.read(patience, "many") == "many"


def test_lists_and_mappings_are_read_line_by_line() -> None:
    assert forms.read(spec(cfg.RunConfig, "seeds"), "13, 14;15") == [13, 14, 15]
    assert forms.read(spec(cfg.RunConfig, "seeds"), "13, x") == [13, "x"]
    mapping = spec(cfg.TeacherSection, "label_mapping")
    assert forms.read(mapping, "LABEL_0 = negative\n\nLABEL_1=positive") == {
        "LABEL_0": "negative",
        "LABEL_1": "positive",
    }
    assert forms.read(mapping, " \n") is None


def small_form() -> forms.Form:
    form = forms.Form()
    with gr.Blocks():
        form.add("data.train", cfg.FileData.model_fields["train"], tags=("files",))
        form.add("student.dropout", cfg.TransformerStudent.model_fields["dropout"], tags=("transformer",))
        form.add("student.dropout", cfg.BiLSTMStudent.model_fields["dropout"], tags=("bilstm",))
        form.add("training.epochs", cfg.Training.model_fields["epochs"])
        for number in range(3):
            form.add(f"teachers.{number}.source", cfg.TeacherSection.model_fields["source"])
    return form


def test_only_the_chosen_sections_count() -> None:
    form = small_form()
    typed = drafts.Typed("bundled", "bilstm", ("x.csv", 0.1, 0.3, 2, "a", "", "b"))
    draft, slots = drafts.draft_of(form, typed)
    assert draft["student"] == {"dropout": 0.3, "kind": "bilstm"}
    assert draft["data"] == {"source": "bundled"}
    assert draft["teachers"] == [{"source": "a"}, {"source": "b"}]
    assert slots == [0, 2]


def test_errors_stand_at_their_field_and_nowhere_else() -> None:
    form = small_form()
    typed = drafts.Typed("bundled", "bilstm", ("", 0.1, 0.3, 2, "a", "", "b"))
    _, slots = drafts.draft_of(form, typed)
    errors = [
        FieldError("student.dropout", "too high."),
        FieldError("teachers.1.source", "there is no <b>folder</b>."),
        FieldError("data.train", "belongs to files."),
        FieldError("schema_version", "newer."),
    ]
    updates, unplaced = form.places(drafts.at_slots(errors, slots), typed.chosen)
    shown = [i for i, update in enumerate(updates) if update["visible"]]
    assert shown == [2, 6]
    assert "&lt;b&gt;folder" in updates[6]["value"]
    assert {error.field for error in unplaced} == {"data.train", "schema_version"}


def test_no_teacher_is_told_at_the_first_slot() -> None:
    assert drafts.at_slots([FieldError("teachers", "too short.")], [])[0].field == "teachers.0.source"


@pytest.mark.parametrize(
    ("path", "step"),
    [("data.columns.text", 0), ("teacher_training.mode", 1), ("student.heads", 2), ("objective", 3), ("name", 4)],
)
def test_step_of_an_error(path: str, step: int) -> None:
    assert drafts.step_of(path) == step
