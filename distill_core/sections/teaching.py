"""Who teaches what: told from the config alone, before anything is loaded.

Teachers are numbered from 0 here, in the order of the config; a stage names them by name or by number from 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from distill_core.catalogue import TERMS
from distill_core.sections.teachers import TeacherSection


def heard(term: str, teachers: Sequence[TeacherSection], among: Iterable[int] | None = None) -> tuple[int, ...]:
    """Numbers of the teachers this term learns from: those that have what it needs.

    among: only of these; None: of all.
    """
    needs = TERMS[term].needs
    numbers = range(len(teachers)) if among is None else among
    if "states" in needs:
        return tuple(numbers)
    return tuple(n for n in numbers if not teachers[n].pretrained_only) if "answers" in needs else ()


def teachers_of(
    terms: Iterable[str], teachers: Sequence[TeacherSection], chosen: Sequence[int | str] = ()
) -> tuple[int, ...]:
    """Numbers, ascending, of the teachers that are asked while these terms are learnt.

    chosen: as a stage names them; none: all that one of the terms can learn from.
    """
    among = numbers_of(chosen, teachers) if chosen else None
    return tuple(sorted({number for term in terms for number in heard(term, teachers, among)}))


def numbers_of(chosen: Sequence[int | str], teachers: Sequence[TeacherSection]) -> tuple[int, ...]:
    """Numbers of the teachers a stage names. Raises ValueError, in words, for one that there is not, or twice."""
    names = [teacher.name for teacher in teachers]
    found: list[int] = []
    for one in chosen:
        if isinstance(one, int):
            if not 1 <= one <= len(teachers):
                raise ValueError(f"there is no teacher number {one}; {len(teachers)} listed.")
            number = one - 1
        elif names.count(one) != 1:
            which = "there is no teacher" if one not in names else "there is more than one teacher"
            raise ValueError(f"{which} with the name {one!r}; give one this name, or use its number.")
        else:
            number = names.index(one)
        if number in found:
            raise ValueError(f"teacher {one!r} is named twice.")
        found.append(number)
    return tuple(found)


def lessons_of(config: Any) -> list[tuple[tuple[str, ...], tuple[int, ...]]]:
    """(terms, numbers of the teachers asked) of each stage of a `RunConfig`, or of its whole training."""
    if not config.training.stages:
        terms = tuple(config.objective.weights())
        return [(terms, teachers_of(terms, config.teachers))]
    return [
        (tuple(stage.weights()), teachers_of(stage.weights(), config.teachers, stage.teachers))
        for stage in config.training.stages
    ]


def listeners(config: Any) -> dict[str, tuple[int, ...]]:
    """Term → numbers, ascending, of the teachers it learns from in some stage; terms as in the catalogue."""
    found: dict[str, set[int]] = {}
    for terms, asked in lessons_of(config):
        for term in terms:
            found.setdefault(term, set()).update(heard(term, config.teachers, asked))
    return {term: tuple(sorted(found[term])) for term in TERMS if term in found}


def needed(config: Any, number: int) -> str | None:
    """Why teacher `number` of a `RunConfig` cannot be left out, in words; None where the others teach on without it."""
    asked = False
    for position, (terms, them) in enumerate(lessons_of(config)):
        asked |= number in them
        rest = [other for other in them if other != number]
        for term in terms:
            if number in heard(term, config.teachers, them) and not heard(term, config.teachers, rest):
                stages = config.training.stages
                where = f"in stage “{stages[position].name}” " if stages else ""
                return f"{where}nobody else teaches {_lower(TERMS[term].title)}."
    return None if asked else "nothing is learnt from it."


def refuse_unteachable(config: Any) -> None:
    """config: a whole `RunConfig`. Raises ValueError that begins with the field at fault."""
    teachers = config.teachers
    if all(teacher.pretrained_only for teacher in teachers):
        raise ValueError(
            "teachers.0.pretrained_only: no teacher learns the task, so there is nothing to compare the student with; "
            "let at least one learn it."
        )
    for number, teacher in enumerate(teachers):
        if teacher.pretrained_only and teacher.label_mapping:
            raise ValueError(
                f"teachers.{number}.label_mapping: a teacher that stays as pre-trained says no labels. Remove it."
            )
    for number, stage in enumerate(config.training.stages):
        if stage.teachers:
            _refuse_stage(f"training.stages.{number}.teachers", stage, teachers)


def _refuse_stage(field: str, stage: Any, teachers: Sequence[TeacherSection]) -> None:
    """Every teacher a stage names has something to teach there, and every term somebody to learn from."""
    try:
        among = numbers_of(stage.teachers, teachers)
    except ValueError as error:
        raise ValueError(f"{field}: {error}") from None
    terms = [term for term in stage.weights() if TERMS[term].needs & {"answers", "states"}]
    if not terms:
        raise ValueError(f"{field}: in stage “{stage.name}” no term learns from teachers; leave it empty.")
    for term in terms:
        if not heard(term, teachers, among):
            raise ValueError(
                f"{field}: stage “{stage.name}” asks for {_lower(TERMS[term].title)}, and its teachers stay as "
                "pre-trained: they have no prediction layer for the task. Name a teacher that learns the task, or "
                "compare states."
            )
    useful = teachers_of(terms, teachers, stage.teachers)
    for number in among:
        if number not in useful:
            raise ValueError(
                f"{field}: teacher {number + 1} stays as pre-trained and gives no soft labels, and stage "
                f"“{stage.name}” compares no states; leave it out."
            )


def _lower(title: str) -> str:
    return title[:1].lower() + title[1:]
