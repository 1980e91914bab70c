"""Pages on scripted services: what their server functions answer, also to requests that no page would send."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from distill_core import config as cfg
from distill_core.errors import FieldError
from distill_core.services.check import CheckOutcome
from tests.unit.ui.fake_services import FakeServices
from ui import api, formula, markup, preview, text_header
from ui.build import build_app, page_of
from ui.pages import header, new, new_data, new_recipes, new_student, new_teachers, new_words, run

EVIL = '<img src=x onerror="alert(1)">'


@pytest.fixture
def services(tmp_path: Path) -> FakeServices:
    found = FakeServices(tmp_path, seconds=5)
    found.add("one", "done", ago=100, run_id="done-1")
    found.add(EVIL, "running", run_id="now-1")
    return found


@pytest.fixture
def functions(services: FakeServices) -> dict[str, Any]:
    return {fn.__name__: fn for fn in run.server_functions(services)}


@pytest.mark.parametrize("request_", [None, 3, "x", [], {}, {"run": 5}, {"run": "../../etc"}, {"run": "a" * 99}])
def test_any_request_is_survived(functions: dict[str, Any], request_: Any) -> None:
    assert functions["live"](request_)["unknown"] is True
    for name in ("stop", "resume", "settings"):
        assert "error" in functions[name](request_)


@pytest.mark.parametrize("cursor", ["7", -1, 2.5, None, True, [1]])
def test_a_bad_cursor_counts_as_the_start(functions: dict[str, Any], cursor: Any) -> None:
    answer = functions["live"]({"run": "done-1", "cursor": cursor})
    assert answer["curves"][0]["id"] == 0 and len(answer["curves"]) == len(answer["points"])


def test_live_gives_only_what_is_new_and_only_json(functions: dict[str, Any]) -> None:
    first = functions["live"]({"run": "done-1", "cursor": 0})
    json.dumps(first, allow_nan=False)
    assert any(value is None for packed in first["points"] for value in packed[4])
    later = functions["live"]({"run": "done-1", "cursor": first["cursor"]})
    assert later["curves"] == [] and later["points"] == []


def test_refusals_are_told_in_words(functions: dict[str, Any]) -> None:
    assert functions["resume"]({"run": "done-1"})["error"] == "This run is done; there is nothing to resume."


def test_settings_give_file_and_command(functions: dict[str, Any]) -> None:
    answer = functions["settings"]({"run": "done-1"})
    assert "support-desk" in answer["yaml"] and answer["command"].startswith("python -m distill_core run")


@pytest.mark.parametrize(
    ("query", "page"),
    [
        ({}, "home"),
        ({"run": "x"}, "run"),
        ({"view": "new"}, "new"),
        ({"view": "runs"}, "runs"),
        ({"view": "?"}, "home"),
    ],
)
def test_the_query_string_chooses_the_page(query: dict[str, str], page: str) -> None:
    assert page_of(query) == page


def test_app_is_built_from_services_alone(services: FakeServices, tmp_path: Path) -> None:
    app = build_app(services, tmp_path / "students")
    ids = {block.elem_id for block in app.blocks.values() if getattr(block, "elem_id", None)}
    assert {"run-demo", "start-run", "download-student", "field-data-train", "error-data-train"} <= ids
    skeleton = run.TOP + run.BOTTOM
    for wanted in ("run-status", "live-charts", "stop-run", "resume-run", "result"):
        assert f'id="{wanted}"' in skeleton
    assert [fn.api_name for fn in app.fns.values() if fn.api_visibility == "public"] == list(api.NAMES)


def test_machine_in_words() -> None:
    machine = {"device": "cpu", "device_name": "CPU", "cores": 2, "memory_gb": 15.6, "offline": False, "ready": True}
    said = header.describe(machine)
    assert {name: said[name] for name in ("short", "long", "ready")} == {
        "short": "CPU · 2", "long": "CPU · 2 cores · 16 GB memory", "ready": True,
    }  # fmt: skip
    assert said["notes"] == [] and said["watched"] is False
    assert not header.describe({"device": "checking…", "ready": False, "offline": None})["ready"]


def test_what_everybody_must_know_of_this_machine() -> None:
    backup = {"restoring": False, "saved": 1.0, "error": "", "refused": {}}
    assert header.describe({"backup": backup})["notes"] == [] and header.describe({"backup": backup})["watched"]
    trouble = {**backup, "error": "The backup folder /b is full.", "refused": {"a-1": "It is damaged."}}
    said = header.describe({"zero_gpu": True, "backup": trouble})["notes"]
    assert len(said) == 3 and "its CPU" in said[0] and "/b is full" in said[1] and said[2].startswith("a-1 ")
    assert header.describe({"backup": {**backup, "restoring": True}})["notes"] == [text_header.RESTORING]


@pytest.fixture
def page(services: FakeServices) -> new.NewRun:
    with gr.Blocks():
        return new.build(services)


def typed_of(page: new.NewRun, **changes: Any) -> tuple[Any, ...]:
    values = [page.data.source.value, page.student.kind.value]
    for binding in page.form.bindings:
        key = binding.path.replace(".", "__")
        values.append(changes[key] if key in changes and binding.counts({"data": "bundled", "student": "bilstm"})
                      else binding.widget.value)  # fmt: skip
    return tuple(values)


def test_untouched_page_can_start(page: new.NewRun, services: FakeServices) -> None:
    run_id, updates = new.start(page, services, "token", typed_of(page))
    assert run_id in services.store and len(updates) == len(page.checked)
    assert [t.source for t in services.started[0].teachers] == ["bundled:support-bert", "bundled:support-roberta"]
    again, _ = new.start(page, services, "token", typed_of(page))
    assert again == run_id and len(services.started) == 1


def test_start_with_errors_starts_nothing_and_opens_the_step(page: new.NewRun, services: FakeServices) -> None:
    typed = typed_of(page, teachers__1__source="/nowhere/x", training__epochs=0)
    run_id, updates = new.start(page, services, "token", typed)
    assert run_id == "" and services.started == []
    assert [step["open"] for step in updates[:5]] == [False, False, False, True, False]
    at = 5 + [binding.path for binding in page.form.bindings].index("training.epochs")
    assert updates[at]["visible"] and "greater than or equal to 1" in updates[at]["value"]


def test_a_refused_start_is_told(page: new.NewRun, services: FakeServices) -> None:
    run_id, updates = new.start(page, services, "token", typed_of(page, name="queue full"))
    assert run_id == "" and "The queue is full" in updates[page.checked.index(page.review.findings)]


def filled(page: new.NewRun, recipe: dict[str, Any], task: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """(updates of the page's parts, updates of the fields that count) after choosing a recipe."""
    updates = new_recipes.fill(page, recipe, task)
    assert len(updates) == len(new_recipes.filled(page))
    kind = recipe["config"]["student"]["kind"]
    by_path = {
        binding.path: update
        for binding, update in zip(page.form.bindings, updates[2:], strict=False)
        if binding.counts({"student": kind, "data": "bundled"})
    }
    parts = {
        "said": page.method.said, "kind": page.student.kind, "preset": page.student.preset,
        "source": page.data.source, "shown": page.teachers.shown,
    }  # fmt: skip
    outputs = new_recipes.filled(page)
    return {name: updates[outputs.index(component)] for name, component in parts.items()}, by_path


def test_a_recipe_fills_in_and_resets(page: new.NewRun, services: FakeServices) -> None:
    recipe = next(item for item in services.recipes() if item["name"] == "mt_bert")
    parts, by_path = filled(page, recipe, "classification")
    assert (
        "abs/2106.01023" in parts["said"] and parts["kind"]["value"] == "transformer" and parts["preset"]["value"] == ""
    )
    assert by_path["student.layers"]["value"] == recipe["config"]["student"]["layers"]
    assert by_path["objective.matching.emd"]["value"] == 0.0
    assert by_path["training.stages"]["value"] == ""
    assert "value" not in by_path["teachers.0.source"] and "value" not in by_path["data.task"]
    assert "value" not in parts["source"]


def test_a_recipe_for_another_task_brings_data_and_teachers(page: new.NewRun, services: FakeServices) -> None:
    recipe = next(item for item in services.recipes() if item["name"] == "mt_bert")
    config = {**recipe["config"], "teachers": [{"source": "bundled:other"}]}
    parts, by_path = filled(page, {**recipe, "config": config}, "tagging")
    assert parts["source"]["value"] == "bundled" and parts["shown"] == [True] + [False] * 7
    assert by_path["data.task"]["value"] == "classification" and by_path["data.name"]["value"] == "support-desk"
    assert by_path["data.max_tokens"]["value"] == 48 and by_path["data.labelled_per_class"]["value"] == ""
    assert by_path["teachers.0.source"]["value"] == "bundled:other"
    assert by_path["teachers.1.source"]["value"] == "", "no teacher of the other task stays behind"


def test_a_recipe_about_its_teachers_brings_them_and_another_one_takes_that_back(
    page: new.NewRun, services: FakeServices
) -> None:
    recipe = next(item for item in services.recipes() if item["name"] == "mt_bert")
    source = "bundled:support-bert"
    pair = [{"source": source, "name": "bare", "pretrained_only": True}, {"source": source, "name": "taught"}]
    stages = [{"name": "a", "terms": {"hidden": 1}, "teachers": ["bare"]}]
    config = {**recipe["config"], "teachers": pair, "training": {"stages": stages}}
    parts, by_path = filled(page, {**recipe, "config": config}, "classification")
    assert parts["shown"] == [True, True] + [False] * 6 and "value" not in parts["source"]
    assert by_path["teachers.0.pretrained_only"]["value"] is True and by_path["teachers.0.name"]["value"] == "bare"
    assert by_path["teachers.1.source"]["value"] == source
    assert "bare" in by_path["training.stages"]["value"] and "value" not in by_path["data.name"]
    _, by_path = filled(page, recipe, "classification")
    assert by_path["teachers.0.pretrained_only"]["value"] is False and "value" not in by_path["teachers.0.name"]


def test_recipes_are_chosen_by_title_when_and_needs(services: FakeServices) -> None:
    said = new_words.recipe_choice({"name": "x", "title": "T", "when": "You\n have A.", "needs": "Two teachers."})
    assert said == "T\nYou have A.\nNeeds: two teachers."
    assert new_words.recipe_choice({"name": "x"}) == "x"
    assert new_words.recipe_choice({"name": "x", "needs": "GPU."}) == "x\nNeeds: GPU."


def test_a_preset_is_one_as_long_as_its_numbers_stand(page: new.NewRun) -> None:
    bindings = new_student.student_bindings(page.form)
    for name, (_, fields) in new_student.STUDENT_PRESETS.items():
        filled = new_student.fill(page.form, name)[1:]
        typed = [update.get("value", b.widget.value) for b, update in zip(bindings, filled, strict=True)]
        assert new_student.is_preset(page.form, name, fields["kind"], typed)
        assert not new_student.is_preset(page.form, name, "other", typed)
        for key in set(fields) - {"kind"}:
            at = next(i for i, b in enumerate(bindings)
                      if b.path == f"student.{key}" and b.counts({"student": fields["kind"]}))  # fmt: skip
            changed = [*typed[:at], "", *typed[at + 1 :]]
            assert not new_student.is_preset(page.form, name, fields["kind"], changed), key
    assert new_student.is_preset(page.form, "", "bilstm", typed), "of no preset there is nothing to lose"


def test_every_preset_makes_a_student(page: new.NewRun) -> None:
    bindings = new_student.student_bindings(page.form)
    assert new_student.STUDENT_PRESETS
    for name, (_, fields) in new_student.STUDENT_PRESETS.items():
        kind, *updates = new_student.fill(page.form, name)
        assert kind["value"] == fields["kind"]
        filled_in = {
            binding.path: update["value"]
            for binding, update in zip(bindings, updates, strict=True)
            if "value" in update and binding.counts({"student": fields["kind"]})
        }
        assert set(filled_in) == {f"student.{key}" for key in fields if key != "kind"}
        read = {b.path: b for b in bindings if b.counts({"student": fields["kind"]})}
        again = {path: forms_read(read[path], value) for path, value in filled_in.items()}
        assert again == {f"student.{key}": value for key, value in fields.items() if key != "kind"}
    assert "value" not in new_student.fill(page.form, "no such")[0]


def forms_read(binding: Any, value: Any) -> Any:
    from ui.fields import read

    return read(binding.spec, value)


def test_unreadable_stages_are_told_at_their_field(page: new.NewRun, services: FakeServices) -> None:
    run_id, updates = new.start(page, services, "token", typed_of(page, training__stages="- name: [x"))
    assert run_id == "" and services.started == []
    slot = updates[5 + [binding.path for binding in page.form.bindings].index("training.stages")]
    assert slot["visible"] and "not valid YAML" in slot["value"] and "line 1" in slot["value"]
    assert slot["value"].count("<p") == 1, "said once"


def test_typed_stages_reach_the_run(page: new.NewRun, services: FakeServices) -> None:
    typed = "- name: first\n  terms: {hidden: 1}\n  data: transfer\n- {name: second, terms: {hard: 1}}"
    run_id, _ = new.start(page, services, "token", typed_of(page, training__stages=typed))
    assert run_id and [stage.name for stage in services.started[0].training.stages] == ["first", "second"]


def test_advice_stands_at_its_field_and_keeps_nothing_from_starting(page: new.NewRun, services: FakeServices) -> None:
    typed = typed_of(page, teachers__1__source="weak", objective__teacher_weighting="mt_bert")
    noted = [binding.path for binding in page.form.bindings if binding.note is not None]
    side, summed, *notes = new.live(page, services, typed)
    notes = notes[: len(noted)]
    assert len(noted) == len(page.form.notes)
    shown = {path: note["value"] for path, note in zip(noted, notes, strict=True) if note["visible"]}
    assert set(shown) == {"teachers.1.source", "objective.teacher_weighting"}
    assert "&lt;b&gt;gold" in shown["objective.teacher_weighting"] and "Advice" in shown["teachers.1.source"]
    assert "soft labels" in summed and "soft labels" in side
    checked = new.check(page, services, typed)
    assert [note["visible"] for note in checked.notes] == [note["visible"] for note in notes]
    assert "Advice on what you chose" in checked.words[1] and checked.config is not None


def test_advice_follows_the_teachers_slot(page: new.NewRun, services: FakeServices) -> None:
    typed = typed_of(page, teachers__0__source="", teachers__1__source="weak")
    noted = [binding.path for binding in page.form.bindings if binding.note is not None]
    notes = new.live(page, services, typed)[2 : 2 + len(noted)]
    assert [path for path, note in zip(noted, notes, strict=True) if note["visible"]][:1] == ["teachers.1.source"]


# ---------------------------------------------------------------- words


@pytest.mark.parametrize(
    ("objective", "said"),
    [
        ({"hard_label_weight": 1, "soft_label_weight": 1.0, "distill_temperature": 2, "hidden_weight": 0.5},
         "1 × hard labels + 1 × soft labels (KL, τ 2) + 0.5 × hidden states"),
        ({"soft_label_weight": 4, "soft_label_weight_end": 1, "soft_label_loss": "js", "distill_temperature": 1},
         "(4 → 1) × soft labels (Jensen–Shannon, τ 1)"),
        ({"soft_label_weight": 1, "soft_label_loss": "logit_mse", "distill_temperature": 2},
         "1 × soft labels (Logits)"),
        ({"hard_label_weight": 0, "matching": {"emd": 2, "pkd": 0}}, "2 × layers by optimal transport"),
        ({"hard_label_weight": "x", "matching": 3, "soft_label_weight": None}, "no loss"),
    ],
)  # fmt: skip
def test_the_objective_is_a_sum_in_words(objective: dict[str, Any], said: str) -> None:
    assert formula.objective_words(objective) == said


def test_stages_are_told_one_by_one() -> None:
    stages = [
        {"name": "representation", "terms": {"hidden": 1}, "data": "transfer", "epochs": 10},
        {
            "name": "labels",
            "terms": {"hard": 1, "soft": {"start": 4, "end": 1}},
            "unfreeze": True,
            "teachers": [2, "b"],
        },
        "no stage",
    ]
    draft = {"objective": {"distill_temperature": 2}, "training": {"stages": stages, "epochs": 7}}
    assert formula.stages_words(stages, draft["objective"]) == [
        "1 representation: 1 × hidden states on the transfer set, 10 epochs",
        "2 labels: 1 × hard labels + (4 → 1) × soft labels (KL, τ 2) on all rows, 5 epochs, "
        "taught by teacher 2 and b, unfrozen from the top down",
    ]
    assert formula.short_words(draft) == "3 stages: representation → labels"
    assert formula.short_words({"training": {"stages": "- unreadable", "epochs": 7}}) == "no loss, 7 epochs"
    assert formula.formula_html(draft).count("<li>") == 2


def test_types_are_counted_in_tagging() -> None:
    summary = {"labels": ["O", "B-LOC", "I-LOC", "B-PER", "I-PER"], "sizes": {"train": 10}}
    assert new_words.data_words({"name": "x", "task": "tagging"}, summary) == "x, 2 types, 10 rows"
    assert new_words.data_words({"name": "x"}, summary) == "x, 5 classes, 10 rows"


def test_tagged_sentences_are_marked_with_their_types() -> None:
    row = {"words": "Ada Lovelace met B. in Paris", "tags": "B-PER I-PER O B-PER O B-LOC", "language": "en"}
    sentence = preview.sentence_of(row)
    assert sentence is not None
    assert preview.spans(sentence) == [
        ("PER", ["Ada", "Lovelace"]), ("", ["met"]), ("PER", ["B."]), ("", ["in"]), ("LOC", ["Paris"]),
    ]  # fmt: skip
    html = preview.rows_html([row])
    assert html.count("<mark") == 3 and "<small>LOC</small>" in html and ">en<" in html
    lists = {"tokens": ["a", "b"], "ner_tags": ["B-X", "B-X"]}
    assert preview.rows_html([lists]).count("<mark") == 2, "two names beside each other are two"


@pytest.mark.parametrize(
    "row", [{"text": "plain", "label": "x"}, {"words": "a b", "tags": "O"}, {"words": "a b"}, {"tags": "O"}]
)
def test_rows_that_are_no_sentences_are_a_table(row: dict[str, str]) -> None:
    assert "<table" in preview.rows_html([row])
    assert preview.rows_html([]) == ""


def test_the_words_and_sets_follow_the_task(services: FakeServices, monkeypatch: pytest.MonkeyPatch) -> None:
    bundled = {"data": [{"name": "support-desk"}, {"name": "tagged"}], "teachers": []}
    recipe = services.recipes()[0]
    tagged = {
        **recipe,
        "config": {**recipe["config"], "data": {"source": "bundled", "name": "tagged", "task": "tagging"}},
    }
    monkeypatch.setattr(services, "bundled", lambda: bundled)
    monkeypatch.setattr(services, "recipes", lambda: [recipe, tagged])
    sets = new_data.bundled_sets(services)
    assert sets == {"classification": ["support-desk"], "tagging": ["tagged"], "masked_lm": []}
    step = new_data.DataStep(None, {}, bundled=sets)  # type: ignore[arg-type]
    said, names, pairs, shown = new_data.retask(step, "tagging", "support-desk")
    assert "CoNLL" in said and names["value"] == "tagged"
    assert shown["visible"] is False and pairs["value"] == "", "sentences with tags come alone"
    assert "value" not in new_data.retask(step, "classification", "support-desk")[1]
    assert new_data.set_choices(sets) == [("support-desk", "support-desk"), ("tagged (tagging)", "tagged")]


def test_a_path_of_somebody_else_is_not_opened(
    services: FakeServices, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("text,label\nsecret words,a\nmore,b\n")
    reading = {"format": "auto", "header": "auto", "quoting": "auto", "languages": "de, fr"}
    seen: list[dict[str, Any]] = []

    def refuse(draft: dict[str, Any]) -> CheckOutcome:
        seen.append(draft)
        return CheckOutcome(errors=[FieldError("data.train", "only uploaded files can be used here.")])

    opened = new_data.guess(services, str(secret), "classification", reading)
    assert opened[0]["value"] == "text" and opened[-1] == gr.update(value="", visible=False)
    monkeypatch.setattr(services, "check", refuse)
    barred = new_data.guess(services, str(secret), "classification", reading)
    assert "only uploaded" in barred[-1]["value"] and "secret" not in barred[-1]["value"]
    assert len(barred) == 1 + len(cfg.Columns.model_fields)
    assert seen[0]["data"]["languages"] == ["de", "fr"]


def test_columns_of_sentences_are_guessed_by_the_check(services: FakeServices, monkeypatch: pytest.MonkeyPatch) -> None:
    summary = {
        "columns": ["tokens", "tags", "lang"], "guessed": {"word column": "tokens", "tag column": "tags"},
    }  # fmt: skip
    monkeypatch.setattr(services, "check", lambda draft: CheckOutcome(summary=summary))
    reading = {"format": "auto", "header": "auto", "quoting": "auto", "languages": ""}
    *columns, shown = new_data.guess(services, "x.jsonl", "tagging", reading)
    values = dict(zip(cfg.Columns.model_fields, columns, strict=True))
    assert [values[name].get("value") for name in ("text", "label", "language")] == ["tokens", "tags", "lang"]
    assert "value" not in values["text_pair"] and not shown["visible"]


def test_another_task_brings_teachers_that_fit(services: FakeServices, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [{"name": name} for name in ("support-bert", "support-roberta", "office-bert")]
    monkeypatch.setattr(services, "bundled", lambda: {"data": [], "teachers": names})
    fits = new_teachers.fitting(services, services.recipes())
    assert fits["tagging"][0] == ["office-bert"] and "support-bert" in fits["classification"][0]
    two = ("bundled:support-bert", "support-roberta", "", "")
    shown, *rest = new_teachers.retask(fits, "tagging", two)
    assert shown == [True, False, False, False]
    assert [one["visible"] for one in rest[:4]] == shown
    assert [one["value"] for one in rest[4:]] == ["bundled:office-bert", "", "", ""]
    skipped = [gr.skip()] * 9
    assert new_teachers.retask(fits, "classification", two) == skipped
    assert new_teachers.retask(fits, "tagging", ("bundled:office-bert", "", "", "")) == skipped
    assert new_teachers.retask(fits, "tagging", ("/my/own", "owner/name", "", "")) == skipped, "the check judges these"
    back = new_teachers.retask(fits, "classification", ("bundled:office-bert", "", "", ""))
    assert back[5]["value"].startswith("bundled:support-")


def test_several_uploads_become_languages(services: FakeServices, tmp_path: Path) -> None:
    (tmp_path / "up").mkdir()
    files = [tmp_path / "up" / name for name in ("en.conll", "de.conll")]
    for file in files:
        file.write_text("Rom\tB-LOC\n")
    kept, said, languages = new_data.store(services, [str(file) for file in files])
    assert kept.endswith("{language}.conll") and "de, en" in said and languages["value"] == "de, en"
    kept, said, languages = new_data.store(services, [str(files[0])])
    assert kept.endswith("en.conll") and "is stored" in said and languages == gr.skip()


def test_a_typed_path_takes_the_place_of_an_upload() -> None:
    kept, said = new_data.take_path(" data/{language}.conll ", None)
    assert kept == "data/{language}.conll" and "is used" in said
    assert new_data.take_path("", "stored.csv")[0] == gr.skip()
    assert "<img" not in new_data.take_path(EVIL, None)[1]


def test_what_people_typed_is_escaped_everywhere(services: FakeServices) -> None:
    draft = {"data": {"name": EVIL}, "teachers": [{"source": EVIL}], "student": {"kind": EVIL, "layers": EVIL}}
    pages = [
        new_words.summary_html(draft, {"error": EVIL}),
        new_words.review_html([], [], [{"severity": "error", "message": EVIL, "rows": [EVIL], "count": 1}]),
        new_words.recipe_html({"summary": EVIL, "paper": EVIL}),
        markup.table([{EVIL: EVIL}]),
        preview.rows_html([{"words": [EVIL], "tags": [f"B-{EVIL}"], "language": EVIL}]),
        formula.formula_html({"training": {"stages": [{"name": EVIL, "epochs": EVIL}]}}),
        formula.formula_html({"objective": {"soft_label_weight": 1, "soft_label_loss": EVIL}}),
    ]
    assert not [html for html in pages if "<img" in html]
    assert "<img" not in new_data.store(services, None)[1]


def test_not_a_number_becomes_none() -> None:
    assert markup.finite({"a": [math.nan, 1.0, (math.inf,)]}) == {"a": [None, 1.0, [None]]}
