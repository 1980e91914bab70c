"""A config into the widgets of New run and back: nothing is lost in silence, whatever the config looks like."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
import yaml

from distill_core import config as cfg
from distill_core import recipes
from tests.unit.ui.fake_services import FakeServices
from ui import drafts, filling
from ui.pages import new, new_check, new_data, new_fill, new_open, new_review


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> FakeServices:
    return FakeServices(tmp_path_factory.mktemp("fake"), seconds=5)


@pytest.fixture(scope="module")
def page(services: FakeServices) -> new.NewRun:
    """Bundled sets of all recipes can be chosen, as in the real app."""
    sets = {r.config.data.name for r in recipes.all_recipes() if r.config.data.source == "bundled"}
    bundled = {**services.bundled(), "data": [{"name": name} for name in sorted(sets)]}
    services.bundled = lambda: bundled  # type: ignore[method-assign]
    with gr.Blocks():
        return new.build(services)


def dumped(config: cfg.RunConfig) -> dict[str, Any]:
    return config.model_dump(mode="json", exclude_none=True)


def back(page: new.NewRun, filled: filling.Filled) -> dict[str, Any]:
    """The draft of what the widgets show; every value must be one they can send."""
    for binding, value in zip(page.form.bindings, filled.values, strict=True):
        assert filling.fits(binding.widget, value), binding.path
    return drafts.draft_of(page.form, filled.typed)[0]


FILES: dict[str, Any] = {
    "data": {"source": "files", "task": "tagging", "train": "/data/{language}.conll", "test": "/t.conll",
             "languages": ["de", "fr"], "format": "conll", "max_test": 7,
             "columns": {"text": "1", "label": "4", "language": "lang"}},
    "teachers": [{"source": "bundled:a", "label_mapping": {"LABEL_0": "no", "LABEL_1": "yes, please"}},
                 {"source": "/models/b", "name": "B", "keep_layers": 3, "pretrained_only": True}],
    "teacher_training": {"mode": "as_is"}, "student": {"kind": "transformer", "intermediate": 64},
    "seeds": [1, 2, 3], "controls": [], "name": "Müller’s “run”",
}  # fmt: skip
HUB: dict[str, Any] = {
    "data": {"source": "hub", "name": "owner/set", "config": "en", "columns": {"text_pair": "second"}},
    "teachers": [{"source": f"owner/model-{n}", "revision": "main"} for n in range(8)],
    "student": {"kind": "bilstm", "projection": 16, "embedding_dropout": 0.25},
    "training": {"learning_rate": 1e-05, "stages": [
        {"name": "one", "terms": {"soft": {"start": 4, "end": 1}}, "data": "transfer", "patience": 3},
        {"name": "two", "terms": {"hard": 0.5}, "unfreeze": True}]},
}  # fmt: skip
CONFIGS = [*(r.config for r in recipes.all_recipes()), cfg.from_dict(FILES), cfg.from_dict(HUB)]


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.name)
def test_every_config_comes_back_from_the_widgets(page: new.NewRun, config: cfg.RunConfig) -> None:
    for given in (dumped(config), yaml.safe_load(config.to_yaml())):
        filled = filling.fill(page.form, given)
        assert filled.lost == ()
        again = cfg.from_dict(back(page, filled))
        assert again == config.model_copy(update={"about": None})


#: (path, a value, is it still on the page?)
ODD = [
    ("training.epochs", 0, True), ("training.epochs", -3, True), ("training.epochs", "many", False),
    ("training.epochs", 2.5, False), ("training.epochs", True, False), ("training.epochs", 10**400, False),
    ("training.epochs", float("nan"), False), ("training.epochs", [1], False), ("training.patience", "many", True),
    ("training.patience", {"a": 1}, False), ("training.stages", "text", False), ("training.stages", ["x", 1], True),
    ("training.stages", [{"name": "x", "what": 1}], True), ("objective.soft_label_loss", "nonsense", False),
    ("objective.matching.emd", "x", False), ("student.heads", 5, True), ("student.kind", "gru", False),
    ("student.unknown", 3, False), ("data.source", "ftp", False), ("data.train", "x.csv", False),
    ("data.columns.text", "body", False), ("name", "two\nlines", False), ("name", "\ud800", False),
    ("name", "x" * 5000, False), ("name", "", True), ("seeds", ["a", 1], True), ("seeds", 13, False),
    ("seeds", [], True), ("controls", ["uniform", "none"], False), ("no_such", {"a": [1]}, False),
    ("teachers.0.label_mapping", {"a=b": "c"}, False), ("teachers.0.source", {"x": 1}, False),
    ("teachers.0.weight", 2, False), ("teachers.0.pretrained_only", "x", False),
    ("teachers.0.pretrained_only", 1, False), ("training", 3, False), ("measure", [], False),
    ("schema_version", 99, False),
]  # fmt: skip


def put(config: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    config = copy.deepcopy(config)
    part: Any = config
    *outer, last = path.split(".")
    for name in outer:
        part = part[int(name)] if isinstance(part, list) else part.setdefault(name, {})
    part[last] = value
    return config


@pytest.mark.parametrize(("path", "value", "stays"), ODD, ids=lambda value: str(value)[:20])
def test_what_is_wrong_stays_or_is_told(page: new.NewRun, path: str, value: Any, stays: bool) -> None:
    config = dumped(recipes.load("mt_bert").config)
    config["teacher_training"]["mode"] = "as_is"
    filled = filling.fill(page.form, put(config, path, value))
    draft = back(page, filled)
    json.dumps([list(filled.values), [e.message for e in filled.lost]]).encode()
    if stays:
        assert filled.lost == ()
        found: Any = draft
        for name in path.split("."):
            found = found[int(name)] if isinstance(found, list) else found.get(name)
        assert found == value
    else:
        assert len(filled.lost) == 1
        assert filled.lost[0].field in path or filled.lost[0].field.startswith(path)
        assert len(filled.lost[0].message) < 200


def test_a_value_a_field_cannot_show_is_asked_for_anew(page: new.NewRun, services: FakeServices) -> None:
    config = put(dumped(recipes.load("mt_bert").config), "training.epochs", "many")
    filled = filling.fill(page.form, config)
    checked = new_check.check(page, services, new_fill.typed(filled))
    assert checked.config is None and [e.field for e in checked.errors] == ["training.epochs"]


def test_yaml_words_and_figures_are_understood(page: new.NewRun) -> None:
    config = put(put(FILES, "data.header", True), "training.learning_rate", "1e-4")
    filled = filling.fill(page.form, config)
    assert filled.lost == ()
    draft = back(page, filled)
    assert draft["data"]["header"] == "yes" and draft["training"]["learning_rate"] == 1e-4


@pytest.mark.parametrize("config", [None, [], "x", 3, {}, {"teachers": "x"}, {"data": 3, "student": []}, {1: {2: 3}}])
def test_any_config_is_survived(page: new.NewRun, services: FakeServices, config: Any) -> None:
    filled = filling.fill(page.form, config)
    back(page, filled)
    assert len(new_fill.restore(page, filled)) == len(new_fill.restored(page))
    assert bool(filled.lost) == (config != {})
    new_check.check(page, services, new_fill.typed(filled), lost=filled.lost)


def test_nine_teachers_are_one_too_many(page: new.NewRun) -> None:
    config = {**HUB, "teachers": [{"source": f"a/{n}"} for n in range(11)]}
    filled = filling.fill(page.form, config)
    assert [error.field for error in filled.lost] == ["teachers"]
    assert len(back(page, filled)["teachers"]) == 8


def test_every_widget_that_can_be_typed_in_is_kept_under_a_name_of_its_own(page: new.NewRun) -> None:
    keys = filling.keys(page.form)
    assert len(set(keys)) == len(keys) == len(page.given) - 2
    assert {"data.name@bundled", "data.name@hub", "data.train@files"} <= set(keys)


# ---------------------------------------------------------------- kept by the browser


def kept_text(page: new.NewRun, filled: filling.Filled, **more: Any) -> str:
    values = new_fill.as_typed(page, filled.recipe, filled.preset, new_fill.typed(filled))
    return json.dumps({"version": 1, "values": values, **more})


def test_what_was_typed_comes_back_with_its_mistakes(page: new.NewRun) -> None:
    first = new_fill.first(page)
    names = [filling.key_of(binding) for binding in page.form.bindings]
    typed = list(first.values)
    for name, value in [
        ("student.lstm_hidden@bilstm", None), ("training.stages", "- name: [x"), ("training.patience", "many"),
        ("student.hidden@transformer", 77), ("teachers.5.source", "/x"), ("data.train@files", "/up/abc.csv"),
    ]:  # fmt: skip
        typed[names.index(name)] = value
    left = filling.Filled("files", "bilstm", tuple(typed), recipe="pkd", preset="bilstm_small")
    kept = new_fill.read_kept(kept_text(page, left, visited="0,3", step="method", token="a" * 32))
    assert (kept.visited, kept.step, kept.token) == ((0, 3), "method", "a" * 32)
    assert new_fill.kept_filled(page, kept.values) == left


@pytest.mark.parametrize(
    "said",
    [None, "", "x", "[]", "3", "null", "{}", '{"values": 3}', "[" * 9999,
     '{"values": {"a": 1}, "visited": [], "token": 5}',
     '{"values": {"training.epochs": "<b>", "recipe": 7, "student.kind": [], "data.source": "x", "seeds": {"a": 1}}}',
     '{"values": {"name": "\\ud800", "controls": "x", "training.epochs": 1e999, "student.preset": {}}, "step": "../x"}',
     '{"version": 99, "visited": "9,x,-1,3", "token": "../../x"}', '{"values": {}, "x": "' + "y" * 500_000 + '"}'],
)  # fmt: skip
def test_an_odd_draft_never_breaks_the_page(page: new.NewRun, services: FakeServices, said: Any) -> None:
    kept = new_fill.read_kept(said)
    assert kept.token == "" and kept.step == "" and set(kept.visited) <= set(range(5))
    told = new_open.first_sight(page, services, {}, kept)
    assert len(told) == len(new_open.seen_first(page))
    assert new_fill.kept_filled(page, kept.values) == new_fill.first(page)


# ---------------------------------------------------------------- how it opens


def test_a_run_is_duplicated_under_a_new_name(page: new.NewRun, services: FakeServices) -> None:
    services.add("agnews-2", "done", run_id="old-1")
    config = cfg.from_dict({**FILES, "name": "agnews-2"})
    services.store["old-1"].config = config
    kept = new_fill.read_kept(kept_text(page, new_fill.first(page), visited="0"))
    found = new_open.opening(page, services, {"from": "old-1"}, kept)
    assert found.filled is not None and found.whole and "agnews-2" in found.said
    draft = back(page, found.filled)
    assert draft["name"] == "agnews-3"
    assert cfg.from_dict({**draft, "name": "agnews-2"}) == config
    assert found.undo == {**kept.values, "visited": "0", "sweep": None}, "what was typed before can be brought back"


def test_a_recipe_opens_with_its_data_and_teachers(page: new.NewRun, services: FakeServices) -> None:
    found = new_open.opening(page, services, {"recipe": "xtremedistil_ner"}, filling.Kept())
    assert found.filled is not None and found.filled.recipe == "xtremedistil_ner" and found.undo is None
    assert back(page, found.filled)["data"]["name"] == "office-notes"


def test_what_is_to_be_changed_opens(page: new.NewRun, services: FakeServices) -> None:
    query = {"recipe": "xtremedistil_ner", "step": "data"}
    found = new_open.opening(page, services, query, filling.Kept())
    assert (found.step, found.whole, found.visited) == (0, False, new_check.ALL_STEPS)
    marks = new_open.updates(page, found)
    assert marks[-1].startswith("stay "), "all is checked, and the step stays open"
    found = new_open.opening(page, services, {**query, "step": "../x"}, filling.Kept())
    assert (found.step, found.whole) == (4, True)


@pytest.mark.parametrize("query", [{"from": "nobody"}, {"from": "../../x"}, {"recipe": "<img src=x>"}])
def test_nothing_to_start_from_is_told(page: new.NewRun, services: FakeServices, query: dict[str, str]) -> None:
    found = new_open.opening(page, services, query, filling.Kept())
    assert found.filled is None and found.said and "<" not in found.said
    assert len(new_open.updates(page, found)) == len(new_open.opened(page))


def test_names_are_made_new() -> None:
    class Runs:
        def runs(self) -> list[dict[str, str]]:
            return [{"name": name} for name in ("a", "a-2", "b-9", "2024-11")]

    assert new_open.free_name(Runs(), "c") == "c"
    assert new_open.free_name(Runs(), "c", copy=True) == "c-2"
    assert new_open.free_name(Runs(), "a") == "a-3"
    assert new_open.free_name(Runs(), "b-9") == "b-10"
    assert len(new_open.free_name(Runs(), "x" * 120, copy=True)) <= 120


def test_start_again_can_be_undone(page: new.NewRun, services: FakeServices) -> None:
    left = filling.fill(page.form, dumped(recipes.load("pkd").config), recipe="pkd")
    outputs = [*new_open.opened(page), *page.steps]
    sweep = [widget.value for widget in page.sweep.typed]
    cleared = new_open.again(page, "0,1", "pkd", "", *new_fill.typed(left), *sweep)
    assert len(cleared) == len(outputs)
    undo = cleared[outputs.index(page.undo)]
    assert cleared[0]["value"] == "bundled" and cleared[outputs.index(page.bring_back)]["visible"]
    again = dict(zip(map(id, new_open.opened(page)), new_open.bring_back(page, undo), strict=True))
    assert again[id(page.visited)] == "0,1" and again[id(page.undo)] is None
    assert new_fill.kept_filled(page, undo) == left


# ---------------------------------------------------------------- Review


def test_evidence_is_bound_to_the_seeds() -> None:
    assert [new_review.level_of(seeds) for seeds in ("13", "1,2,3", "1 , 2; 3,4,5", "", "1,2", "1,1,1", "x")] == [
        "quick", "solid", "strong", None, None, "quick", None,
    ]  # fmt: skip
    assert new_review.seeds_for("solid", "13") == "13, 14, 15"
    assert new_review.seeds_for("strong", "7, 3, x") == "7, 3, 8, 9, 10"
    assert new_review.seeds_for("quick", "4, 5") == "4" and new_review.seeds_for("quick", "") == "13"
    assert new_review.seeds_for(None, "4") == gr.skip()


@pytest.mark.parametrize(
    ("typed", "said"),
    [("", "nothing to read"), ("- a", "no run config"), ("a: [x", "not valid YAML"), ("a: &b 1\nc: *b", "aliases"),
     ("a: " + "x" * 200_001, "too long"), ("[" * 5000, "not valid YAML"),
     ("!!python/object:os.system {}", "not valid")],
)  # fmt: skip
def test_yaml_that_cannot_be_read_is_told(page: new.NewRun, services: FakeServices, typed: str, said: str) -> None:
    found, problem = new_review.from_text(typed)
    assert found is None and problem is not None and said in problem.message
    given = ("0", None, "", *new_fill.typed(new_fill.first(page)))
    updates = new_open.take_file(page, services, (found, problem), given)
    assert len(updates) == len(new_open.opened(page)) + len(page.checked)
    assert said in updates[-1].lower() + updates[-1] and all(update == gr.skip() for update in updates[:-1])


def test_a_yaml_file_fills_all_steps_and_tells_what_is_wrong(
    page: new.NewRun, services: FakeServices, tmp_path: Path
) -> None:
    config = put(put(dumped(recipes.load("mt_bert").config), "training.epochs", 0), "training.epoch", 3)
    file = tmp_path / "run.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + yaml.safe_dump(config, allow_unicode=True).encode())
    given = ("0,2", "pkd", "", *new_fill.typed(new_fill.first(page)))
    updates = new_open.take_file(page, services, new_review.from_file(str(file)), given)
    outputs = [*new_open.opened(page), *page.checked[:-1], page.review.file_said]
    assert len(updates) == len(outputs)
    at = dict(zip(map(id, outputs), updates, strict=True))
    steps = [at[id(step)] for step in page.steps]
    assert [step["open"] for step in steps] == [False, False, False, True, False]
    assert "2 settings need attention" in steps[3]["label"]
    assert "Training.epoch: there is no such setting" in at[id(page.review.findings)]
    assert at[id(page.undo)]["recipe"] == "pkd"
    slot = next(binding.slot for binding in page.form.bindings if binding.path == "training.epochs")
    assert "greater than or equal to 1" in at[id(slot)]["value"]
    missing, problem = new_review.from_file(str(tmp_path / "none.yaml"))
    assert missing is None and problem is not None
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    assert new_review.from_file(str(tmp_path / "binary.yaml"))[1] is not None


def test_the_same_press_is_one_run_and_changed_settings_are_another(page: new.NewRun, services: FakeServices) -> None:
    typed = new_fill.typed(filling.fill(page.form, {**dumped(recipes.load("demo").config), "name": "pressed"}))
    first, _ = new.start(page, services, "t" * 32, typed)
    assert first and new.start(page, services, "t" * 32, typed)[0] == first
    changed = new_fill.typed(filling.fill(page.form, {**dumped(recipes.load("demo").config), "name": "changed"}))
    assert new.start(page, services, "t" * 32, changed)[0] != first
    assert new.start(page, services, "u" * 32, typed)[0] != first


# ---------------------------------------------------------------- walking


def test_only_steps_visited_show_errors_and_continue_stays_at_its_own(page: new.NewRun, services: FakeServices) -> None:
    config = put(put(dumped(recipes.load("mt_bert").config), "training.epochs", 0), "teacher_training.epochs", 0)
    typed = new_fill.typed(filling.fill(page.form, config))
    quiet = new_check.check(page, services, typed, visited=(0,))
    assert quiet.errors == [] and quiet.config is None
    assert "Checked" in quiet.words[1] and "Before it can start" in quiet.words[0]
    stayed = new_check.go_on(page, services, typed, 1, (0, 1))
    assert [step["open"] for step in stayed[:5]] == [False, True, False, False, False]
    onward = new_check.go_on(page, services, typed, 0, (0, 1))
    assert [step["open"] for step in onward[:5]] == [False, True, False, False, False]
    assert onward[0]["label"].startswith("1 · Data: support-desk, 8 classes") and onward[-1] == "0,1"
    assert "sr-visited" in onward[0]["elem_classes"] and onward[4]["label"] == "5 · Review"


def test_labels_follow_what_is_typed_in_the_steps_visited(page: new.NewRun, services: FakeServices) -> None:
    typed = new_fill.typed(filling.fill(page.form, dumped(recipes.load("demo").config)))
    seen = new_check.check(page, services, typed).seen
    told = dict(zip(map(id, page.told), new.live(page, services, typed, (0, 2), seen), strict=True))
    labels = [told[id(step)]["label"] for step in page.steps]
    assert labels[0].endswith("8 classes, 7,350 rows") and labels[1] == "2 · Teachers" and "BiLSTM" in labels[2]
    assert new_check.summary_of(seen, {"data": {"source": "other"}}) == {}


def test_what_is_missing_is_linked_in_the_summary(page: new.NewRun, services: FakeServices) -> None:
    draft = {"data": {"source": "files"}, "teachers": []}
    side = new.live(page, services, new_fill.typed(filling.fill(page.form, draft)))[0]
    assert 'data-step="data" data-field="data-train"' in side
    assert 'data-step="teachers" data-field="teachers-0-source"' in side
    ready = new.live(page, services, new_fill.typed(new_fill.first(page)))[0]
    assert "Nothing is missing" in ready


def test_files_stored_earlier_are_told_by_name(page: new.NewRun) -> None:
    stored = "/home/u/uploads/0123456789ab-reviews.csv"
    filled = filling.fill(page.form, {"data": {"source": "files", "train": stored, "test": "/data/<b>.csv"}})
    updates = dict(zip(map(id, new_fill.restored(page)), new_fill.restore(page, filled), strict=True))
    assert ">reviews.csv is used" in updates[id(page.data.said["train"])]
    assert updates[id(page.data.paths["train"])] == "" and updates[id(page.data.paths["test"])] == "/data/<b>.csv"
    assert "<b>" not in updates[id(page.data.said["test"])]
    assert updates[id(page.data.settled)] and updates[id(page.data.groups["files"])]["visible"]
    several = {"train": "/home/u/uploads/0123456789ab-languages/{language}.conll", "languages": ["de", "en"]}
    filled = filling.fill(page.form, {"data": {"source": "files", "task": "tagging", **several}})
    updates = dict(zip(map(id, new_fill.restored(page)), new_fill.restore(page, filled), strict=True))
    assert "one file a language: de, en" in updates[id(page.data.said["train"])]
    assert updates[id(page.data.paths["train"])] == ""
    looked = new_data.same_columns([gr.update(choices=["a"], value="a"), gr.update(value="rows")])
    assert "value" not in looked[0] and looked[0]["choices"] == ["a"] and looked[1]["value"] == "rows"


# ---------------------------------------------------------------- expected time


def test_nothing_is_said_of_the_time_where_nothing_can_tell_it(page: new.NewRun, services: FakeServices) -> None:
    typed = new_fill.typed(new_fill.first(page))
    side, *_, timer = new.live(page, services, typed)
    assert "<dt>Time</dt>" not in side and not timer.active
    plan = new_check.check(page, services, typed).words[4]
    assert "kept on disk" in plan and "estimate" not in plan


@pytest.mark.parametrize(
    ("answer", "side_says", "review_says"),
    [
        ({"seconds": 190.0, "low": 120.0, "high": 300, "memory_bytes": 1_240_000_000, "disk_bytes": 3e6,
          "signals": "live", "parts": [{"stage": "teachers", "seconds": 60.0}], "basis": "Measured <now>."},
         "about 3 min (2 min to 5 min)", "asked anew"),
        ({"measuring": True}, "measuring …", "Measuring on this machine"),
        ({"error": "no <teacher>."}, "–", "no &lt;teacher&gt;."),
    ],
)  # fmt: skip
def test_the_time_is_told_where_it_is_known(
    page: new.NewRun,
    services: FakeServices,
    monkeypatch: pytest.MonkeyPatch,
    answer: Any,
    side_says: str,
    review_says: str,
) -> None:
    monkeypatch.setattr(services, "estimate", lambda draft: answer, raising=False)
    typed = new_fill.typed(new_fill.first(page))
    side, *_, told, timer = new.live(page, services, typed)
    assert review_says in told, "Review is told when the time is known, without another check"
    assert f"<dt>Time</dt><dd>{side_says}" in side and timer.active == bool(answer.get("measuring"))
    plan = new_check.check(page, services, typed).words[4]
    assert review_says in plan and "<now>" not in plan
    if "seconds" in answer:
        assert "1.2 GB" in side and "3 MB" in plan and "teachers 60 s." in plan
