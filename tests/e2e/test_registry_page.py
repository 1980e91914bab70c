"""The student and the task of tests/toys on the real page: chosen, started, watched and read, through two lines."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import App, Watched
from tests.e2e.test_demo import wait_status
from tests.e2e.test_new_run import go_to, opened, write_csv
from tests.toys import TWO_LINES

pytestmark = pytest.mark.browser


@pytest.fixture
def toy_app(tmp_path: Path) -> Iterator[App]:
    opened_app = App(tmp_path / "home", environment={"PYTHONPATH": TWO_LINES}).start()
    yield opened_app
    opened_app.close()


@pytest.mark.timeout(600)
def test_a_new_student_on_a_new_task_from_the_form_to_the_result(
    toy_app: App, watch: Callable[..., Watched], tmp_path: Path
) -> None:
    watched = watch()
    page = opened(toy_app, watched)
    page.click("#field-data-source label:has-text('My files')")
    page.click("#field-data-task input")  # a fourth task makes a list of the buttons
    page.click("#field-data-task [role=option]:has-text('Topics')")
    page.wait_for_selector("#rows-told:has-text('a text and its topic a row')")
    page.set_input_files("#field-data-train input[type=file]", write_csv(tmp_path / "letters.csv"))
    page.wait_for_selector("#data-preview th:has-text('review') .sr-role:text('used as text')")
    page.click("#continue-data")
    page.wait_for_selector("#step-data:has-text('2 topics')")
    go_to(page, "student")
    page.click("#field-student-kind label:has-text('Bag of pieces')")
    page.fill("#field-student-breadth input", "9")
    page.wait_for_selector("#summary:has-text('Bag of pieces, 9 units')")
    set_number(page, "teachers", "#field-teacher_training-epochs input", "1")
    set_number(page, "method", "#field-training-epochs input", "1")
    page.click("#start-run")
    page.wait_for_url(re.compile(r"\?run="))
    page.wait_for_selector("#run-status:not(:empty)")
    wait_status(page, "done", 500_000)
    page.wait_for_selector("#result:not([hidden])")
    assert "hit rate" in page.inner_text("#result").lower()
    watched.assert_clean()
    page.goto(f"{toy_app.address}/?view=runs")
    page.wait_for_selector("#runs-table:has-text('bag of 9')")


def set_number(page: Any, step: str, field: str, value: str) -> None:
    go_to(page, step)
    page.fill(field, value)
    page.press(field, "Tab")
