"""Viewer mode: what is not listed is refused, before anything is done; nothing that a viewer asks is kept."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from distill_core import recipes
from distill_core.errors import StillroomError
from distill_core.layout import DataHome, RunFolder
from distill_core.services import Services, viewing
from distill_core.services.viewing import Guarded, ViewerError, only_bundled
from distill_core.settings import Settings
from tests.fake_run import config
from tests.finished_run import finished_run

METHODS = sorted(
    name for name, member in inspect.getmembers(Services) if inspect.isfunction(member) and not name.startswith("_")
)
#: what a viewer must never reach, by name: a list to think about when one is added or moved
OWNERS_ALONE = {
    "annotate", "annotate_sweep", "build_export", "cancel_export", "close", "config", "delete", "delete_sweep",
    "export_archive", "hub_configurations", "import_run", "log_text", "promote", "push_export", "restore",
    "restore_sweep", "resume", "resume_sweep", "retry", "search",
    "set_temperature", "start", "start_background", "start_demo", "start_extra", "start_sweep", "stop", "stop_extra",
    "stop_sweep", "store_upload", "store_uploads", "student_archive",
}  # fmt: skip


class Recorded:
    """Answers every method of `Services`, and remembers which were asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.store = object()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in METHODS:
            raise AttributeError(name)

        def answer(*given: Any, **named: Any) -> dict[str, str]:
            self.asked.append(name)
            return {"answered": name}

        return answer


def arguments(name: str) -> list[Any]:
    """Plausible ones, so that a refusal is not for their sake."""
    wanted = list(inspect.signature(getattr(Services, name)).parameters.values())[1:]
    return [{} if one.name == "draft" else "x" for one in wanted if one.default is inspect.Parameter.empty]


@pytest.mark.parametrize("name", METHODS)
def test_every_method_is_listed_or_refused(name: str) -> None:
    services = Recorded()
    assert getattr(Guarded(services, lambda: True), name)(*arguments(name)) == {"answered": name}
    services.asked.clear()
    asked = getattr(Guarded(services, lambda: False), name)
    if name in viewing.ANSWERED_OTHERWISE:
        asked(*arguments(name))
        assert set(services.asked) <= {name}
    elif name in viewing.VIEWERS_MAY:
        assert asked(*arguments(name)) == {"answered": name}
    else:
        with pytest.raises(ViewerError, match="Duplicate it"):
            asked(*arguments(name))
        assert services.asked == []


def test_the_lists_name_what_is_there_and_nothing_of_the_owners() -> None:
    listed = viewing.VIEWERS_MAY | viewing.ANSWERED_OTHERWISE
    assert listed <= set(METHODS) and not viewing.VIEWERS_MAY & viewing.ANSWERED_OTHERWISE
    assert not listed & OWNERS_ALONE and set(METHODS) >= OWNERS_ALONE


def test_what_is_no_method_is_no_pages_business() -> None:
    for owner in (True, False):
        for name in ("store", "nothing"):
            with pytest.raises(AttributeError):
                getattr(Guarded(Recorded(), lambda owner=owner: owner), name)


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    finished_run(tmp_path / "home" / "runs" / "made-1")
    found = Services(Settings(DataHome(tmp_path / "home"), device="cpu"))
    found.supervisor.start()
    found.supervisor.close()
    yield found
    found.close()


def test_a_viewer_looks_and_changes_nothing(services: Services) -> None:
    looks, run = Guarded(services, lambda: False), RunFolder(services.home.runs / "made-1")
    before = {path: path.stat().st_mtime_ns for path in run.path.rglob("*") if path.is_file()}
    assert {row["id"] for row in looks.runs()} == {"made-1"} and looks.deleted() == []
    assert looks.live("made-1")["report"] == services.report("made-1")
    own = services.verdict("made-1")
    moved = looks.verdict("made-1", {"keep": 90.0, "smaller": 2.0})
    assert own["verdict"] != moved["verdict"] == "ship" and moved["kept"] is False
    assert services.verdict("made-1") == own
    assert looks.cost("made-1")["price"] is None
    assert services.extras("made-1")["kept"] is True
    assert looks.extras("made-1") == {**services.extras("made-1"), "kept": False}
    for refused in (
        lambda: looks.cost("made-1", 2.0),
        lambda: looks.stop("made-1"),
        lambda: looks.delete("made-1"),
        lambda: looks.annotate("made-1", name="mine"),
        lambda: looks.start(config()),
        lambda: looks.start_demo(),
        lambda: looks.student_archive("made-1"),
        lambda: looks.set_temperature("made-1", True),
    ):
        with pytest.raises(StillroomError, match="can be looked at"):
            refused()
    assert {path: path.stat().st_mtime_ns for path in run.path.rglob("*") if path.is_file()} == before
    assert len(services.runs()) == 1


def test_drafts_are_looked_at_as_far_as_nothing_is_fetched(services: Services) -> None:
    looks = Guarded(services, lambda: False)
    demo = recipes.load("demo").config.model_dump(mode="json", exclude_none=True)
    assert looks.check(demo).ok and looks.sizes(demo) == services.sizes(demo)
    assert looks.look(demo)["rows"] and looks.drawing(demo) == services.drawing(demo)
    for foreign in (
        {**demo, "data": {"source": "hub", "name": "someone/something"}},
        {**demo, "teachers": [{"source": "someone/something"}]},
        {**demo, "data": {"source": "files", "train": "/etc/passwd"}},
    ):
        assert not only_bundled(foreign)
        assert looks.check(foreign).errors == [viewing.ONLY_BUNDLED] and not looks.check(foreign).ok
        assert "bundled" in looks.look(foreign)["error"] and "bundled" in looks.sizes(foreign)["error"]
        assert looks.drawing(foreign)["missing"] and looks.recipe_fits(foreign) == [] == looks.teacher_cards(foreign)
    assert looks.estimate(demo)["state"] == "failed" == looks.latency_preview(demo)["state"]
    assert looks.warm_up() is None and services.warm._thread is None


@pytest.mark.parametrize(
    "draft", [None, [], {}, {"data": 7, "teachers": "x"}, {"teachers": [None, {}, {"source": ""}]}]
)
def test_drafts_come_from_outside(draft: Any) -> None:
    assert only_bundled(draft) is True
