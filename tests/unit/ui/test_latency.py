"""The block of measured latency in the student step: what it says in every state, and of which draft it asks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from distill_core.errors import CheckpointError
from tests.unit.ui.fake_services import FakeServices
from ui.build import build_app
from ui.pages import new, new_latency
from ui.pages.new_latency import latency_html, milliseconds

EVIL = "<img src=x>"
TEACHERS = [{"source": "bundled:support-bert"}, {"source": f"models/{EVIL}"}]
DRAFT = {"teachers": TEACHERS, "measure": {"batch_sizes": [1, 32], "threads": 1}, "device": "auto"}


def row(name: str, role: str, batch: int, p50: float) -> dict[str, Any]:
    figures = {"p50": p50, "p95": 2 * p50, "cpu_ms": p50 / 4, "repeats": 15}
    return {"name": name, "role": role, "batch": batch, "tokens": 32, "threads": 1, "device": "cpu", **figures}


def ready(compared: str = "cpu_ms") -> dict[str, Any]:
    models = (("student", "student", 0.5), ("support-bert", "teacher", 12.34), (EVIL, "teacher", 250.0))
    rows = [row(name, role, batch, batch * p50) for name, role, p50 in models for batch in (1, 32)]
    return {
        "state": "ready", "rows": rows, "speedup": {"1": 24.68, "32": 7.0}, "against": "support-bert",
        "compared": compared, "protocol": "Random weights; 1 thread.",
    }  # fmt: skip


def cells(html: str) -> list[list[str]]:
    """The words of every line of the table's body."""
    body = html.split("<tbody>")[1].split("</tbody>")[0]
    lines = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", line) for line in re.findall(r"<tr>(.*?)</tr>", body)]
    return [[re.sub("<[^>]+>", "", cell) for cell in line] for line in lines]


def rows_kept(html: str) -> str:
    found = re.search(r"--rows: (\d+)", html)
    assert found is not None
    return found[1]


def test_speedups_stand_below_the_figure_they_are_made_of() -> None:
    html = latency_html(ready(), DRAFT)
    assert cells(html) == [
        ["support-bert", "12.3", "3.08", "395", "98.7"],
        ["&lt;img src=x&gt;", "250", "62.5", "8000", "2000"],
        ["Student", "0.50", "0.12", "16.0", "4.00"],
        ["Speed-up", "", "24.7×", "", "7×"],
    ]
    assert "against support-bert, by CPU time" in html and "Random weights; 1 thread." in html
    assert EVIL not in html and "sr-t2" in html and "sr-s" in html


def test_without_cpu_time_the_clock_stands_alone() -> None:
    html = latency_html(ready("p50"), DRAFT)
    assert cells(html)[-2:] == [["Student", "0.50", "16.0"], ["Speed-up", "24.7×", "7×"]]
    assert "by the clock" in html and "CPU ms" not in html


@pytest.mark.parametrize("state", ["starting", "measuring"])
def test_while_it_measures_the_table_stands_without_figures(state: str) -> None:
    html = latency_html({"state": state}, DRAFT)
    assert [line[0] for line in cells(html)] == [line[0] for line in cells(latency_html(ready(), DRAFT))]
    assert {cell for line in cells(html) for cell in line[1:]} == {"…"}
    assert html.count("<th") == latency_html(ready(), DRAFT).count("<th")
    assert f'data-state="{state}"' in html


def test_every_state_keeps_the_same_room() -> None:
    failed = {"state": "failed", "error": "It ended.", "hint": "Again?", "field": None}
    invalid = {"state": "failed", "error": "heads do not divide.", "hint": "", "field": "student.heads"}
    shown = [latency_html(found, DRAFT) for found in (ready(), {"state": "measuring"}, failed, invalid)]
    assert {rows_kept(html) for html in shown} == {"3"}
    assert "Not measured: It ended. Again?" in shown[2]
    assert re.sub("<[^>]+>", "", shown[3]) == "", "what is not valid is told at its field"


def test_teachers_that_answer_nobody_are_not_waited_for() -> None:
    stays = {**TEACHERS[0], "pretrained_only": True}
    html = latency_html({"state": "measuring"}, {**DRAFT, "teachers": [stays, TEACHERS[1]]})
    assert rows_kept(html) == "2" and "support-bert" not in html
    assert latency_html({"state": "failed", "field": "teachers"}, {"teachers": []}) == ""


@pytest.mark.parametrize("sizes", [None, "1, 32", ["a"], []])
def test_unreadable_batch_sizes_leave_no_columns(sizes: Any) -> None:
    html = latency_html({"state": "measuring"}, {**DRAFT, "measure": {"batch_sizes": sizes}})
    assert all(len(line) == 1 for line in cells(html))


@pytest.mark.parametrize(
    ("value", "words"), [(0.4231, "0.42"), (12.34, "12.3"), (128.4, "128"), (None, "–"), (True, "–")]
)
def test_milliseconds_have_three_figures(value: object, words: str) -> None:
    assert milliseconds(value) == words


class Asked(FakeServices):
    def latency_preview(self, draft: dict[str, Any], *, anew: bool = False) -> dict[str, Any]:
        self.draft, self.anew = draft, anew
        if draft["student"].get("lstm_hidden") == 77:
            raise CheckpointError("The folder is gone.", hint="Choose another.")
        return {"state": "measuring"}


@pytest.fixture
def page(tmp_path: Path) -> tuple[new.NewRun, Asked]:
    services = Asked(tmp_path)
    with gr.Blocks():
        built = new.build(services)
    return built, services


def typed(page: new.NewRun, **changed: Any) -> tuple[Any, ...]:
    values = {b.path: b.widget.value for b in page.form.bindings} | {
        k.replace("__", "."): v for k, v in changed.items()
    }
    return ("bundled", "bilstm", *(values[b.path] for b in page.form.bindings))


def test_it_asks_of_what_is_typed_now(page: tuple[new.NewRun, Asked]) -> None:
    built, services = page
    html = new_latency.told(built, services, typed(built, student__lstm_hidden=96))
    assert services.draft["student"]["lstm_hidden"] == 96 and 'data-state="measuring"' in html
    assert "The folder is gone. Choose another." in new_latency.told(
        built, services, typed(built, student__lstm_hidden=77)
    )


def test_a_failure_has_a_button_that_asks_at_once(page: tuple[new.NewRun, Asked]) -> None:
    built, services = page
    failed = latency_html({"state": "failed", "error": "It ended.", "hint": "", "field": None}, DRAFT)
    assert "data-again" in failed
    new_latency.told(built, services, typed(built), anew=True)
    assert services.anew


def test_the_helper_starts_once_somebody_comes_to_the_teachers() -> None:
    class Warm:
        started = 0

        def warm_up(self) -> None:
            self.started += 1

    services = Warm()
    for visited in ("0", "", None):
        new_latency.warm_up(services, visited)
    assert services.started == 0
    new_latency.warm_up(services, "0,1")
    new_latency.warm_up(services, "0,4")
    assert services.started == 2


def test_only_what_decides_latency_asks_again(tmp_path: Path) -> None:
    app = build_app(Asked(tmp_path), tmp_path)
    later = [f for f in app.fns.values() if "StillroomLatency?.later" in str(f.js)]
    assert len(later) == 1
    ids = {target for target, _ in later[0].targets}
    labels = {getattr(app.blocks[target], "elem_id", "") for target in ids}
    assert {"field-student-lstm_hidden", "field-student-kind", "field-data-max_tokens"} <= labels
    assert not {"field-name", "field-training-epochs", "field-objective-soft_label_weight"} & labels
