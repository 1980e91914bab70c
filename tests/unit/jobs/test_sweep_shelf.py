"""A sweep's name, archive and trash."""

from __future__ import annotations

import os
import time

import pytest

from distill_core.errors import JobError
from distill_core.jobs.meta import Words, read_meta
from distill_core.jobs.process import ProcessInfo
from distill_core.jobs.shelf import KEPT_S
from distill_core.jobs.sweep_shelf import SweepShelf
from distill_core.jobs.sweeps import Sweeps
from distill_core.layout import DataHome, SweepFolder
from distill_core.services import sweeps as views
from distill_core.sweeps.drive import run_sweep
from tests.unit.sweeps.made import Worker, sweep


@pytest.fixture
def sweeps(home: DataHome) -> Sweeps:
    return Sweeps(home)


@pytest.fixture
def shelf(sweeps: Sweeps) -> SweepShelf:
    return SweepShelf(sweeps)


def done(sweeps: Sweeps) -> SweepFolder:
    folder = sweeps.folder(sweeps.add(sweep(name="a sweep")))
    run_sweep(folder, home=sweeps.home, work=Worker())
    folder.process.unlink()  # it names the tests' own process, which lives on
    sweeps.settle(folder, 0, killed=False)
    return folder


def test_a_name_stands_beside_it_and_goes_with_its_trials(sweeps: Sweeps, shelf: SweepShelf) -> None:
    folder = done(sweeps)
    shelf.annotate(folder.run_id, Words(name="  another \n name ", archived=True))
    row = views.row(sweeps, folder)
    assert row["name"] == "another name" and row["archived"] is True
    assert views.promoted(folder, 2).name == "another name, trial 2"
    assert views.spec_of(folder).name == "a sweep" and read_meta(folder)["created"] > 0
    with pytest.raises(JobError, match="1 to 120"):
        shelf.annotate(folder.run_id, Words(name=" "))
    with pytest.raises(JobError, match="no such sweep"):
        shelf.annotate("elsewhere", Words(name="x"))


def test_it_is_deleted_and_taken_back_whole(sweeps: Sweeps, shelf: SweepShelf) -> None:
    folder = done(sweeps)
    before = views.view(sweeps, folder, {})
    shelf.delete(folder.run_id)
    assert sweeps.folders() == [] and [row["name"] for row in shelf.deleted()] == ["a sweep"]
    with pytest.raises(JobError, match="no such sweep"):
        shelf.delete(folder.run_id)
    shelf.restore(folder.run_id)
    shelf.restore(folder.run_id)  # twice is no harm
    assert {**views.view(sweeps, folder, {}), "time": 0} == {**before, "time": 0} and shelf.deleted() == []
    with pytest.raises(JobError, match="no longer in the trash"):
        shelf.restore("never-there")


def test_one_that_works_or_waits_is_not_deleted(sweeps: Sweeps, shelf: SweepShelf) -> None:
    waiting = sweeps.add(sweep(name="waits"))
    with pytest.raises(JobError, match="waits is queued; it is not deleted"):
        shelf.delete(waiting)
    folder = sweeps.folder(waiting)
    ProcessInfo.of(os.getpid(), attempt=1, by="app", lane="cpu").write(folder)
    with pytest.raises(JobError, match="is running"):
        shelf.delete(waiting)
    folder.process.unlink()
    sweeps.stop(waiting)
    taken = sweeps.add(sweep(name="taken"))
    assert sweeps.next(lambda device: True) is not None
    sweeps.stop(taken)
    with pytest.raises(JobError):  # a lane is about to start it
        shelf.delete(taken)
    shelf.delete(waiting)
    assert [one.run_id for one in sweeps.folders()] == [taken]


def test_the_trash_is_emptied_in_time(sweeps: Sweeps, shelf: SweepShelf) -> None:
    folder = done(sweeps)
    shelf.delete(folder.run_id)
    assert shelf.throw_away() == []
    assert shelf.throw_away(now=time.time() + KEPT_S + 1) == [folder.run_id] and shelf.deleted() == []
