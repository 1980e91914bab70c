"""Parquet files as data frames, with the names of their classes where the file tells them. No torch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from distill_core.errors import DataError
from distill_core.layout import known_name

#: under which key of a schema's metadata `datasets` writes what its columns are
_DESCRIBED = b"huggingface"


def read_parquet(file: Path, field: str) -> pd.DataFrame:
    """A Parquet file's rows. Numbers that stand for classes (a `ClassLabel` of `datasets`, or a list of them, as in
    data sets downloaded from the Hub) are their names; a number without one, such as −1, is None.

    Args:
        field: the config field that names the file, for messages.

    Raises DataError where it cannot be read.
    """
    try:
        table = pq.read_table(file)  # by its name: read as pandas opens it, the process may not end
        frame = table.to_pandas()
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise DataError(
            f"{known_name(file)} cannot be read as Parquet: {reason}.", hint="Choose another file.", field=field
        ) from None
    for column, names in class_names(table.schema).items():
        frame[column] = pd.Series([_named(value, names) for value in frame[column]], index=frame.index, dtype=object)
    return frame


def class_names(schema: pa.Schema) -> dict[str, list[str]]:
    """{column: names of its classes}, as `datasets` wrote them into the file; {} where nobody did."""
    try:
        features = json.loads((schema.metadata or {})[_DESCRIBED])["info"]["features"]
        named = {column: _names_of(feature) for column, feature in features.items() if column in schema.names}
    except (KeyError, TypeError, ValueError, AttributeError):
        return {}  # not there, or not as it is written today: the numbers stay
    return {column: names for column, names in named.items() if names}


def _names_of(feature: Any) -> list[str]:
    """Of a class, or of a list of classes (which is written as {"feature": …}, or as a list of one)."""
    if isinstance(feature, list) and len(feature) == 1:
        feature = feature[0]
    if isinstance(feature, dict) and isinstance(feature.get("feature"), dict):
        feature = feature["feature"]
    names = feature.get("names") if isinstance(feature, dict) and feature.get("_type") == "ClassLabel" else None
    return names if isinstance(names, list) and all(isinstance(name, str) for name in names) else []


def _named(value: Any, names: Sequence[str]) -> Any:
    if value is None or isinstance(value, str):
        return value
    if hasattr(value, "__len__"):
        return [_named(one, names) for one in value]
    try:
        number = int(value)
    except (TypeError, ValueError):  # not a number
        return None
    return names[number] if 0 <= number < len(names) else None
