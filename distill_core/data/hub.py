"""Data sets on the Hub: the splits a config names, as data frames; nothing a data set brings along is ever run."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distill_core import hub
from distill_core.config import HubData
from distill_core.errors import DataError, NetworkError, StillroomError

if TYPE_CHECKING:
    import pandas as pd

_SPLITS = ("train", "validation", "test", "transfer")
_BLOCK = 1 << 18  # bytes asked for at once


@dataclass
class Head:
    """How many rows of each split are read, and what `load_hub` then told: rows read, and rows there are (None where
    the Hub does not say), both by split."""

    rows: int
    read: dict[str, int] = field(default_factory=dict)
    there: dict[str, int | None] = field(default_factory=dict)


_HEAD: ContextVar[Head | None] = ContextVar("head", default=None)


@contextmanager
def first_rows(rows: int) -> Iterator[Head]:
    """Inside, `load_hub` reads the first rows of each split alone, and only as much of its files as that takes."""
    head = Head(rows)
    token = _HEAD.set(head)
    try:
        yield head
    finally:
        _HEAD.reset(token)


def load_hub(config: HubData) -> dict[str, pd.DataFrame]:
    """The configured splits as data frames, keyed train, validation, test, transfer (only those named); inside
    `first_rows`, of each as many rows as that says.

    Columns of class labels, or of lists of them, hold the classes' names; a row without gold label (−1 or null) holds
    None. Rows keep the order they have on the Hub. Raises DataError (no such name, configuration or split; a loading
    script; gated) and NetworkError (no way to the Hub and not downloaded before).
    """
    hub.check_name(config.name, "dataset", "data.name")
    wanted = {key: getattr(config, f"{key}_split") for key in _SPLITS if getattr(config, f"{key}_split")}
    try:
        offline = hub.decide_offline()
        import datasets

        datasets.disable_progress_bars()
        if offline:
            return _downloaded_before(config, wanted)
        _refuse_scripts(config, [file.name for file in hub.list_files(config.name, config.revision, "dataset")])
        # One commit for all questions below; asking for it also records it for a later run without a network.
        commit = hub.commit_of(config.name, config.revision, "dataset")
        configuration = _configuration(config, datasets.get_dataset_config_names(config.name, revision=commit))
        there = datasets.get_dataset_split_names(config.name, configuration, revision=commit)
        _refuse_missing_splits(config, list(there), wanted)
        head = _HEAD.get()
        if head is not None:
            return _first_rows(config, configuration, commit, wanted, head)
        return {
            key: _frame(datasets.load_dataset(config.name, configuration, split=split, revision=commit))
            for key, split in wanted.items()
        }
    except StillroomError as error:
        error.field = error.field or "data.name"
        raise
    except Exception as error:
        raise _in_words(error, config) from error


def _first_rows(
    config: HubData, configuration: str | None, commit: str, wanted: dict[str, str], head: Head
) -> dict[str, pd.DataFrame]:
    """Nothing is kept on disk, and a file is read only as far as its first rows go."""
    import datasets
    from datasets.packaged_modules.parquet.parquet import ParquetConfig

    # The library would try twenty times, five seconds apart; a look is not worth that wait.
    datasets.config.STREAMING_READ_MAX_RETRIES = 1
    builder = datasets.load_dataset_builder(config.name, configuration, revision=commit)
    frames = {}
    for key, split in wanted.items():
        # A part of a split ("train[:10%]") cannot be streamed; its first rows are not worth a download.
        whole = split.partition("[")[0]
        stream = builder.as_streaming_dataset(split=whole)
        if isinstance(builder.config, ParquetConfig) and builder.config.data_files:
            rows = parquet_rows(builder.config.data_files[whole], head.rows)
        else:
            rows = list(itertools.islice(stream, head.rows))
        names = list(stream.features or (rows[0] if rows else {}))
        columns = {name: [row.get(name) for row in rows] for name in names}
        frames[key] = _frame(datasets.Dataset.from_dict(columns, features=stream.features))
        described = (stream.info.splits or {}).get(split)
        there = described.num_examples if described is not None and described.num_examples else None
        head.read[key] = len(rows)
        head.there[key] = len(rows) if len(rows) < head.rows else there
    return frames


def parquet_rows(files: list[str], most: int) -> list[dict[str, Any]]:
    """The first rows of Parquet files behind addresses, page by page and in this thread alone: the library's own
    stream asks for 32 MB at once, and the threads it leaves behind kept about one process in twenty from ending."""
    import fsspec
    import pyarrow.parquet as pq

    rows: list[dict[str, Any]] = []
    for file in files:
        with fsspec.open(file, "rb", block_size=_BLOCK) as opened:
            parquet = pq.ParquetFile(opened, buffer_size=_BLOCK, pre_buffer=False)
            for batch in parquet.iter_batches(batch_size=most - len(rows), use_threads=False):
                rows += batch.to_pylist()
                if len(rows) >= most:
                    return rows[:most]
    return rows


def _downloaded_before(config: HubData, wanted: dict[str, str]) -> dict[str, pd.DataFrame]:
    """The splits as an earlier run with a network left them.

    `datasets` would take the newest copy there is, whatever revision and configuration were asked for; so the copy is
    looked up here: ``<cache>/<owner>___<name>/<configuration>/<version>/<commit>``.
    """
    import datasets
    from datasets.arrow_reader import ArrowReader

    commit = hub.commit_of(config.name, config.revision, "dataset")
    root = Path(datasets.config.HF_DATASETS_CACHE) / config.name.replace("/", "___")
    copies = {folder.parent.parent.name: folder for folder in sorted(root.glob(f"*/*/{commit}"))}
    if not copies or (config.config and config.config not in copies):
        raise _unreachable(config, f"{config.name} ({config.config})" if config.config else config.name)
    if config.config is None and "default" not in copies:
        raise DataError(
            f"Without a network it cannot be told which configuration of {config.name} is meant.",
            hint=f"Name it; downloaded before: {_listed(sorted(copies))}.",
            field="data.config",
        )
    folder = copies[config.config or "default"]
    info = datasets.DatasetInfo.from_directory(str(folder))
    splits = info.splits or {}
    _refuse_missing_splits(config, list(splits), wanted)
    reader = ArrowReader(str(folder), info)
    head, frames = _HEAD.get(), {}
    for key, split in wanted.items():
        found = datasets.Dataset(**reader.read(info.dataset_name, split, list(splits.values())))
        if head is not None:
            head.there[key] = len(found)
            found = found.select(range(min(head.rows, len(found))))
            head.read[key] = len(found)
        frames[key] = _frame(found)
    return frames


def _refuse_scripts(config: HubData, files: list[str]) -> None:
    script = f"{config.name.rpartition('/')[2]}.py"
    if script in files:
        raise DataError(
            f"{config.name} is loaded by a script of its own ({script}), and such code is never run here.",
            hint="Look for a copy of it in Parquet or CSV, or download the files and choose them as files.",
            field="data.name",
        )


def _configuration(config: HubData, names: list[str]) -> str | None:
    """The name of the configuration to load (None: the only or default one), given those there are."""
    if config.config is None:
        if len(names) > 1 and "default" not in names:
            raise DataError(
                f"{config.name} has several configurations.",
                hint=f"Choose one of {_listed(names)}.",
                field="data.config",
            )
        return None
    if names and config.config not in names:
        raise DataError(
            f"{config.name} has no configuration {config.config!r}.",
            hint=f"There {'is' if len(names) == 1 else 'are'}: {_listed(names)}.",
            field="data.config",
        )
    return config.config


def _refuse_missing_splits(config: HubData, there: list[str], wanted: dict[str, str]) -> None:
    for key, split in wanted.items():
        # "train[:10%]" is the library's own notation for a part of a split.
        if there and split.partition("[")[0] not in there:
            raise DataError(
                f"{config.name} has no split {split!r}.",
                hint=f"There {'is' if len(there) == 1 else 'are'}: {_listed(there)}.",
                field=f"data.{key}_split",
            )


def _frame(dataset: Any) -> pd.DataFrame:
    import pandas as pd
    from datasets import ClassLabel

    frame = dataset.to_pandas()
    for column, feature in dataset.features.items():
        if isinstance(feature, ClassLabel):
            frame[column] = [_class_name(feature.names, value) for value in dataset[column]]
        elif isinstance(inner := getattr(feature, "feature", None), ClassLabel):  # a list of classes, such as tags
            names = inner.names
            lists = [None if row is None else [_class_name(names, value) for value in row] for row in dataset[column]]
            frame[column] = pd.Series(lists, index=frame.index, dtype=object)
    return frame


def _class_name(names: list[str], value: int | None) -> str | None:
    return None if value is None or not 0 <= value < len(names) else names[value]


def _in_words(error: Exception, config: HubData) -> StillroomError:
    """The error for people behind whatever `datasets` raised; its own reason is kept where none is known."""
    from datasets.data_files import EmptyDatasetError
    from datasets.exceptions import DataFilesNotFoundError, DatasetNotFoundError

    cause: BaseException | None = error
    while cause is not None:
        known = hub.explain(cause, config.name, "dataset", config.revision)
        if known is not None:
            known.field = "data.name"
            return known
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, ConnectionError) or not hub.online():
        return _unreachable(config, config.name)
    if isinstance(error, (DataFilesNotFoundError, EmptyDatasetError)):
        return DataError(
            f"{config.name} holds no data files in a known format.",
            hint="It needs CSV, JSON lines, Parquet or text files.",
            field="data.name",
        )
    if isinstance(error, DatasetNotFoundError):
        return DataError(
            f"There is no data set {config.name} on the Hub, or it is private or gated.",
            hint="Check the spelling (owner/name); for a private one, log in with `hf auth login`.",
            field="data.name",
        )
    if "script" in str(error):
        return DataError(
            f"{config.name} is loaded by a script of its own, and such code is never run here.",
            hint="Look for a copy of it in Parquet or CSV, or download the files and choose them as files.",
            field="data.name",
        )
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return DataError(
        f"{config.name} cannot be loaded: {reason}.",
        hint="Download its files and choose them as files.",
        field="data.name",
    )


def _unreachable(config: HubData, what: str) -> NetworkError:
    return NetworkError(
        f"The data set {what} has to come from the Hub ({hub.endpoint()}), which cannot be reached, and it was not "
        f"downloaded before.",
        hint="Choose files on this machine instead, or try again with a network.",
        field="data.name",
    )


def _listed(names: list[str], most: int = 12) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
