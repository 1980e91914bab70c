"""Texts tried on a finished run's models by the helper child that keeps them in memory; lists of texts in and out."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distill_core.analysis.csv_cells import safe
from distill_core.config import load
from distill_core.errors import DataError, JobError, StillroomError
from distill_core.layout import DataHome, RunFolder
from distill_core.planner.store import digest
from distill_core.services.drafts import refuse_foreign_paths
from distill_core.services.warm import Answer, Request, WarmChild

#: texts of one question, characters of each, characters of a list that is read
MOST_TEXTS, LONGEST, LARGEST = 200, 5_000, 1_000_000
TIMEOUT_S = 300.0
#: columns that hold the texts, in this order; and their second texts
TEXT, PAIR = ("text", "sentence", "sentence1", "premise"), ("text_pair", "sentence2", "hypothesis")


@dataclass(frozen=True)
class Texts:
    """texts: [N]; pairs: [N] second texts, or None. left_out: of the list, beyond `MOST_TEXTS`."""

    texts: list[str]
    pairs: list[str] | None = None
    left_out: int = 0


def read_list(name: str, raw: str) -> Texts:
    """A pasted list ("" as its name: a text a line) or a file's content: CSV and TSV (a column `text`, else the first;
    `text_pair` where there is one), JSONL (objects with `text`, or strings), else a text a line, or two with a tab.

    Raises:
        DataError: too large, empty, or no such list.
    """
    if len(raw) > LARGEST:
        raise DataError(f"A list has at most {LARGEST:,} characters.", hint="Give fewer texts.")
    ending = Path(name).suffix.lower()
    content = raw.lstrip("﻿").replace("\r\n", "\n").replace("\r", "\n")
    if ending in (".csv", ".tsv"):
        rows = _columns(content, "\t" if ending == ".tsv" else ",")
    elif ending in (".jsonl", ".ndjson"):
        rows = [_object(line, number) for number, line in enumerate(content.split("\n"), 1) if line.strip()]
    else:
        rows = [
            (first.strip(), second.strip())
            for first, _, second in (line.partition("\t") for line in content.split("\n"))
        ]
    return checked([text for text, _ in rows], [pair for _, pair in rows])


def checked(texts: Sequence[str], pairs: Sequence[str] | None = None) -> Texts:
    """Texts as they are asked about: none empty, none too long, not too many. Raises DataError."""
    seconds = list(pairs) if pairs is not None else [""] * len(texts)
    rows = [(text, pair) for text, pair in zip(texts, seconds, strict=True) if text.strip()]
    if not rows:
        raise DataError("There is no text to try.", hint="Type one, or give a list with one a line.")
    long = next((n for n, row in enumerate(rows, 1) if max(map(len, row)) > LONGEST), None)
    if long is not None:
        raise DataError(f"Text {long} has more than {LONGEST:,} characters.", hint="Shorten it.")
    paired = any(pair.strip() for _, pair in rows)
    if paired and not all(pair.strip() for _, pair in rows):
        raise DataError("Some texts have a second text and some have none.", hint="Give one for each, or none at all.")
    kept = rows[:MOST_TEXTS]
    return Texts([t for t, _ in kept], [p for _, p in kept] if paired else None, len(rows) - len(kept))


def _columns(content: str, delimiter: str) -> list[tuple[str, str]]:
    try:
        rows = [row for row in csv.reader(io.StringIO(content), delimiter=delimiter, strict=True) if row]
    except csv.Error as error:
        raise DataError(f"The file is no table: {error}.", hint="Give a text a line instead.") from None
    if not rows:
        return []
    head = [name.strip().lower() for name in rows[0]]
    text = next((head.index(name) for name in TEXT if name in head), None)
    pair = next((head.index(name) for name in PAIR if name in head), None)
    if text is None:
        return [(row[0], "") for row in rows]
    return [(_cell(row, text), "" if pair is None else _cell(row, pair)) for row in rows[1:]]


def _cell(row: Sequence[str], place: int) -> str:
    return row[place] if place < len(row) else ""


def _object(line: str, number: int) -> tuple[str, str]:
    try:
        value = json.loads(line)
    except ValueError:
        raise DataError(f"Line {number} is no JSON.", hint="Give one object a line, with the key text.") from None
    if isinstance(value, str):
        return value, ""
    text = _field(value, TEXT)
    if not text:
        raise DataError(f"Line {number} has no text.", hint="Give one object a line, with the key text.")
    return text, _field(value, PAIR)


def _field(value: Any, names: Sequence[str]) -> str:
    found = [value[name] for name in names if isinstance(value.get(name), str)] if isinstance(value, dict) else []
    return str(found[0]) if found else ""


class Playground:
    """Questions about finished runs to a helper child of their own, which keeps the models until it is idle.

    Args:
        child: asked. home: data folder. uploads_only: as in `services.check`.
    """

    def __init__(
        self, child: WarmChild, home: DataHome, uploads_only: Path | None = None, device: str = "auto"
    ) -> None:
        self.child, self.home, self.uploads_only, self.device = child, home, uploads_only, device

    def ask(self, folder: RunFolder, given: Texts, *, wait_s: float | None = None) -> dict[str, Any]:
        """{"state": "starting" | "measuring"}, or {"state": "ready", **`playground.answer`, "texts", "pairs",
        "left_out"}, or {"state": "failed", error, hint}; returns at once. wait_s: waits so long (not for pages)."""
        try:
            if not folder.student.is_dir():
                if folder.report.is_file():
                    raise JobError("This run's student is not kept here.", hint="Run it again to have one.")
                raise JobError("This run has no finished student yet.", hint="Wait until it is done.")
            refuse_foreign_paths(load(folder.config), self.uploads_only)
        except StillroomError as error:
            return {"state": "failed", "error": error.message, "hint": error.hint}
        payload = {
            "run": str(folder.path),
            "home": str(self.home.root),
            "texts": given.texts,
            "pairs": given.pairs,
            "device": self.device,
        }
        stamps = [file.stat().st_mtime_ns for file in sorted(folder.artifacts.rglob("*.json")) if file.is_file()]
        key, request = digest(["try", payload, stamps]), Request("try", payload, TIMEOUT_S)
        answer = self.child.ask(key, request) if wait_s is None else self.child.wait(key, request, wait_s)
        return {**_told(answer), "texts": given.texts, "pairs": given.pairs, "left_out": given.left_out}


def _told(answer: Answer) -> dict[str, Any]:
    if answer.state == "failed":
        error = answer.error or {}
        return {"state": "failed", "error": error.get("message") or "No answer.", "hint": error.get("hint") or ""}
    return {"state": answer.state, **(answer.result or {})}


# ---------------------------------------------------------------- the answers as a table


def as_csv(found: Mapping[str, Any]) -> str:
    """One line a text: text, second text, then what every model says and how sure it is (of words: entities, or words
    with their tags; of gaps: the text with the first guesses)."""
    models = [model for model in found["models"] if "answers" in model]
    paired = found.get("pairs") is not None
    head = ["text", *(["text_pair"] if paired else [])]
    for model in models:
        head += [model["name"], f"{model['name']} confidence"]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head)
    for number, text in enumerate(found["texts"]):
        cells = [text, *([found["pairs"][number]] if paired else [])]
        for model in models:
            cells += said(model["answers"][number], plain=bool(found.get("plain")))
        writer.writerow([safe(cell) for cell in cells])
    return out.getvalue()


def said(answer: Mapping[str, Any], *, plain: bool) -> list[str]:
    """[what it says, how sure it is] of one model's answer to one text, as text."""
    if "label" in answer:
        return [answer["label"], f"{answer['confidence']:.6f}"]
    if "gaps" in answer:
        return [answer["filled"], " ".join(f"{gap[0]['probability']:.6f}" if gap else "" for gap in answer["gaps"])]
    if plain:
        words = [f"{word}/{tag or '?'}" for word, tag in zip(answer["words"], answer["tags"], strict=True)]
        return [" ".join(words), f"{min(answer['scores'], default=0.0):.6f}"]
    entities = [f"{entity['type']}: {entity['text']}" for entity in answer["entities"]]
    return ["; ".join(entities), " ".join(f"{entity['score']:.6f}" for entity in answer["entities"])]
