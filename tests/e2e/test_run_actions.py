"""What a person does with runs: name, tags, notes, archive, delete and undo, log, comparison, mending."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.conftest import App, FakeApp, Watched
from tests.e2e.test_demo import wait_status

pytestmark = pytest.mark.browser


def open_run(watched: Watched, app: App, name: str) -> Any:
    page = watched.page
    page.goto(f"{app.address}/?view=runs")
    page.click(f"#runs-table a:text-is('{name}')")
    page.wait_for_selector("#run-status:not(:empty)")
    return page


def from_menu(page: Any, button: str) -> None:
    page.click("#run-menu summary")
    page.click(f"#{button}")


def test_a_run_is_named_tagged_archived_deleted_and_taken_back(
    fake_app: FakeApp, watch: Callable[..., Watched]
) -> None:
    fake_app.begin("first one", "second one", steps=3)
    watched = watch()
    page = open_run(watched, fake_app, "first one")
    wait_status(page, "done")

    from_menu(page, "describe-run")
    page.fill("#words-name", "renamed")
    page.fill("#words-tags", "news, small, News")
    page.fill("#words-notes", "the <b>best</b> one")
    page.click("#words-save")
    page.wait_for_selector("#words-said:has-text('Saved.')")
    page.wait_for_selector("#run-name:has-text('renamed')")
    page.reload()
    page.wait_for_selector("#run-tags:has-text('small')")
    assert page.locator("#run-tags .sr-tag").all_text_contents() == ["news", "small"]
    assert page.input_value("#words-notes") == "the <b>best</b> one"

    page.fill("#words-name", " ")
    page.click("#words-save")
    page.wait_for_selector("#words-said:has-text('A name has 1 to 120 characters.')")

    from_menu(page, "archive-run")
    page.wait_for_selector("#run-tags:has-text('archived')")
    page.goto(f"{fake_app.address}/?view=runs")
    page.wait_for_selector("#runs-table a:has-text('second one')")
    assert page.locator("#runs-table a:has-text('renamed')").count() == 0
    page.check("#runs-archived")
    page.wait_for_selector("#runs-table a:has-text('renamed')")
    page.fill("#runs-search", "SMALL")
    page.wait_for_selector("#runs-table a:has-text('second one')", state="detached")
    page.fill("#runs-search", "nothing like it")
    page.wait_for_selector("#runs-table:has-text('No run matches.')")
    page.fill("#runs-search", "")

    page.click("#runs-table a:has-text('renamed')")
    wait_status(page, "done")
    from_menu(page, "delete-run")
    page.wait_for_selector("#runs-said:has-text('renamed was deleted')")
    assert page.locator("#runs-table a:has-text('renamed')").count() == 0
    page.click("#runs-said button:has-text('Undo')")
    page.wait_for_selector("#runs-said:has-text('renamed is back.')")
    page.check("#runs-archived")
    page.click("#runs-table a:has-text('renamed')")
    page.wait_for_selector("#run-tags:has-text('small')")
    wait_status(page, "done")
    watched.assert_clean()


def test_the_trash_survives_a_restart(fake_app: FakeApp, watch: Callable[..., Watched]) -> None:
    fake_app.begin("only one", steps=2)
    watched = watch()
    page = open_run(watched, fake_app, "only one")
    wait_status(page, "done")
    from_menu(page, "delete-run")
    page.wait_for_selector("#runs-said:has-text('was deleted')")
    fake_app.kill()
    fake_app.start()
    page.goto(f"{fake_app.address}/?view=runs")
    page.wait_for_selector("#runs-trash:not([hidden])")
    assert page.locator("#runs-table a:has-text('only one')").count() == 0
    page.click("#runs-trash summary")
    page.click("#trash-list button")
    page.wait_for_selector("#runs-table a:has-text('only one')")
    page.wait_for_selector("#runs-trash", state="hidden")
    assert [path.name for path in fake_app.home.glob("trash/*")] == []
    assert page.inner_text("#runs-table tr:has-text('only one') .sr-pill") == "done"
    assert watched.foreign == []  # its errors are of the app that was killed


def test_a_run_at_work_is_kept_and_a_waiting_one_is_cancelled(fake_app: FakeApp, watch: Callable[..., Watched]) -> None:
    fake_app.begin("at work", "waits", "waits too", steps=10_000, pause_s=0.1)
    watched = watch()
    page = open_run(watched, fake_app, "waits too")
    page.wait_for_selector("#run-note:has-text('Number 2 in the queue')")
    assert page.inner_text("#stop-run") == "Cancel"
    page.click("#run-menu summary")
    assert page.is_disabled("#delete-run")
    page.click("#stop-run")
    wait_status(page, "stopped")
    page = open_run(watched, fake_app, "at work")
    wait_status(page, "running")
    assert page.inner_text("#stop-run") == "Stop"
    watched.assert_clean()


def test_too_little_memory_is_mended_by_one_press(fake_app: FakeApp, watch: Callable[..., Watched]) -> None:
    fake_app.begin("large", steps=3, fail="memory", fits=16)
    watched = watch()
    page = open_run(watched, fake_app, "large")
    wait_status(page, "failed")
    page.wait_for_selector("#run-error:has-text('not enough memory')")
    before = page.url
    page.click("#run-steps button:has-text('Retry with batch 16')")
    page.wait_for_function("(before) => location.href !== before && location.search.includes('run=')", arg=before)
    wait_status(page, "done")
    assert page.inner_text("#run-name") == "large, batch size 16"

    page.click("#run-settings summary")
    page.wait_for_selector("#compare-with option:has-text('large')", state="attached")
    before = page.locator("#compare-with option").filter(has_text=re.compile("^large ·")).get_attribute("value")
    page.select_option("#compare-with", before)
    page.wait_for_selector("#run-differences td")
    assert page.locator("#run-differences tbody tr").all_inner_texts() == ["training.batch_size\t16\t32"]
    watched.assert_clean()


def test_a_run_is_duplicated_with_changes(fake_app: FakeApp, watch: Callable[..., Watched]) -> None:
    fake_app.begin("the model", steps=3)
    watched = watch()
    page = open_run(watched, fake_app, "the model")
    wait_status(page, "done")
    from_menu(page, "duplicate-run")
    page.wait_for_selector("#new-note:has-text('Filled in from the run “the model”')")
    page.wait_for_selector("#step-teachers:has-text('support-bert')")
    name = page.input_value("#field-name textarea, #field-name input")
    assert name.startswith("the model") and name != "the model"
    page.click("#start-run")
    page.wait_for_url(re.compile(r"run="))
    wait_status(page, "done")
    assert page.inner_text("#run-name") == name
    configs = [config.read_text() for config in sorted(fake_app.home.glob("runs/the-model-*/config.yaml"))]
    assert len(configs) == 2
    own, copy = ([line for line in text.splitlines() if not line.startswith("name:")] for text in configs)
    assert own == copy
    watched.assert_clean()


def test_a_full_disk_asks_to_try_again_and_then_goes_on(fake_app: FakeApp, watch: Callable[..., Watched]) -> None:
    fake_app.begin("on a full disk", steps=3, fail="disk")
    watched = watch()
    page = open_run(watched, fake_app, "on a full disk")
    wait_status(page, "failed")
    assert page.locator("#run-steps button").all_inner_texts() == ["Try again"]
    fake_app.behave(steps=3)
    page.click("#run-steps button")
    page.wait_for_selector("#run-error", state="hidden")
    wait_status(page, "done")
    watched.assert_clean()


def test_the_log_is_searched(fake_app: FakeApp, watch: Callable[..., Watched]) -> None:
    fake_app.begin("talks", steps=3, fail="bug")
    watched = watch()
    page = open_run(watched, fake_app, "talks")
    wait_status(page, "failed")
    page.click("#run-log-part summary")
    page.wait_for_selector("#run-log:has-text('Traceback')")
    page.fill("#log-search", "keyerror")
    page.wait_for_selector("#log-count:has-text(' of ')")
    page.wait_for_function("() => !document.querySelector('#run-log').textContent.includes('Traceback')")
    lines = page.inner_text("#run-log").splitlines()
    assert lines and all(re.search("keyerror", line, re.I) for line in lines)
    page.fill("#log-search", "no such words")
    page.wait_for_selector("#run-log:has-text('No line holds this.')")
    watched.assert_clean()


def test_the_browser_tells_when_a_run_ends(fake_app: FakeApp, watch: Callable[..., Watched]) -> None:
    fake_app.begin("soon over", steps=10_000, pause_s=0.1)
    watched = watch(permissions=["notifications"])
    page = watched.page
    page.add_init_script(
        """window.told = []; window.Notification = class { constructor(title, o) { window.told.push([title, o.body]); }
        static permission = 'default';
        static async requestPermission() { return (this.permission = 'granted'); } };"""
    )
    page = open_run(watched, fake_app, "soon over")
    wait_status(page, "running")
    from_menu(page, "notify-run")
    page.wait_for_selector("#run-said:has-text('You will be told')")
    page.click("#stop-run")
    wait_status(page, "stopped")
    assert page.evaluate("window.told") == [["soon over: stopped", ""]]
    page.wait_for_timeout(1500)
    assert len(page.evaluate("window.told")) == 1
    watched.assert_clean()
