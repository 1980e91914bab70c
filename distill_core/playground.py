"""A finished run's models tried side by side: every teacher, the student, and the control where it was kept.

Handler of "try" in the warm child (`jobs/warm.py`), and `predict --beside` on the command line. Models are loaded once
and kept for the next question about the same run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from distill_core.config import RunConfig, load
from distill_core.errors import JobError, StillroomError
from distill_core.layout import TEMPERATURE, DataHome, RunFolder
from distill_core.measure.machine import choose_device
from distill_core.models.teachers import Teacher, load_teacher_states, load_teachers
from distill_core.predict import STUDENT_FILE, StudentPredictor
from distill_core.storage import read_json

#: of the classes or guesses that are told
TOP = 5


@dataclass
class Seat:
    """One at the table. role: "teacher", "student" or "control". why: in words, where it cannot answer."""

    key: str
    role: str
    name: str
    predictor: StudentPredictor | None = None
    why: str = ""


@dataclass
class Table:
    """The models of one run as they lie on disk now."""

    stamp: tuple[Any, ...]
    seats: list[Seat]
    seconds: float


_held: dict[str, Table] = {}


class TeacherPredictor(StudentPredictor):
    """A teacher that answers as a student does."""

    def __init__(self, teacher: Teacher, labels: Sequence[str], max_tokens: int, task: str, device: str) -> None:
        super().__init__(teacher, labels, max_tokens, device=device)
        self._task = task

    @property
    def task(self) -> str:
        return self._task


def answer(payload: dict[str, Any]) -> dict[str, Any]:
    """payload: {"run": its folder, "home": the data folder, "texts": [N], "pairs": [N] or None, "device"}.

    {"unit", "plain": do tags stand for themselves?, "models": [{key, role, name, seconds: of one call for all texts,
    tokenising included, after one that does not count, "answers": [N] (`told`), or "why"}], "loaded_s", "device",
    "threads"}.

    Raises JobError (the run has no student), DataError (texts that such models cannot take).
    """
    folder, home = RunFolder(Path(payload["run"])), DataHome(Path(payload["home"]))
    texts, pairs = list(payload["texts"]), payload.get("pairs")
    device = choose_device(str(payload.get("device", "auto"))).type
    torch.set_num_threads(1)  # as latency is measured by default; a question is short
    table = laid(folder, home, device)
    student = next(seat.predictor for seat in table.seats if seat.role == "student")
    if student is None:
        raise JobError("The student cannot be loaded.", hint="Run it again.")
    models = []
    for seat in table.seats:
        entry: dict[str, Any] = {"key": seat.key, "role": seat.role, "name": seat.name}
        if seat.predictor is None:
            models.append({**entry, "why": seat.why})
            continue
        work = _asking(seat.predictor, texts, pairs)
        work(slice(0, 1))
        began = time.perf_counter()
        said = work(slice(None))
        models.append({**entry, "seconds": time.perf_counter() - began, "answers": said})
    return {
        "unit": student.unit,
        "plain": student.plain_tags,
        "models": models,
        "loaded_s": table.seconds,
        "device": device,
        "threads": torch.get_num_threads(),
    }


def _asking(
    predictor: StudentPredictor, texts: list[str], pairs: list[str] | None
) -> Callable[[slice], list[dict[str, Any]]]:
    """What asks a model about some of the texts."""

    def ask(part: slice) -> list[dict[str, Any]]:
        if predictor.unit == "word":
            return [told(one) for one in predictor.tag(texts[part])]
        if predictor.unit == "piece":
            return [told(one) for one in predictor.fill(texts[part], top=TOP)]
        return [told(one) for one in predictor.predict(texts[part], None if pairs is None else pairs[part])]

    return ask


def told(one: Any) -> dict[str, Any]:
    """A prediction in JSON, without its text. Of a class: {"label", "confidence", "next": [[label, share], …]}; of
    words: {"words", "tags", "scores", "entities"}; of gaps: {"gaps": [[{"piece", "probability"}]], "filled"}."""
    found: dict[str, Any] = one.as_dict()
    found.pop("text", None)
    found.pop("text_pair", None)
    if "probabilities" not in found:
        return found
    ranked = list(found["probabilities"].items())[:TOP]
    return {"label": found["label"], "confidence": ranked[0][1], "next": [list(pair) for pair in ranked[1:]]}


# ---------------------------------------------------------------- loading


def laid(folder: RunFolder, home: DataHome, device: str) -> Table:
    """The run's models in memory; those of another run make room. Raises JobError, CheckpointError."""
    key, stamp = str(folder.path), _stamp(folder)
    table = _held.get(key)
    if table is None or table.stamp != stamp:
        _held.clear()
        began = time.perf_counter()
        seats = [*_teachers(folder, home, device), *_students(folder, device)]
        table = _held[key] = Table(stamp, seats, time.perf_counter() - began)
    return table


def _stamp(folder: RunFolder) -> tuple[Any, ...]:
    """Changes when a model does."""
    files = [folder.student / name for name in (STUDENT_FILE, TEMPERATURE)]
    files += [folder.control / STUDENT_FILE, folder.artifacts / "models.json"]
    return tuple(file.stat().st_mtime_ns if file.is_file() else None for file in files)


def _students(folder: RunFolder, device: str) -> Iterator[Seat]:
    yield Seat("student", "student", "student", StudentPredictor.load(folder.path, device=device))
    if not (folder.control / STUDENT_FILE).is_file():
        return
    seat = Seat("control", "control", "student without teachers")
    try:
        seat.predictor = StudentPredictor.load(folder.control, device=device)
    except StillroomError as error:
        seat.why = _words(error)
    yield seat


def _teachers(folder: RunFolder, home: DataHome, device: str) -> Iterator[Seat]:
    """Those that answered in the run, each with its finetuned weights where it was finetuned."""
    told = read_json(folder.artifacts / "models.json")
    config = load(folder.config)
    if not isinstance(told, dict) or told.get("schema_version") != 1:
        why = "This run was made before it was kept how its teachers are found again."
        yield from (
            Seat(f"teacher:{number}", "teacher", section.name or section.source, why=why)
            for number, section in enumerate(config.teachers)
        )
        return
    numbers = [number for number, answers in enumerate(told["answers"]) if answers]
    groups = told["groups"] or [[number] for number in numbers]
    seats: dict[int, Seat] = {}
    for group in groups:
        try:
            teachers = _group(config, told, home, group)
            for number, teacher in zip(group, teachers, strict=True):
                predictor = TeacherPredictor(teacher, told["labels"], told["limits"][number], told["task"], device)
                seats[number] = Seat(f"teacher:{number}", "teacher", told["names"][number], predictor)
        except StillroomError as error:
            for number in group:
                seats[number] = Seat(f"teacher:{number}", "teacher", told["names"][number], why=_words(error))
    yield from (seats[number] for number in sorted(seats))


def _group(config: RunConfig, told: Mapping[str, Any], home: DataHome, group: list[int]) -> list[Teacher]:
    """Teachers that were finetuned together (they may share a head), or one alone."""
    store = told["stores"][group[0]]
    if store is not None and not (home.teachers / store / "complete").is_file():
        raise JobError("Its finetuned weights are no longer on this machine.", hint="Running the run again makes them.")
    teachers = load_teachers(
        [config.teachers[number] for number in group],
        told["mode"],
        told["labels"],
        dropout=None,
        seed=told["seed"],
        task=told["task"],
        stand_ins=store is not None,  # its own weights would be replaced anyway
    )
    if store is not None:
        load_teacher_states(teachers, home.teachers / store)
    return teachers


def _words(error: StillroomError) -> str:
    return f"{error.message} {error.hint}".strip()
