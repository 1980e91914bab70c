"""A sweep in the browser: six trials started from New run, to a front and a run; stopped, killed, gone on with."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from distill_core.config import from_dict
from distill_core.jobs.sweeps import Sweeps, write_state
from distill_core.layout import DataHome, SweepFolder
from distill_core.services.sweeps import view
from distill_core.sweeps.drive import run_sweep
from distill_core.sweeps.ledger import Ledger
from tests import tiny
from tests.e2e.conftest import PATIENCE, App, Watched, end_run
from tests.e2e.test_everyone import assert_good, open_all, walk
from tests.e2e.test_new_run import go_to
from tests.unit.sweeps.made import Worker
from tests.unit.sweeps.made import sweep as made

pytestmark = pytest.mark.browser
LONG_MS = 240_000 * PATIENCE


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    root = tmp_path_factory.mktemp("material")
    return tiny.config_dict(
        tiny.write_data(root / "data"), [tiny.write_bert(root / "bert")], controls=[],
        training={"epochs": 1, "batch_size": 16, "learning_rate": 0.01, "evaluations": 2},
    )  # fmt: skip


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """An app with three sweeps that are done: against parameters, of quality alone, and one to be put away."""
    opened = App(tmp_path_factory.mktemp("swept") / "home")
    home = DataHome(opened.home).create()
    kinds = {"costs": {"objectives": ["quality", "parameters", "latency"]}, "alone": {"prune": True}, "away": {}}
    for name, more in kinds.items():
        sweeps = Sweeps(home)
        folder = sweeps.folder(sweeps.add(made(name=name, **more)))
        run_sweep(folder, home=home, work=Worker())
        folder.process.unlink()  # it names the tests' own process, which lives on
        write_state(folder)
    opened.start()
    yield opened
    opened.close()
    for file in opened.home.glob("sweeps/*/process.json"):
        end_run(file)


def folder_named(app: App, name: str) -> SweepFolder:
    return next(SweepFolder(path) for path in (app.home / "sweeps").iterdir() if path.name.startswith(name))


def traces(page: Any, plot: str) -> dict[str, Any]:
    page.wait_for_function(f"document.querySelector('#{plot}').data?.length")
    found = page.evaluate(f"document.querySelector('#{plot}').data.map(t => [t.meta, t.x, t.y, t.customdata || null])")
    return {str(meta): (x, y, numbers) for meta, x, y, numbers in found}


def test_six_trials_to_their_front(shown: App, watch: Callable[..., Watched], material: dict[str, Any]) -> None:
    watched = watch()
    page = watched.page
    page.goto(f"{shown.address}/?view=new")
    page.wait_for_selector("#start-run")
    page.wait_for_timeout(1000)
    open_review(page, material)
    page.click("#sweep-part > button.label-wrap")
    page.wait_for_function("document.querySelector('#sweep-values-0 input, #sweep-values-0 textarea').value")
    assert "Learning rate" in page.input_value("#sweep-field-0 input")
    page.fill("#sweep-values-0 input, #sweep-values-0 textarea", "0.01, 0.03")
    page.fill("#sweep-values-1 input, #sweep-values-1 textarea", "4, 8, 0")
    page.fill("#sweep-trials input", "6")
    page.check("#sweep-costs-choice input[value=parameters], #sweep-costs-choice label:has-text('Parameters') input")
    page.click("#start-sweep")
    page.wait_for_selector("#sweep-part-said p")
    assert "“student.lstm_hidden”: input should be greater than or equal to" in page.inner_text("#sweep-part-said")
    page.fill("#sweep-values-1 input, #sweep-values-1 textarea", "4, 8, 12")
    page.click("#start-sweep")
    page.wait_for_url(re.compile(r"\?sweep=tiny-"), timeout=LONG_MS)
    status(page, "done")
    page.wait_for_function("document.querySelectorAll('#sweep-trials tbody tr').length === 6")
    folder = folder_named(shown, "tiny-")
    found = view(Sweeps(DataHome(shown.home)), folder, {})
    assert [one["state"] for one in found["trials"]] == ["done"] * 6 and found["sweep"]["why"] in ("trials", "all")
    drawn = traces(page, "sweep-front")
    front, by_number = found["fronts"]["parameters"], {one["number"]: one["values"] for one in found["trials"]}
    assert drawn["front"][0] == [by_number[n]["parameters"] for n in front]
    assert drawn["front"][1] == pytest.approx([100 * by_number[n]["quality"] for n in front])
    assert sorted(drawn["on"][2] + drawn["off"][2]) == [1, 2, 3, 4, 5, 6] and sorted(drawn["on"][2]) == sorted(front)
    assert len(traces(page, "sweep-parallel")) == 6
    # A learning rate has no share of the parameters.
    shares = page.locator("#sweep-importance [data-path]")
    assert sorted(one.get_attribute("data-path") for one in shares.all()) == sorted(
        path for shared in found["importance"].values() for path in shared
    )
    assert list(found["importance"]["parameters"]) == ["student.lstm_hidden"]
    assert '"test"' not in folder.events.read_text()

    best = found["best"]
    page.click(f"[data-promote='{best}']")
    with watched.leaving():
        page.click(f"[data-trial='{best}'] a[href*='?run=']")
        page.wait_for_function(f"document.querySelector('#run-name')?.textContent === 'tiny, trial {best}'")
    page.wait_for_function("document.querySelector('#run-tags').textContent.includes('sweep tiny')")
    watched.assert_clean()


@pytest.fixture
def played(tmp_path: Path) -> Iterator[App]:
    """An app whose trials only count."""
    opened = App(tmp_path / "home", program=("-m", "tests.fake_sweep"), environment={"FAKE_TRIAL_S": "1"})
    home = DataHome(opened.home).create()
    Sweeps(home).add(made(name="played", base={"device": "cpu"}))
    opened.start()
    yield opened
    opened.close()
    for file in opened.home.glob("sweeps/*/process.json"):
        end_run(file)


def status(page: Any, wanted: str) -> None:
    page.wait_for_function(f"document.querySelector('#sweep-status')?.textContent === '{wanted}'", timeout=LONG_MS)


def test_it_is_stopped_killed_and_goes_on_to_its_end(played: App, watch: Callable[..., Watched]) -> None:
    folder = folder_named(played, "played")
    watched = watch()
    page = watched.page
    page.goto(f"{played.address}/?sweep={folder.run_id}")
    page.wait_for_selector("[data-trial='2']", timeout=LONG_MS)
    assert page.is_disabled("#delete-sweep")
    page.click("#stop-sweep")
    status(page, "stopped")
    kept = [one for one in Ledger.read(folder).trials if one.state == "done"]
    assert kept and "Go on continues" in page.inner_text("#sweep-note")
    page.click("#resume-sweep")
    page.wait_for_selector(f"[data-trial='{len(kept) + 2}']", timeout=LONG_MS)

    # As after a power cut.
    process = json.loads(folder.process.read_text())
    played.kill()
    os.killpg(process["pid"], signal.SIGKILL)
    played.start()
    page.reload()
    status(page, "interrupted")
    assert "The sweep was interrupted" in page.inner_text("#sweep-error")
    page.click("#resume-sweep")
    status(page, "done")
    ledger = Ledger.read(folder)
    assert [one.params for one in ledger.trials] == made().grid() and ledger.trials[: len(kept)] == kept
    page.wait_for_function("document.querySelectorAll('#sweep-trials tbody tr').length === 6")
    assert page.inner_text("#sweep-tried") == "6 of 6 tried"


def open_review(page: Any, material: dict[str, Any]) -> None:
    """New run filled in from a file, with Review open."""
    if not page.is_visible("#yaml-in"):
        go_to(page, "review")
    page.click("#yaml-in > button.label-wrap")
    page.fill("#yaml-paste textarea", from_dict(material).to_yaml())
    page.click("#yaml-fill")
    page.wait_for_function(
        "document.querySelector('#review').textContent.includes('this run can start')", timeout=90_000
    )


def test_figures_are_those_of_the_folder_and_trials_are_sorted(shown: App, watch: Callable[..., Watched]) -> None:
    folder = folder_named(shown, "costs")
    found = view(Sweeps(DataHome(shown.home)), folder, {})
    watched = watch()
    page = watched.page
    page.goto(f"{shown.address}/?sweep={folder.run_id}")
    page.wait_for_selector("[data-trial='6']")
    values = {one["number"]: one["values"] for one in found["trials"]}
    for number, own in values.items():
        cells = page.locator(f"[data-trial='{number}'] td").all_inner_texts()
        assert cells[2] == f"{100 * own['quality']:.1f}%" and cells[3] == f"{own['parameters'] / 1000:.0f} k"
    page.click("[aria-label='Sort by Validation accuracy']")
    order = [
        int(n)
        for n in page.locator("tbody [data-trial], tr[data-trial]").evaluate_all("r => r.map(x => x.dataset.trial)")
    ]
    assert order == sorted(values, key=lambda n: (-values[n]["quality"], n))
    assert page.get_attribute("th:has([aria-label='Sort by Validation accuracy'])", "aria-sort") == "descending"
    page.check("[name=sweep-cost][value=latency]")
    page.wait_for_function("document.querySelector('#sweep-front').layout?.xaxis.title.text.includes('batch 1')")
    assert traces(page, "sweep-front")["front"][0] == [values[n]["latency"] for n in found["fronts"]["latency"]]
    shares = found["importance"]["quality"]
    shown_shares = page.locator(".sr-matters").first.locator(".sr-bar-value").all_inner_texts()
    assert shown_shares == [f"{100 * share:.0f}%" for share in sorted(shares.values(), reverse=True)]
    page.click("#sweep-settings > summary")
    page.wait_for_function("document.querySelector('#sweep-yaml').textContent.includes('search:')")
    assert page.inner_text("#sweep-yaml").strip() == folder.config.read_text().strip()
    watched.assert_clean()


def test_quality_alone_shows_the_best_so_far_and_what_ended_early(shown: App, watch: Callable[..., Watched]) -> None:
    folder = folder_named(shown, "alone")
    found = view(Sweeps(DataHome(shown.home)), folder, {})
    watched = watch()
    page = watched.page
    page.goto(f"{shown.address}/?view=runs")
    page.click(f"#sweeps [data-sweep='{folder.run_id}'] a")
    page.wait_for_selector("#sweep-front .main-svg")
    drawn = traces(page, "sweep-front")
    assert max(drawn["best"][1]) == pytest.approx(100 * found["sweep"]["best"])
    assert drawn["best"][1] == sorted(drawn["best"][1])
    early = [one["number"] for one in found["trials"] if one["state"] == "pruned"]
    assert drawn["early"][2] == early and early
    assert "below the median after 2 evaluations" in page.inner_text(f"[data-trial='{early[0]}']")
    assert not page.locator(f"[data-promote='{early[0]}']").count()
    watched.assert_clean()


def test_a_line_for_each_trial_and_a_click_finds_it(shown: App, watch: Callable[..., Watched]) -> None:
    folder = folder_named(shown, "alone")
    found = view(Sweeps(DataHome(shown.home)), folder, {})
    watched = watch()
    page = watched.page
    page.goto(f"{shown.address}/?sweep={folder.run_id}")
    page.wait_for_selector("#sweep-curves .main-svg")
    drawn = traces(page, "sweep-curves")
    assert {int(number) for number in drawn} == set(found["curves"])
    for number, points in found["curves"].items():
        steps, values, _ = drawn[str(number)]
        assert steps == [step for step, _ in points]
        assert values == pytest.approx([100 * value for _, value in points])
    early = [one["number"] for one in found["trials"] if one["state"] == "pruned"]
    look = (
        "document.querySelector('#sweep-curves').data.map(t => [t.meta, t.line.dash, t.line.width, t.hovertemplate[0]])"
    )
    lines = {number: rest for number, *rest in page.evaluate(look)}
    assert {number for number, (dash, _, _) in lines.items() if dash != "solid"} == set(early)
    other = next(number for number in lines if number not in (found["best"], *early))
    assert lines[found["best"]][1] > lines[other][1]
    assert f"<b>Trial {other}</b>" in lines[other][2] and "Learning rate" in lines[other][2]
    assert "step 5" in lines[other][2]
    page.evaluate(
        f"document.querySelector('#sweep-curves').emit('plotly_click', {{points: [{{customdata: {other}}}]}})"
    )
    page.wait_for_selector(f"[data-trial='{other}'].sr-found")
    page.wait_for_function(f"{look}.at(-1)[0] === {other}")
    assert {number: rest for number, *rest in page.evaluate(look)}[other][1] > lines[found["best"]][1]
    watched.assert_clean()


def test_it_is_renamed_archived_deleted_and_taken_back(shown: App, watch: Callable[..., Watched]) -> None:
    folder = folder_named(shown, "away")
    watched = watch()
    page = watched.page
    page.goto(f"{shown.address}/?sweep={folder.run_id}")
    page.wait_for_function("document.querySelector('#sweep-name')?.textContent === 'away'")
    page.click("#sweep-menu > summary")
    page.click("#rename-sweep")
    page.fill("#sweep-new-name", "")
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('#sweep-said').textContent.includes('1 to 120 characters')")
    page.fill("#sweep-new-name", "put <b>away</b>")
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('#sweep-name').textContent === 'put <b>away</b>'")
    assert page.is_hidden("#sweep-words") and json.loads(folder.meta.read_text())["name"] == "put <b>away</b>"
    page.click("#sweep-menu > summary")
    page.click("#archive-sweep")
    page.wait_for_selector("#sweep-archived:visible")
    page.goto(f"{shown.address}/?view=runs")
    page.wait_for_selector("#sweeps-list [data-sweep]")
    row = f"#sweeps-list [data-sweep='{folder.run_id}']"
    assert page.locator(row).count() == 0
    page.check("#sweeps-archived")
    page.click(f"{row} a")
    page.wait_for_selector("#sweep-body:visible")
    page.click("#sweep-menu > summary")
    page.click("#delete-sweep")
    page.wait_for_url(re.compile("deleted-sweep="))
    page.wait_for_selector("#sweeps-said button")
    assert not folder.path.exists() and "put <b>away</b> was deleted" in page.inner_text("#sweeps-said")
    page.click("#sweeps-said button")
    page.wait_for_function("document.querySelector('#sweeps-said').textContent.includes('is back')")
    assert folder.config.is_file()
    page.wait_for_selector("#sweeps-trash", state="hidden")
    watched.assert_clean()


def test_an_unknown_sweep_is_told(shown: App, watch: Callable[..., Watched]) -> None:
    watched = watch()
    watched.page.goto(f"{shown.address}/?sweep=nowhere-1")
    watched.page.wait_for_selector("#sweep-unknown:not([hidden])")
    assert "another machine" in watched.page.inner_text("#sweep-unknown")
    watched.assert_clean()


@pytest.mark.parametrize("width", [390, 1440])
def test_everyone_can_read_it(shown: App, watch: Callable[..., Watched], width: int) -> None:
    watched = watch(width=width, height=844)
    page = watched.page
    page.goto(f"{shown.address}/?sweep={folder_named(shown, 'costs').run_id}")
    page.wait_for_selector("#sweep-parallel .main-svg")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if width == 1440:
        open_all(page, "#sweep-page")
        assert_good(page)
        walk(page)
    watched.assert_clean()
