"""New run in a real browser: errors at their fields, sizes as typed, one's own file to a started run."""

from __future__ import annotations

import csv
import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import App, Watched
from tests.e2e.test_demo import wait_status

pytestmark = pytest.mark.browser
EVIL = "<img src=x onerror=\"document.title='broken'\">"


def opened(app: App, watched: Watched) -> Any:
    watched.page.goto(f"{app.address}/?view=new")
    watched.page.wait_for_selector("#continue-data")
    return watched.page


def go_to(page: Any, step: str) -> None:
    box = page.locator(f"#step-{step}")
    if "open" not in (box.locator("button.label-wrap").first.get_attribute("class") or "").split():
        box.locator("button.label-wrap").first.click()


def write_csv(path: Path, rows: int = 240) -> Path:
    rng = random.Random(3)
    topics = {"sport": ["match", "goal", "team", "coach"], "money": ["bank", "stock", "price", "loan"]}
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "review", "topic"])
        for number in range(rows):
            topic = rng.choice(list(topics))
            words = [rng.choice(topics[topic]) for _ in range(4)]
            writer.writerow([number, f"note {number} about the {' and the '.join(words)}", topic])
    return path


def test_sizes_follow_what_is_typed(app: App, watch: Callable[..., Watched]) -> None:
    watched = watch()
    page = opened(app, watched)
    go_to(page, "student")
    page.wait_for_selector("#field-student-lstm_hidden input")
    seen = set()
    for units in ("100", "300"):
        page.fill("#field-student-lstm_hidden input", units)
        page.wait_for_selector(f"#summary:has-text('{units} units')")
        seen.add(page.inner_text("#live-compression"))
    assert len(seen) == 2 and all("×" in text for text in seen)
    watched.assert_clean()


def test_errors_stand_at_their_fields_and_nothing_is_lost(app: App, watch: Callable[..., Watched]) -> None:
    watched = watch()
    page = opened(app, watched)
    go_to(page, "teachers")
    page.fill("#field-teachers-1-source input", "/no/such/folder")
    page.keyboard.press("Enter")
    go_to(page, "method")
    page.fill("#field-training-epochs input", "0")
    page.click("#start-run")
    page.wait_for_selector("#error-teachers-1-source")
    assert "/no/such/folder" in page.inner_text("#error-teachers-1-source")
    go_to(page, "method")
    page.wait_for_selector("#error-training-epochs")
    assert page.input_value("#field-training-epochs input") == "0"
    assert "view=new" in page.url
    page.fill("#field-training-epochs input", "2")
    go_to(page, "teachers")
    page.fill("#field-teachers-1-source input", "bundled:support-bert")
    page.keyboard.press("Enter")
    go_to(page, "review")
    page.click("#check-run")
    page.wait_for_selector("#review .sr-done")
    assert not page.is_visible("#error-teachers-1-source")
    page.wait_for_selector("#review-yaml .cm-content:has-text('schema_version')")
    # The editor draws only the lines that are seen.
    page.locator("#review-yaml .cm-scroller").evaluate("editor => { editor.scrollTop = editor.scrollHeight }")
    page.wait_for_selector("#review-yaml .cm-content:has-text('epochs: 2')")
    assert "distill_core run" in page.inner_text("#review-command")
    watched.assert_clean()


def test_own_file_to_a_started_run_with_a_hostile_name(app: App, watch: Callable[..., Watched], tmp_path: Path) -> None:
    watched = watch()
    page = opened(app, watched)
    page.click("#field-data-source label:has-text('My files')")
    page.set_input_files("#field-data-train input[type=file]", write_csv(tmp_path / "reviews.csv"))
    page.wait_for_selector("#data-preview th:has-text('review') .sr-role:text('used as text')")
    assert page.input_value("#field-data-columns-text input") == "review"
    assert page.input_value("#field-data-columns-label input") == "topic"
    page.click("#continue-data")
    page.wait_for_selector("#continue-teachers")
    # An answer that was under way may still tell the label of before.
    page.wait_for_selector("#step-data:has-text('2 classes')")
    go_to(page, "review")
    page.fill("#field-name input, #field-name textarea", EVIL)
    page.click("#start-run")
    page.wait_for_url(re.compile(r"\?run="))
    page.wait_for_selector("#run-status:not(:empty)")
    page.wait_for_function("n => document.querySelector('#run-name').textContent === n", arg=EVIL)
    page.click("#stop-run")
    page.wait_for_selector("#run-status:text-is('stopped')", timeout=120_000)

    watched.leave(f"{app.address}/?view=runs")
    page.wait_for_selector("#runs-table table")
    assert EVIL in page.inner_text("#runs-table")
    watched.leave(app.address)
    page.wait_for_selector("#last-runs a")
    assert page.title() != "broken"
    assert page.locator("img[src=x]").count() == 0
    watched.assert_clean()


@pytest.mark.parametrize("path", ["/", "/?view=new", "/?view=runs"])
def test_nothing_overflows_on_a_phone(app: App, watch: Callable[..., Watched], path: str) -> None:
    watched = watch(390, 844, color_scheme="light")
    watched.page.goto(app.address + path)
    watched.page.wait_for_selector(".sr-page")
    watched.page.wait_for_timeout(500)
    for theme in ("light", "dark"):
        watched.page.evaluate("dark => document.body.classList.toggle('dark', dark)", theme == "dark")
        assert watched.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    watched.assert_clean()


def test_theme_is_kept(app: App, watch: Callable[..., Watched]) -> None:
    watched = watch(color_scheme="light")
    watched.page.goto(app.address)
    watched.page.wait_for_selector("#home-page")  # leaving while the page still loads is told as an error
    watched.page.click("#theme-toggle")
    watched.page.goto(f"{app.address}/?view=runs")
    watched.page.wait_for_selector("#runs-page")
    watched.page.wait_for_function("() => document.body.classList.contains('dark')")
    assert watched.page.evaluate("getComputedStyle(document.body).colorScheme") != "light"
    watched.assert_clean()


def write_jsonl(path: Path, rows: int = 120) -> Path:
    rng = random.Random(4)
    names, places = ["Ada", "Grace", "Emmy", "Sofia"], ["Rome", "Oslo", "Paris", "Lima"]
    with open(path, "w", encoding="utf-8") as file:
        for number in range(rows):
            tokens = [rng.choice(names), f"no{number}", "went", "to", rng.choice(places)]
            tags = ["B-PER", "I-PER", "O", "O", "B-LOC"]
            item = {"tokens": tokens, "tags": tags, "language": rng.choice(["en", "de"])}
            file.write(json.dumps(item) + "\n")
    return path


@pytest.mark.timeout(900)
def test_a_file_of_tagged_words_from_the_preview_to_the_result(
    app: App, watch: Callable[..., Watched], tmp_path: Path
) -> None:
    watched = watch()
    page = opened(app, watched)
    page.click("#field-data-task label:has-text('Tagging')")
    page.click("#field-data-source label:has-text('My files')")
    page.wait_for_selector("#rows-told:has-text('CoNLL')")
    assert not page.is_visible("#field-data-columns-text_pair")
    page.set_input_files("#field-data-train input[type=file]", write_jsonl(tmp_path / "names.jsonl"))
    page.wait_for_selector("#data-preview mark:has-text('LOC')")
    assert page.locator("#data-preview mark:has-text('PER')").first.inner_text().split()[-1] == "PER"
    assert page.input_value("#field-data-columns-text input") == "tokens"
    assert page.input_value("#field-data-columns-language input") == "language"
    page.click("#continue-data")
    page.wait_for_selector("#continue-teachers")
    assert "2 types" in page.inner_text("#step-data")
    # The first teachers are made for classification: one for tagging takes their place.
    page.wait_for_selector("#teacher-1", state="hidden")
    page.fill("#field-teacher_training-epochs input", "1")
    go_to(page, "method")
    page.fill("#field-training-epochs input", "1")
    page.click("#field-controls label:has-text('Same student, no teachers') input:checked")
    page.click("#start-run")
    page.wait_for_url(re.compile(r"\?run="))
    page.wait_for_selector("#run-status:not(:empty)")
    wait_status(page, "done", 600_000)
    page.wait_for_selector("#result:not([hidden])")
    said = page.inner_text("#result")
    assert "entity f1" in said.lower() and "office-bert" in said
    assert "PER" in page.text_content("#result") and "LOC" in page.text_content("#result")
    watched.assert_clean()


def test_several_files_are_one_a_language(app: App, watch: Callable[..., Watched], tmp_path: Path) -> None:
    files = []
    for code, place in (("de", "Rom"), ("en", "Rome")):
        files.append(tmp_path / f"train-{code}.conll")
        files[-1].write_text("".join(f"no{i}\tO\n{place}\tB-LOC\n\n" for i in range(60)), encoding="utf-8")
    watched = watch()
    page = opened(app, watched)
    page.click("#field-data-task label:has-text('Tagging')")
    page.click("#field-data-source label:has-text('My files')")
    page.set_input_files("#field-data-train input[type=file]", [str(file) for file in files])
    page.wait_for_selector("text=one file a language: de, en")
    page.wait_for_selector("#data-preview mark:has-text('LOC')")
    assert "de" in page.inner_text("#data-preview") and "en" in page.inner_text("#data-preview")
    # The first teachers are made for classification: one for tagging takes their place.
    go_to(page, "teachers")
    page.wait_for_selector("#field-teachers-0-source input")
    assert "office-bert" in page.input_value("#field-teachers-0-source input")
    assert not page.is_visible("#teacher-1")
    go_to(page, "review")
    page.click("#check-run")
    page.wait_for_selector("#review-yaml .cm-content:has-text('{language}.conll')")
    watched.assert_clean()


def test_a_recipe_for_another_task_brings_its_data(app: App, watch: Callable[..., Watched]) -> None:
    watched = watch()
    page = opened(app, watched)
    go_to(page, "method")
    page.click("#field-recipe label:has-text('XtremeDistil')")
    page.click("#recipe-about:has-text('was not filled in') [data-recipe]")
    page.wait_for_selector("#formula li:has-text('on the transfer set')", timeout=90_000)
    page.wait_for_selector("#summary:has-text('stages')")
    go_to(page, "data")
    page.wait_for_selector("#field-data-task label.selected:has-text('Tagging')")
    go_to(page, "teachers")
    page.wait_for_selector("#teacher-0")
    page.wait_for_selector("#teacher-1", state="hidden")
    go_to(page, "review")
    page.click("#check-run")
    page.wait_for_selector("#review .sr-done")
    watched.assert_clean()


@pytest.mark.parametrize("title", ["Mixtures of texts (MixKD)", "Weak teacher, larger student"])
def test_a_recipe_with_needs_of_its_own_can_start(app: App, watch: Callable[..., Watched], title: str) -> None:
    watched = watch()
    page = opened(app, watched)
    go_to(page, "method")
    page.locator("#field-recipe label").filter(has_text=title).click()
    if title.startswith("Weak"):  # for another task
        page.click("#recipe-about:has-text('was not filled in') [data-recipe]")
    page.wait_for_selector("#recipe-about:has-text('Paper')")
    page.wait_for_timeout(1500)
    go_to(page, "review")
    page.wait_for_selector("text=Checked: this run can start.", timeout=60_000)
    assert "threads: 1" in page.inner_text("#step-review")
    watched.assert_clean()


def test_the_sum_advice_and_stages_follow_what_is_typed(app: App, watch: Callable[..., Watched]) -> None:
    watched = watch()
    page = opened(app, watched)
    go_to(page, "student")
    page.fill("#field-student-lstm_hidden input", "2000")
    go_to(page, "teachers")
    page.wait_for_selector("#note-teachers-0-source:has-text('times the student')")
    go_to(page, "method")
    page.fill("#field-objective-hidden_weight input", "0.5")
    page.wait_for_selector("#formula:has-text('0.5 × hidden states')")
    page.locator("#step-method button.label-wrap:has-text('More settings')").nth(1).click()
    page.fill("#field-training-stages textarea", "- name: [first")
    page.click("#start-run")
    page.wait_for_selector("#error-training-stages:has-text('not valid YAML')")
    page.fill(
        "#field-training-stages textarea", "- name: first\n  terms: {hidden: 1}\n- name: second\n  terms: {hard: 1}"
    )
    page.wait_for_selector("#formula li:has-text('2 second: 1 × hard labels')")
    assert "view=new" in page.url
    watched.assert_clean()
