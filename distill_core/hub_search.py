"""Looking for checkpoints and data sets on the Hub, and what a data set there says of its configurations and splits.

Small answers only: no file of a repository is downloaded. Without a network every question is refused at once.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any

from distill_core import hub

MOST = 20
#: characters of a question that are sent
LONGEST = 100
_SPLIT = re.compile(r"(?:^|[/_.-])(train|training|validation|valid|dev|val|test|eval|unsupervised)(?=[/_.-]|$)", re.I)
_SPLIT_NAMES = {"training": "train", "valid": "validation", "dev": "validation", "val": "validation", "eval": "test"}
_DATA_FILES = (".csv", ".tsv", ".json", ".jsonl", ".parquet", ".txt")


@dataclass(frozen=True)
class Found:
    """One answer. licence: as the card names it, None when it says nothing. parameters: of a checkpoint with
    safetensors, None where the Hub does not tell. task: the Hub's word for what it is for. gated: access on request."""

    name: str
    downloads: int
    likes: int
    licence: str | None
    task: str | None
    parameters: int | None
    gated: bool


@dataclass(frozen=True)
class Configuration:
    """One configuration of a data set. splits: {name: rows, or None where they are not told}. columns: {name: type}."""

    name: str
    splits: dict[str, int | None]
    columns: dict[str, str]


def search(kind: hub.Kind, text: str, limit: int = MOST) -> list[dict[str, Any]]:
    """Repositories whose name holds `text`, the most downloaded first; checkpoints only with safetensors weights.

    Dicts of `Found`. Raises NetworkError (at once without a network; after `hub.ANSWER_SECONDS` without an answer).
    """
    wanted = " ".join(text.split())[:LONGEST]
    said = f"The list of {'checkpoints' if kind == 'model' else 'data sets'}"
    hub.require_online(said)
    expand = ["downloads", "likes", "tags", "gated", *(["pipeline_tag", "safetensors"] if kind == "model" else [])]
    asked: dict[str, Any] = {"search": wanted, "sort": "downloads", "limit": limit, "expand": expand}
    if kind == "model":
        asked["filter"] = "safetensors"
    with hub.in_words(said, kind):
        rows = hub.listed(f"api/{kind}s", asked)
    return [asdict(_found(row)) for row in rows if row.get("id")][:limit]


def _found(row: dict[str, Any]) -> Found:
    tags = [str(tag) for tag in row.get("tags") or []]
    weights = row.get("safetensors")
    total = weights.get("total") if isinstance(weights, dict) else None
    return Found(
        name=str(row["id"]),
        downloads=int(row.get("downloads") or 0),
        likes=int(row.get("likes") or 0),
        licence=_tagged(tags, "license:"),
        task=row.get("pipeline_tag") or _tagged(tags, "task_categories:"),
        parameters=int(total) if isinstance(total, int | float) else None,
        gated=bool(row.get("gated")),
    )


def _tagged(tags: list[str], start: str) -> str | None:
    return next((tag.removeprefix(start) for tag in tags if tag.startswith(start)), None)


def licence(name: str, kind: hub.Kind = "model", revision: str | None = None) -> str | None:
    """The licence a repository's card names; None when it names none. Raises as `search`."""
    hub.require_online(name)
    with hub.in_words(name, kind, revision):
        info = hub.client().repo_info(name, repo_type=kind, revision=revision, timeout=hub.ANSWER_SECONDS)
    return _tagged([str(tag) for tag in getattr(info, "tags", None) or []], "license:")


def configurations(name: str, revision: str | None = None) -> list[dict[str, Any]]:
    """What a data set's card, and else its files' names, say of its configurations: dicts of `Configuration`, the
    default one first; [] when neither says anything.

    A proposal for the form: loading asks `datasets` itself. Raises DataError (no such set, gated), NetworkError.
    """
    hub.check_name(name, "dataset", "data.name")
    hub.require_online(f"The data set {name}")
    with hub.in_words(name, "dataset", revision):
        info = hub.client().dataset_info(name, revision=revision, timeout=hub.ANSWER_SECONDS)
    card = info.card_data.to_dict() if info.card_data else {}
    files = [file.rfilename for file in info.siblings or []]
    described = {found.name: found for found in _from_info(card.get("dataset_info"))}
    listed = _from_configs(card.get("configs"), files)
    found = [described.get(row.name, row) for row in listed] or list(described.values()) or _from_files(files)
    found.sort(key=lambda row: row.name != "default")
    return [asdict(row) for row in found]


def _rows(value: Any) -> list[dict[str, Any]]:
    """A card's entry as a list of mappings, whatever its author made of it."""
    listed = value if isinstance(value, list) else [value]
    return [row for row in listed if isinstance(row, dict)]


def _from_info(value: Any) -> list[Configuration]:
    found = []
    for row in _rows(value):
        splits = {
            str(split["name"]): split.get("num_examples") if isinstance(split.get("num_examples"), int) else None
            for split in _rows(row.get("splits"))
            if "name" in split
        }
        columns = {str(column["name"]): _type_of(column) for column in _rows(row.get("features")) if column.get("name")}
        found.append(Configuration(str(row.get("config_name") or "default"), splits, columns))
    return found


def _type_of(column: dict[str, Any]) -> str:
    kind = column.get("dtype")
    if isinstance(kind, dict):
        return str(next(iter(kind), ""))
    return str(kind or ("list" if "sequence" in column or "list" in column else ""))


def _from_configs(value: Any, files: list[str]) -> list[Configuration]:
    found = []
    for row in _rows(value):
        patterns = row.get("data_files")
        named = {str(entry["split"]): None for entry in _rows(patterns) if entry.get("split")}
        splits: dict[str, int | None] = dict(named) or _splits_of(files if patterns is None else [str(patterns)])
        found.append(Configuration(str(row.get("config_name") or "default"), splits, {}))
    return found


def _from_files(files: list[str]) -> list[Configuration]:
    splits = _splits_of(files)
    return [Configuration("default", splits, {})] if splits else []


def _splits_of(files: list[str]) -> dict[str, int | None]:
    """Splits that the names of the data files tell, in the usual order; one set without names is all training rows."""
    data = [name for name in files if name.lower().endswith(_DATA_FILES)]
    named = [_SPLIT_NAMES.get(hit.group(1).lower(), hit.group(1).lower()) for hit in map(_SPLIT.search, data) if hit]
    if data and not named:
        return {"train": None}
    order = ["train", "validation", "test", "unsupervised"]
    return {split: None for split in order if split in named}
