"""Which output column of a ready classifier stands for which label of the data: by name, never by index."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from distill_core.errors import CheckpointError

_PLACEHOLDER = re.compile(r"LABEL_\d+")


def label_columns(
    teacher_labels: Sequence[str], data_labels: Sequence[str], mapping: Mapping[str, str] | None, *, field: str
) -> list[int]:
    """For each label of the data the teacher's column that stands for it.

    Names are equal when they are so without outer spaces and upper case. `mapping` (teacher's name → data's name)
    comes first; teacher labels it does not mention are matched by name. Teacher labels the data do not have are
    left out.

    Raises:
        CheckpointError: with `field`, when there are only ``LABEL_0``-style names and no mapping, a label of the data
            finds no column, the mapping names a label that does not exist, or two columns claim one label.
    """
    if not mapping and all(_PLACEHOLDER.fullmatch(label) for label in teacher_labels):
        raise CheckpointError(
            f"this teacher calls its labels {_listed(teacher_labels)}, which says nothing about their meaning.",
            hint=f"Say for each of them which label of the data it is ({_listed(data_labels)}).",
            field=field,
        )
    targets = _targets(teacher_labels, data_labels, mapping or {}, field)
    columns: dict[int, int] = {}
    for column, target in enumerate(targets):
        if target is None:
            continue
        if target in columns:
            first, second = teacher_labels[columns[target]], teacher_labels[column]
            raise CheckpointError(
                f"the teacher's labels {first!r} and {second!r} both stand for {data_labels[target]!r}.",
                hint="Map one label of the teacher to each label of the data.",
                field=field,
            )
        columns[target] = column
    missing = [label for index, label in enumerate(data_labels) if index not in columns]
    if missing:
        raise CheckpointError(
            f"no label of the teacher stands for {_listed(missing)}; it knows {_listed(teacher_labels)}.",
            hint="Map the teacher's labels to those of the data, or finetune the teacher instead.",
            field=field,
        )
    return [columns[index] for index in range(len(data_labels))]


def _targets(
    teacher_labels: Sequence[str], data_labels: Sequence[str], mapping: Mapping[str, str], field: str
) -> list[int | None]:
    """For each teacher label the index of the data's label, or None."""
    mapped: dict[int, int] = {}
    for teacher_name, data_name in mapping.items():
        column, target = _find(teacher_name, teacher_labels), _find(data_name, data_labels)
        for index, name, owner, names in (
            (column, teacher_name, "the teacher", teacher_labels),
            (target, data_name, "the data", data_labels),
        ):
            if index is None:
                raise CheckpointError(
                    f"the mapping names {name!r}, but {owner} has no such label.",
                    hint=f"The labels are {_listed(names)}.",
                    field=field,
                )
        assert column is not None and target is not None
        if column in mapped:
            raise CheckpointError(f"the mapping names {teacher_labels[column]!r} twice.", field=field)
        mapped[column] = target
    return [mapped.get(i, _find(label, data_labels)) for i, label in enumerate(teacher_labels)]


def _find(name: str, names: Sequence[str]) -> int | None:
    """Index of `name`: exactly, else without outer spaces and upper case when that is unambiguous."""
    if name in names:
        return names.index(name)
    alike = [index for index, other in enumerate(names) if other.strip().casefold() == name.strip().casefold()]
    return alike[0] if len(alike) == 1 else None


def _listed(names: Sequence[str], most: int = 8) -> str:
    shown = ", ".join(repr(name) for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")
