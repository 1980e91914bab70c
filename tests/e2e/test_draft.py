"""New run keeps what was typed: over a reload, back and forth, from a file, a run or a recipe; Start counts once."""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from distill_core import config as cfg
from tests.e2e.conftest import PROJECT, App, Watched
from tests.e2e.test_demo import wait_status
from tests.e2e.test_new_run import go_to, opened, write_csv

pytestmark = pytest.mark.browser
STEPS = ("data", "teachers", "student", "method", "review")


def more(page: Any, step: str, number: int = 0) -> None:
    """Opens a drawer of further settings, unless it is open."""
    button = page.locator(f"#step-{step} button.label-wrap:has-text('More settings')").nth(number)
    if "open" not in (button.get_attribute("class") or "").split():
        button.click()


def field(page: Any, name: str) -> Any:
    return page.locator(f"#field-{name} input, #field-{name} textarea").first


def chosen(page: Any, name: str) -> str:
    return str(page.locator(f"#field-{name} input:checked").first.get_attribute("value"))


def open_step(page: Any) -> str:
    return next(step for step in STEPS if page.locator(f"#step-{step} > button.label-wrap.open").count())


def leave(watched: Watched, go: Callable[[], Any]) -> None:
    """Leaving breaks off what is still asked for, and Gradio tells that as an error."""
    watched.assert_clean()
    go()
    watched.errors.clear()


def runs_of(app: App) -> set[Path]:
    return set(app.home.glob("runs/*/config.yaml"))


def reviewed(page: Any) -> dict[str, Any]:
    """The settings as Review shows them. The editor draws only the lines in sight: the file is what is read."""
    with page.expect_download() as download:
        page.click("#yaml-download")
    found = yaml.safe_load(Path(download.value.path()).read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def type_much(page: Any, file: Path) -> None:
    """Something of every kind of field, on every step."""
    page.click("#field-data-source label:has-text('My files')")
    page.set_input_files("#field-data-train input[type=file]", file)
    page.wait_for_selector("#data-preview th:has-text('review') .sr-role:text('used as text')")
    go_to(page, "teachers")
    page.fill("#field-teachers-1-source input", "/no/such/folder")
    page.keyboard.press("Enter")
    page.click("#add-teacher")
    page.wait_for_selector("#teacher-2")
    page.fill("#field-teachers-2-source input", "bundled:support-bert")
    page.keyboard.press("Enter")
    go_to(page, "student")
    page.fill("#field-student-lstm_hidden input", "77")
    go_to(page, "method")
    page.fill("#field-training-epochs input", "9")
    more(page, "method", 1)
    page.fill("#field-training-stages textarea", "- name: [unfinished")
    go_to(page, "review")
    page.click("#field-evidence label:has-text('Solid')")
    page.fill("#field-name input, #field-name textarea", "Käse & <b>run</b>")
    page.wait_for_function(
        "() => { const kept = JSON.parse(localStorage.getItem('stillroom-draft')).values;"
        " return kept.name && kept.name.startsWith('Käse') && kept.seeds === '13, 14, 15'; }"
    )


def assert_typed(page: Any) -> None:
    """What `type_much` typed stands there again."""
    go_to(page, "data")
    page.wait_for_selector("#data-preview th:has-text('review') .sr-role:text('used as text')")
    assert "reviews.csv is used" in page.inner_text("#step-data")
    assert field(page, "data-columns-text").input_value() == "review"
    assert field(page, "data-columns-label").input_value() == "topic"
    go_to(page, "teachers")
    page.wait_for_selector("#teacher-2")
    assert field(page, "teachers-1-source").input_value() == "/no/such/folder"
    assert "support-bert" in field(page, "teachers-2-source").input_value()
    go_to(page, "student")
    assert field(page, "student-lstm_hidden").input_value() == "77"
    go_to(page, "method")
    assert field(page, "training-epochs").input_value() == "9"
    more(page, "method", 1)
    assert field(page, "training-stages").input_value() == "- name: [unfinished"
    go_to(page, "review")
    assert chosen(page, "evidence") == "solid"
    assert field(page, "name").input_value() == "Käse & <b>run</b>"


def test_a_reload_keeps_everything(app: App, watch: Callable[..., Watched], tmp_path: Path) -> None:
    watched = watch()
    page = opened(app, watched)
    type_much(page, write_csv(tmp_path / "reviews.csv"))
    leave(watched, page.reload)
    page.wait_for_selector("#step-review > button.label-wrap.open", timeout=60_000)
    assert open_step(page) == "review", "the step that was open is open again"
    page.wait_for_selector("#step-teachers:has-text('attention')")
    assert_typed(page)
    # The app itself may have been started anew in between.
    leave(watched, lambda: page.goto("about:blank"))
    app.kill()
    app.start()
    page.goto(f"{app.address}/?view=new")
    page.wait_for_selector("#continue-data", timeout=60_000)
    assert_typed(page)
    watched.assert_clean()


def sweep_field(page: Any, name: str) -> str:
    return str(page.input_value(f"#sweep-{name} input, #sweep-{name} textarea"))


def test_a_reload_keeps_what_is_typed_for_a_sweep(app: App, watch: Callable[..., Watched]) -> None:
    watched = watch()
    page = opened(app, watched)
    go_to(page, "review")
    page.wait_for_selector("#review .sr-done")
    page.click("#sweep-part > button.label-wrap")
    page.wait_for_function("document.querySelector('#sweep-values-0 input, #sweep-values-0 textarea').value")
    first = [sweep_field(page, "field-0"), sweep_field(page, "field-1"), sweep_field(page, "values-1")]
    page.fill("#sweep-values-0 input, #sweep-values-0 textarea", "0.01, 0.03, [")
    page.click("#sweep-more")
    page.click("#sweep-field-2 input")
    page.click("#sweep-field-2 [role=option]:has-text('(training.epochs)')")
    page.wait_for_function("document.querySelector('#sweep-values-2 input, #sweep-values-2 textarea').value")
    page.fill("#sweep-trials input", "7")
    page.fill("#sweep-minutes input, #sweep-minutes textarea", "soon")
    page.check("#sweep-costs-choice label:has-text('Parameters') input")
    page.wait_for_selector("#sweep-prune input:disabled")
    typed = first[0], "0.01, 0.03, [", *first[1:], sweep_field(page, "field-2"), sweep_field(page, "values-2")

    def assert_kept() -> None:
        for at, name in enumerate(f"{part}-{row}" for row in range(3) for part in ("field", "values")):
            wanted = json.dumps(typed[at])
            page.wait_for_function(
                f"document.querySelector('#sweep-{name} input, #sweep-{name} textarea')?.value === {wanted}"
            )
        assert sweep_field(page, "trials") == "7" and sweep_field(page, "minutes") == "soon"
        assert page.is_checked("#sweep-costs-choice label:has-text('Parameters') input")
        assert page.is_disabled("#sweep-prune input") and page.is_hidden("#sweep-field-3")

    page.wait_for_function("JSON.parse(localStorage.getItem('stillroom-draft')).sweep.minutes === 'soon'")
    for _ in range(2):  # a restored page must not overwrite what it came from
        leave(watched, page.reload)
        page.wait_for_selector("#sweep-part > button.label-wrap.open", timeout=60_000)
        assert_kept()
    # What was chosen can still be sent: it is among what the server offers.
    page.fill("#sweep-values-0 input, #sweep-values-0 textarea", "0.01, 0.03")
    page.click("#start-sweep")
    page.wait_for_selector("#sweep-part-said p:has-text('Minutes')")
    assert not list(app.home.glob("sweeps/*"))

    page.click("#start-again")
    page.wait_for_selector("#new-note:has-text('first')")
    page.wait_for_function("JSON.parse(localStorage.getItem('stillroom-draft')).sweep.minutes === ''")
    leave(watched, page.reload)
    page.wait_for_selector("#continue-data", timeout=60_000)
    page.wait_for_timeout(1000)
    assert not any(page.evaluate("Object.entries(JSON.parse(localStorage.getItem('stillroom-draft')).sweep)"
                                 ".filter(([key]) => /field|values/.test(key)).map(([, value]) => value)"))  # fmt: skip
    watched.assert_clean()


def test_five_steps_back_and_forth(app: App, watch: Callable[..., Watched]) -> None:
    watched = watch()
    page = opened(app, watched)
    typed = {"student": ("student-lstm_hidden", "60"), "method": ("training-epochs", "3")}
    for step, onward in itertools.pairwise(STEPS):
        assert open_step(page) == step
        if step in typed:
            field(page, typed[step][0]).fill(typed[step][1])
        page.click(f"#continue-{step}")
        page.wait_for_selector(f"#step-{onward} > button.label-wrap.open")
        page.wait_for_selector(f"#step-{step} > button.label-wrap:not(.open)")
    page.wait_for_selector("#review .sr-done")
    assert page.evaluate("location.hash") == "#step-review"
    # What is folded says what was chosen.
    assert "support-desk" in page.inner_text("#step-data > button.label-wrap")
    assert "60 units" in page.inner_text("#step-student > button.label-wrap")
    assert "3 epochs" in page.inner_text("#step-method > button.label-wrap")
    for step in reversed(STEPS[:-1]):
        go_to(page, step)
        page.wait_for_selector(f"#step-{step} > button.label-wrap.open")
        if step in typed:
            assert field(page, typed[step][0]).input_value() == typed[step][1]
    page.click("#start-again")
    page.wait_for_selector("#new-note:has-text('first')")
    page.click("#bring-back")
    page.wait_for_selector("#summary:has-text('60 units')")
    watched.assert_clean()


def figures(report: Path) -> list[list[Any]]:
    """What a run has found out, without times of day and of this machine."""
    found = json.loads(report.read_text(encoding="utf-8"))
    arms = [
        [arm[key] for key in ("name", "seed", "quality", "agreement", "parameters", "bytes")] for arm in found["arms"]
    ]
    return arms + [[t[key] for key in ("name", "quality", "parameters", "bytes")] for t in found["teachers"]]


@pytest.mark.timeout(900)
def test_a_yaml_file_fills_all_steps_starts_and_gives_the_figures_of_the_command_line(
    app: App, watch: Callable[..., Watched], tmp_path: Path
) -> None:
    rows = {"labelled_per_class": 20, "max_transfer": 100, "max_validation": 40, "max_test": 60}
    config = {
        "name": "from-yaml", "data": {"source": "bundled", "name": "support-desk", **rows}, "threads": 1,
        "teachers": [{"source": "bundled:support-bert"}, {"source": "bundled:support-roberta", "name": "R"}],
        "teacher_training": {"mode": "cofinetune", "epochs": 1},
        "student": {"kind": "bilstm", "lstm_hidden": 33, "embedding": 40},
        "objective": {"soft_label_loss": "js", "distill_temperature": 2.5, "teacher_weighting": "mt_bert"},
        "training": {"epochs": 1, "learning_rate": "2e-3"}, "seeds": [5], "controls": ["no_teacher", "uniform"],
    }  # fmt: skip
    file, before = tmp_path / "mine.yaml", runs_of(app)
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
    watched = watch()
    page = opened(app, watched)
    go_to(page, "review")
    page.locator("#yaml-in button.label-wrap").first.click()
    page.set_input_files("#yaml-in input[type=file]", file)
    page.wait_for_selector("#new-note:has-text('file')")
    page.wait_for_selector("#review .sr-done")
    want = cfg.from_dict(config)
    assert cfg.from_dict(reviewed(page)) == want
    go_to(page, "teachers")
    page.wait_for_selector("#teacher-cards .sr-teacher-card:has-text('Another tokeniser')")
    page.locator("#teacher-1 button.label-wrap:has-text('More settings')").click()
    assert field(page, "teachers-1-name").input_value() == "R"
    assert not page.is_visible("#teacher-2")
    go_to(page, "student")
    assert field(page, "student-lstm_hidden").input_value() == "33"
    # Pressed twice, it is one run.
    page.locator("#start-run").dblclick()
    page.wait_for_url(re.compile(r"\?run="))
    page.wait_for_selector("#run-status:not(:empty)")
    (stored,) = runs_of(app) - before
    assert cfg.from_dict(yaml.safe_load(stored.read_text(encoding="utf-8"))) == want
    # In a data folder of its own, so that neither takes the other's teachers.
    command = [sys.executable, "-m", "distill_core", "run", str(file), "--out", str(tmp_path / "run")]
    environment = {**os.environ, "STILLROOM_HOME": str(tmp_path / "home"), "CUDA_VISIBLE_DEVICES": ""}
    subprocess.run(command, cwd=PROJECT, env=environment, check=True, capture_output=True, timeout=600)
    wait_status(page, "done", 600_000)
    by_page, by_command = figures(stored.parent / "report.json"), figures(tmp_path / "run" / "report.json")
    assert by_page == by_command and len(by_page) == 5
    # Its settings fill the page again, under another name.
    leave(watched, lambda: page.goto(f"{app.address}/?view=new&from={stored.parent.name}"))
    page.wait_for_selector("#review .sr-done", timeout=60_000)
    assert "from-yaml" in page.inner_text("#new-note")
    assert cfg.from_dict({**reviewed(page), "name": "from-yaml"}) == want
    assert page.evaluate("location.search") == "?view=new", "a reload keeps what is changed from here on"
    watched.assert_clean()


def test_a_recipe_in_the_address_fills_all_steps(app: App, watch: Callable[..., Watched]) -> None:
    watched = watch()
    page = opened(app, watched)
    go_to(page, "student")
    field(page, "student-lstm_hidden").fill("61")
    page.wait_for_selector("#summary:has-text('61 units')")
    leave(watched, lambda: page.goto(app.address))
    page.click("#home-recipes a >> nth=0")
    page.wait_for_selector("#new-note:not(:empty)")
    page.wait_for_selector("#review-yaml .cm-content")
    assert open_step(page) == "review"
    page.wait_for_selector("#summary:not(:has-text('61 units'))")
    page.click("#bring-back")
    page.wait_for_selector("#summary:has-text('61 units')")
    watched.assert_clean()


def test_bad_yaml_is_told_and_changes_nothing(app: App, watch: Callable[..., Watched]) -> None:
    watched = watch(390, 844, color_scheme="dark")
    page = opened(app, watched)
    go_to(page, "student")
    field(page, "student-lstm_hidden").fill("62")
    page.wait_for_selector("#summary:has-text('62 units')")
    go_to(page, "review")
    page.locator("#yaml-in button.label-wrap").first.click()
    page.fill("#yaml-paste textarea", "name: [x")
    page.click("#yaml-fill")
    page.wait_for_selector("#yaml-said:has-text('not valid YAML')")
    assert "62 units" in page.inner_text("#summary")
    page.fill("#yaml-paste textarea", "training: {epochs: 0, epoch: 3}")
    page.click("#yaml-fill")
    page.wait_for_selector("#new-note:has-text('training.epoch')")
    page.wait_for_selector("#summary .sr-missing:has-text('Epochs')")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    watched.assert_clean()
