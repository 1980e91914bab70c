"""Config fields → widgets → draft → errors at their fields."""

from __future__ import annotations

import gradio as gr
import pytest

from distill_core import config as cfg
from distill_core.catalogue import DIVERGENCES, MATCHING, WEIGHTINGS
from distill_core.errors import FieldError
from ui import drafts, fields, forms, text


def spec(section: type[cfg.Section], name: str) -> fields.FieldSpec:
    return fields.spec_of(f"x.{name}", section.model_fields[name])


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
    assert spec(cfg.FileData, "languages").kind == "strings"
    assert spec(cfg.Training, "stages").kind == "yaml"
    precision = spec(cfg.Training, "precision")
    assert precision.advanced and precision.choices == ("auto", "fp32", "bf16")


@pytest.mark.parametrize(
    "section",
    [
        cfg.BundledData, cfg.FileData, cfg.HubData, cfg.Columns, cfg.TeacherSection, cfg.TeacherTraining,
        cfg.TransformerStudent, cfg.BiLSTMStudent, cfg.Objective, cfg.Training, cfg.MeasureSection,
    ],
)  # fmt: skip
def test_every_setting_has_a_widget_and_help(section: type[cfg.Section]) -> None:
    for path, info in drafts.section_fields(section, "part."):
        made = fields.spec_of(path, info)
        assert made.help, f"{path} has no help"
        assert fields.widget_of(made).elem_id == "field-" + path.replace(".", "-")


@pytest.mark.parametrize("section", [cfg.Training, cfg.TeacherTraining, cfg.Objective, cfg.BiLSTMStudent])
def test_defaults_survive_the_way_through_widgets(section: type[cfg.Section]) -> None:
    values = {}
    for path, info in drafts.section_fields(section, ""):
        made = fields.spec_of(path, info)
        value = fields.read(made, fields.shown(made, made.default))
        if not (value is None and made.optional):
            values[path] = value
    assert section.model_validate(forms.nested(values)) == section()


def test_optional_numbers_may_be_empty_and_bad_ones_reach_the_check() -> None:
    patience = spec(cfg.Training, "patience")
    assert fields.read(patience, "") is None
    assert fields.read(patience, " 7 ") == 7
    assert fields.read(patience, "many") == "many"


def test_lists_and_mappings_are_read_line_by_line() -> None:
    assert fields.read(spec(cfg.RunConfig, "seeds"), "13, 14;15") == [13, 14, 15]
    assert fields.read(spec(cfg.RunConfig, "seeds"), "13, x") == [13, "x"]
    mapping = spec(cfg.TeacherSection, "label_mapping")
    assert fields.read(mapping, "LABEL_0 = negative\n\nLABEL_1=positive") == {
        "LABEL_0": "negative",
        "LABEL_1": "positive",
    }
    assert fields.read(mapping, " \n") is None


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


# ---------------------------------------------------------------- the catalogue's choices


@pytest.mark.parametrize(
    ("path", "table"), [("objective.soft_label_loss", DIVERGENCES), ("objective.teacher_weighting", WEIGHTINGS)]
)
def test_choices_of_the_catalogue_carry_its_titles_and_help(path: str, table: dict) -> None:
    made = fields.spec_of(path, cfg.Objective.model_fields[path.split(".")[1]])
    assert fields.named_choices(made) == [(entry.title, name) for name, entry in table.items()]
    assert isinstance(fields.widget_of(made), gr.Dropdown)
    for name, entry in table.items():
        said = fields.entry_html(path, name)
        assert fields.markup.esc(entry.help) in said
        assert entry.paper in said
    assert fields.entry_html(path, "no such") == ""


def test_what_a_choice_needs_is_told() -> None:
    said = fields.entry_html("objective.teacher_weighting", "rl_gate")
    assert "Needs gold labels and two or more teachers." in said
    assert 'href="https://arxiv.org/abs/2012.06048"' in said
    needs = {need for entry in (*DIVERGENCES.values(), *WEIGHTINGS.values()) for need in entry.needs}
    assert needs <= set(text.NEEDS)


def test_matching_weights_stand_with_the_further_terms() -> None:
    rows = [row for row in drafts.section_fields(cfg.Objective, "objective.") if fields.spec_of(*row).advanced]
    parts = dict(forms.grouped(rows, text.OBJECTIVE_GROUPS))
    further = [path for path, _ in parts["Further terms"]]
    assert [f"objective.matching.{name}" for name in MATCHING] == [path for path in further if "matching" in path]
    assert "objective.soft_label_loss" in dict(parts["Soft labels"])
    assert sum(len(part) for part in parts.values()) == len(rows)
    assert "" not in parts, "every further setting has its place"


# ---------------------------------------------------------------- lists and stages

STAGES = fields.spec_of("training.stages", cfg.Training.model_fields["stages"])


def test_languages_are_read_apart_by_commas() -> None:
    made = spec(cfg.FileData, "languages")
    assert fields.read(made, " de, fr ;pl,") == ["de", "fr", "pl"]
    assert fields.read(made, "") == []
    assert fields.shown(made, ["de", "fr"]) == "de, fr"


def test_stages_survive_the_way_through_yaml() -> None:
    stages = cfg.Training(
        stages=[
            {"name": "one", "terms": {"hidden": 1.0}, "data": "transfer", "epochs": 10},
            {"name": "two", "terms": {"soft": {"start": 4, "end": 1}, "hard": 0.5}, "unfreeze": True, "patience": 3},
        ]
    )
    for given in (stages.stages, stages.model_dump(mode="json", exclude_none=True)["stages"]):
        typed = fields.shown(STAGES, given)
        assert "fresh_head" not in typed and "unfreeze: true" in typed, "what is left at its default stays out"
        assert cfg.Training(stages=fields.read(STAGES, typed)) == stages
    assert fields.shown(STAGES, []) == "" and fields.read(STAGES, " \n") == []


def test_the_example_can_be_used_as_it_stands() -> None:
    example = text.EXAMPLES["training.stages"]
    assert len(cfg.Training(stages=fields.read(STAGES, example)).stages) == 2
    said = fields.section_html(STAGES.section)
    for word in ("patience", "cosine_restarts", "transfer", *MATCHING):
        assert f"<code>{word}</code>" in said, "settings, their choices and the terms' names"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("- name: [x", "not valid YAML"), ("a: b: c", "line 1"), ("name: x", "a list is needed"), ("text", "a list"),
        ("- &a {name: x}\n- *a", "aliases"), ("[" * 5000, "not valid YAML"), ("x" * 20_001, "too long"),
        ("- 2020-13-45", "not valid YAML"),
    ],
)  # fmt: skip
def test_unreadable_yaml_is_told_and_goes_on_as_it_is(typed: str, said: str) -> None:
    problem = fields.unreadable(STAGES, typed)
    assert problem is not None and problem.field == "training.stages"
    assert said in f"{problem.message} {problem.hint}"
    assert fields.read(STAGES, typed) == typed


def test_advice_goes_to_notes_of_its_own() -> None:
    form = forms.Form(advised=lambda path: path == "training.epochs")
    with gr.Blocks():
        form.add("training.epochs", cfg.Training.model_fields["epochs"])
        form.add("training.batch_size", cfg.Training.model_fields["batch_size"])
    given = [
        {"field": "training.epochs", "severity": "warning", "message": "<many>."},
        {"field": "training.batch_size", "severity": "info", "message": "has no note."},
    ]
    (note,) = form.told(given, {})
    assert note["visible"] and "&lt;many&gt;" in note["value"]
    assert len(form.notes) == 1 and not form.told([], {})[0]["visible"]


SLIDERS = {
    f"{kind}.{name}": (section, info)
    for kind, section in (("transformer", cfg.TransformerStudent), ("bilstm", cfg.BiLSTMStudent))
    for name, info in section.model_fields.items()
    if (info.json_schema_extra or {}).get("slider")
}


def test_the_sizes_have_sliders() -> None:
    assert set(SLIDERS) == {
        "transformer.layers", "transformer.hidden", "transformer.heads", "transformer.embedding", "bilstm.embedding",
        "bilstm.lstm_hidden", "bilstm.lstm_layers", "bilstm.projection",
    }  # fmt: skip


@pytest.mark.parametrize("name", SLIDERS)
def test_a_slider_keeps_to_what_the_field_may_hold(name: str) -> None:
    section, info = SLIDERS[name]
    made = fields.spec_of(f"student.{name.partition('.')[2]}", info)
    slider = made.slider
    assert slider is not None and made.low is not None and made.high is not None
    assert made.low <= slider["low"] < slider["high"] <= made.high
    assert (slider["high"] - slider["low"]) % slider["step"] == 0
    for other in (slider["multiple_of"], slider["divisor_of"]):
        assert not other or other in section.model_fields
    default = made.default if made.default is not None else slider["low"]
    assert slider["low"] <= default <= slider["high"]


def test_a_sliders_number_may_hold_more_than_the_slider() -> None:
    made = fields.spec_of("student.layers", cfg.TransformerStudent.model_fields["layers"])
    widget = fields.widget_of(made)
    assert isinstance(widget, gr.Number) and widget.maximum is None
    html = fields.slider_html(made)
    assert 'data-for="field-student-layers"' in html and 'max="12"' in html and 'aria-label="Layers, by slider"' in html
    width = fields.slider_html(fields.spec_of("student.hidden", cfg.TransformerStudent.model_fields["hidden"]))
    assert 'data-multiple-of="field-student-heads"' in width
