"""Compare in the browser: runs ticked, fronts drawn, figures as in the run folders, a point opens its run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from distill_core.jobs.meta import Words, annotate
from distill_core.layout import RunFolder
from distill_core.services.compare import compare
from tests.e2e.conftest import App, Watched
from tests.e2e.test_everyone import assert_good, walk
from tests.finished_run import exported, finished_run, of_data
from ui import text_compare

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """Two runs of the same data, one of other data."""
    home = tmp_path_factory.mktemp("compared") / "home"
    finished_run(home / "runs" / "large-1", name="large", change=of_data("f" * 64, validation=0.935))
    small = of_data("f" * 64, validation=0.93, faster=2, size=0.5)
    finished_run(home / "runs" / "small-1", name="small", change=small, training={"epochs": 2})
    finished_run(home / "runs" / "other-1", name="other", change=of_data("e" * 64, validation=0.9))
    annotate(RunFolder(home / "runs" / "other-1"), Words(tags=["baseline"], archived=True))
    opened = App(home).start()
    yield opened
    opened.close()


def opened(app: App, watch: Callable[..., Watched], query: str, **options: Any) -> Watched:
    watched = watch(**options)
    watched.page.goto(f"{app.address}/?view=compare{query}")
    watched.page.wait_for_selector("#compare-board h2")
    return watched


def drawn(page: Any, group: int = 0) -> dict[str, Any]:
    """{id of a point: [x, y, symbol]} of a chart, and "front": its line."""
    page.wait_for_function(f"document.querySelectorAll('.sr-front .sr-plot')[{group}]?.data")
    traces = page.evaluate(
        f"document.querySelectorAll('.sr-front .sr-plot')[{group}].data"
        ".map(t => [t.meta, t.x, t.y, t.marker && t.marker.symbol])"
    )
    return {meta: [x, y, symbol] if meta == "front" else [x[0], y[0], symbol] for meta, x, y, symbol in traces}


def folders(app: App, *names: str) -> list[RunFolder]:
    return [RunFolder(app.home / "runs" / name) for name in names]


def test_two_runs_are_ticked_and_compared(shown: App, watch: Callable[..., Watched]) -> None:
    watched = watch()
    page = watched.page
    page.goto(f"{shown.address}/?view=runs")
    page.wait_for_selector("#runs-table [data-run='large-1']")
    assert page.is_disabled("#runs-compare")
    page.check("#runs-table [data-run='large-1']")
    assert page.is_disabled("#runs-compare")
    page.check("#runs-table [data-run='small-1']")
    page.wait_for_timeout(3500)  # the list is drawn again meanwhile; ticks stay
    page.click("#runs-compare")
    page.wait_for_url("**/?view=compare&runs=large-1,small-1")
    points = drawn(page)

    found = compare(folders(shown, "large-1", "small-1"))
    group = found["groups"][0]
    on = set(group["fronts"]["latency"])
    assert {"large-1/main", "small-1/main"} <= on and "large-1/no_teacher" not in on
    by_id = {point["id"]: point for point in found["points"]}
    assert set(points) == {*by_id, "front"}
    for name, point in by_id.items():
        x, y, symbol = points[name]
        assert (x, y) == (pytest.approx(point["latency"]["p50"]), pytest.approx(100 * point["kept"]))
        assert symbol.endswith("-open") == (name not in on)
    assert points["front"][0] == pytest.approx([by_id[name]["latency"]["p50"] for name in group["fronts"]["latency"]])
    watched.assert_clean()


def test_figures_are_the_run_folders(shown: App, watch: Callable[..., Watched]) -> None:
    watched = opened(shown, watch, "&runs=large-1,small-1")
    page = watched.page
    page.wait_for_selector(".sr-compare-figures tbody tr")
    for name in ("large-1", "small-1"):
        report = json.loads((shown.home / "runs" / name / "report.json").read_text())
        main = next(arm for arm in report["arms"] if arm["name"] == "main")
        cells = page.locator(f"[data-point='{name}/main'] td").all_inner_texts()
        low, high = report["quality_kept_interval"]
        assert cells[0] == f"{100 * report['quality_kept']:.1f}% {100 * low:.1f}–{100 * high:.1f}"
        assert cells[1] == f"{100 * main['quality']['validation']:.1f}%"
        assert cells[2].startswith(f"{100 * main['quality']['test']:.1f}% ")
        timed = next(r for r in report["latency_models"] if r["role"] == "student" and r["batch"] == 1)
        assert cells[3].startswith(f"{timed['p50']:.2f} ") and cells[6] == f"{main['seconds']:.1f} s"
    settings = page.locator(".sr-compare-settings tbody tr").all_inner_texts()
    assert len(settings) == 1 and settings[0].split() == ["training.epochs", "6", "2"]
    curves = page.locator(".sr-chart-of-runs .sr-plot")
    curves.scroll_into_view_if_needed()
    page.wait_for_function("document.querySelector('.sr-chart-of-runs .sr-plot').data?.length === 2")
    ends = page.evaluate(
        "document.querySelector('.sr-chart-of-runs .sr-plot').data.map(t => [t.name, t.x.at(-1), t.y.at(-1)])"
    )
    assert ends == [["large", 300, 93.5], ["small", 300, 93]]
    watched.assert_clean()


def test_cost_and_batch_are_chosen_and_stay_over_a_reload(shown: App, watch: Callable[..., Watched]) -> None:
    watched = opened(shown, watch, "&runs=large-1,small-1")
    page = watched.page
    assert drawn(page)["small-1/main"][0] == pytest.approx(0.455)
    page.select_option("#compare-batch", "32")
    page.wait_for_function("document.querySelector('.sr-front .sr-plot').layout?.xaxis.title.text.includes('batch 32')")
    assert drawn(page)["small-1/main"][0] == pytest.approx(4.43 / 2)
    page.check("[name=compare-x][value=time]", force=True)
    page.wait_for_function("document.querySelector('.sr-front .sr-plot').layout?.xaxis.title.text.includes('training')")
    assert not [name for name in drawn(page) if "teacher:" in name] and "Teachers are not drawn" in page.inner_text(
        "#compare-groups"
    )
    page.check("[name=compare-x][value=size]", force=True)
    page.wait_for_function("document.querySelector('.sr-front .sr-plot').layout?.xaxis.title.text.includes('MB')")
    assert drawn(page)["small-1/main"][0] == pytest.approx(1_610_216 / 2 / 1e6)
    page.reload()
    page.wait_for_selector("#compare-batch")
    assert page.input_value("#compare-batch") == "32" and page.is_checked("[name=compare-x][value=size]")
    watched.assert_clean()


def test_a_point_opens_its_run(shown: App, watch: Callable[..., Watched]) -> None:
    watched = opened(shown, watch, "&runs=large-1,small-1")
    page = watched.page
    drawn(page)
    place = page.evaluate(
        """() => {
            const node = document.querySelector('.sr-front .sr-plot'), {xaxis, yaxis} = node._fullLayout;
            const box = node.getBoundingClientRect(), trace = node.data.find(t => t.meta === 'small-1/main');
            return [box.x + xaxis._offset + xaxis.d2p(trace.x[0]), box.y + yaxis._offset + yaxis.d2p(trace.y[0])];
        }"""
    )
    page.mouse.move(*place)
    page.wait_for_selector(".sr-front .hoverlayer .hovertext")
    page.mouse.click(*place)
    page.wait_for_url("**/?run=small-1")
    page.wait_for_selector("#result:not([hidden])")
    assert page.inner_text("#run-name") == "small"
    watched.assert_clean()


def test_other_data_get_a_front_of_their_own_and_the_leaderboard_filters(
    shown: App, watch: Callable[..., Watched]
) -> None:
    watched = opened(shown, watch, "")
    page = watched.page
    assert "Tick two or more runs below" in page.inner_text("#compare-chosen")
    assert page.locator(".sr-board tbody tr").count() == 2
    page.check("#board-archived")
    page.wait_for_selector(".sr-board [data-run='other-1']")
    page.check("[data-run='other-1'] input")
    page.wait_for_selector(".sr-group-of-data")
    page.check("[data-run='small-1'] input")
    page.wait_for_function("document.querySelectorAll('.sr-group-of-data').length === 2")
    assert "Each has a front of its own" in page.inner_text("#compare-notes")
    assert {name.split("/")[0] for name in drawn(page, 0)} == {"other-1", "front"}
    page.select_option("#board-sort", "size")
    page.wait_for_function("document.querySelector('.sr-board tbody tr').dataset.run === 'small-1'")
    page.select_option("#board-tag", "baseline")
    page.wait_for_function("document.querySelectorAll('.sr-board tbody tr').length === 1")
    page.click(".sr-chips li:first-child button")
    page.wait_for_function("document.querySelectorAll('.sr-group-of-data').length === 1")
    assert page.url.endswith("runs=small-1")
    watched.assert_clean()


def test_an_example_is_set_beside_ones_own(shown: App, watch: Callable[..., Watched]) -> None:
    watched = opened(shown, watch, "&runs=large-1")
    page = watched.page
    drawn(page)
    assert not page.is_checked("#board-examples") and page.locator("[data-run='support-demo']").count() == 0
    page.check("#board-examples")
    page.wait_for_selector("#compare-board [data-note=machines]")
    page.check(".sr-board [data-run='support-demo'] input")
    page.wait_for_selector(".sr-chips li:has-text('support-demo') .sr-tag:text('Example')")
    assert "examples=1" in page.url and page.url.split("runs=")[1].startswith("large-1,support-demo")
    said = page.inner_text("#compare-notes")
    assert "Measured on different machines: large on CPU, 2 cores" in said and "the examples' machine" in said
    names = page.locator("#compare-runtime option").all_inner_texts()
    away = next(name for name in names if name.endswith("the examples' machine"))
    assert page.input_value("#compare-runtime") == away.removesuffix(" · the examples' machine")
    # At each runtime one machine's points alone.
    page.wait_for_function("document.querySelectorAll('.sr-front .sr-plot').length === 2")
    assert {name.split("/")[0] for name in drawn(page, 0)} == {"large-1", "front"}
    page.select_option("#compare-runtime", label=away)
    page.wait_for_function(
        "[...document.querySelectorAll('.sr-front .sr-plot')].at(-1).data?.some(t => t.meta === 'support-demo/main')"
    )
    assert page.locator("[data-point='large-1/main'] [data-name='p50, ms']").inner_text() == "–"
    page.reload()
    page.wait_for_selector(".sr-chips li:has-text('support-demo')")
    page.wait_for_selector("#board-examples:checked")
    page.uncheck("#board-examples")
    page.wait_for_selector(".sr-chips li:has-text('support-demo')", state="detached")
    assert page.locator(".sr-chips li:has-text('large')").count() == 1 and "support-demo" not in page.url
    watched.assert_clean()


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    opened = App(tmp_path_factory.mktemp("uncompared") / "home").start()
    yield opened
    opened.close()


@pytest.mark.parametrize("width", [390, 1440])
def test_a_first_visitor_sees_the_examples_compared(fresh: App, watch: Callable[..., Watched], width: int) -> None:
    watched = opened(fresh, watch, "", width=width, height=844)
    page = watched.page
    page.wait_for_function("document.querySelectorAll('.sr-group-of-data').length === 3")
    for group in range(3):
        assert [name for name in drawn(page, group) if name.endswith("/main")]
    assert page.locator(".sr-chips .sr-tag:text('Example')").count() == 3 and page.is_checked("#board-examples")
    assert "ship with the project" in page.inner_text("#compare-notes")
    assert page.locator("[data-note=machines]").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if width == 1440:
        assert_good(page)
        walk(page)
    page.uncheck("#board-examples")
    page.wait_for_selector("#compare-chosen .sr-empty")
    assert text_compare.WORDS["no_runs"] in page.inner_text("#compare-board") and page.is_visible("#board-examples")
    page.check("#board-examples")
    page.wait_for_selector(".sr-board [data-run='support-demo']")
    watched.assert_clean()


@pytest.mark.parametrize("width", [390, 1440])
def test_nothing_is_wider_than_the_page(shown: App, watch: Callable[..., Watched], width: int) -> None:
    watched = opened(shown, watch, "&runs=large-1,small-1,other-1,gone-1", width=width, height=844)
    page = watched.page
    drawn(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if width == 1440:
        assert_good(page)
        walk(page)
    assert "gone-1 is left out: There is no such run." in page.inner_text("#compare-notes")
    watched.assert_clean()


def test_the_front_is_drawn_on_the_runtime_of_exports(shown: App, watch: Callable[..., Watched]) -> None:
    folder = RunFolder(shown.home / "runs" / "exported-1")
    finished_run(folder.path, name="exported", change=of_data("f" * 64, validation=0.92))
    exported(folder)
    shown.kill()
    shown.start()
    watched = opened(shown, watch, "&runs=large-1,exported-1&batch=32")
    page = watched.page
    drawn(page)
    names = page.locator("#compare-runtime option").all_inner_texts()
    int8 = next(name for name in names if name.startswith("onnxruntime int8"))
    page.select_option("#compare-runtime", label=int8)
    page.wait_for_selector("#compare-groups >> text=Timed as exports on this runtime")
    assert "exported −0.20 points" in page.inner_text("#compare-groups")
    found = compare(folders(shown, "large-1", "exported-1"), 32, int8)
    by_id = {point["id"]: point for point in found["points"] if point["latency"]}
    points = drawn(page)
    assert set(points) == {*by_id, "front"}
    for name, point in by_id.items():
        assert points[name][0] == pytest.approx(point["latency"]["p50"])
    watched.assert_clean()
