"""Hidden pieces of texts, in masked LM: groups of them, who said what in their place, the most frequent mistakes.
No torch."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from distill_core.analysis.csv_cells import safe
from distill_core.analysis.kept import Split
from distill_core.tasks.hidden_pieces import ANOTHER, FIRST, LATER, MASK, NUMBER, SAME, SIGN, WHOLE

#: mistakes that are listed
MOST_MISTAKES = 30
#: one piece's kind and how it was hidden, in words
KIND_WORDS = {WHOLE: "whole word", FIRST: "begins a word", LATER: "goes on with a word", NUMBER: "number", SIGN: "sign"}
HIDDEN_WORDS = {MASK: "mask", ANOTHER: "another piece", SAME: "left as it was"}
NEVER = "pieces never seen in training"
_KINDS = {
    "whole words": (WHOLE,),
    "words in several pieces": (FIRST, LATER),
    "pieces that begin a word": (WHOLE, FIRST),
    "pieces that go on with a word": (LATER,),
    "numbers": (NUMBER,),
    "punctuation and other signs": (SIGN,),
}
_HIDDEN = {
    "pieces hidden by the mask": MASK,
    "pieces hidden by another piece": ANOTHER,
    "pieces asked for, but left as they were": SAME,
}


def groups(split: Split) -> dict[str, dict[str, np.ndarray]]:
    """{kind of group: {name: [U] bool}} of the hidden pieces: "piece" (what part of which word they are), "frequency"
    (how often the training text has them, by powers of ten) and "hidden" (how they were hidden). None is empty, none
    holds all, and no two of a kind hold the same."""
    kinds, hidden = split.of_pieces("kinds"), split.of_pieces("hidden")
    seen = split.of_pieces("seen")[split.gold.astype(np.int64)]
    frequency = {NEVER: seen == 0}
    low = 1
    while low <= int(seen.max(initial=0)):
        frequency[f"pieces seen {low:,}–{10 * low - 1:,} times in training"] = (seen >= low) & (seen < 10 * low)
        low *= 10
    return {
        "piece": _told_apart({name: np.isin(kinds, numbers) for name, numbers in _KINDS.items()}),
        "frequency": _told_apart(frequency),
        "hidden": _told_apart({name: hidden == number for name, number in _HIDDEN.items()}),
    }


def _told_apart(found: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    kept: dict[str, np.ndarray] = {}
    for name, units in found.items():
        if units.any() and not units.all() and not any(np.array_equal(units, other) for other in kept.values()):
            kept[name] = units
    return kept


def in_group(split: Split, name: str) -> np.ndarray | None:
    """[U] bool of a group by its name, or of the pieces of this name that were hidden; None where there is neither."""
    for found in groups(split).values():
        if name in found:
            return found[name]
    if name in split.about.labels:
        return np.asarray(split.gold == split.about.labels.index(name))
    return None


def by_group(split: Split) -> list[dict[str, Any]]:
    """[{kind, name, pieces, texts, student, teacher, control (shares guessed, fractions; control None without one),
    student_loss, teacher_loss (mean −log p of gold, nats; None where it was not kept)}] of all groups."""
    about = split.about
    keys = {"student": about.student, "teacher": about.reference, "control": about.control}
    right = {side: split.right(key) if key else None for side, key in keys.items()}
    loss = {side: split.nll(keys[side]) for side in ("student", "teacher")}
    found = []
    for kind, named in groups(split).items():
        for name, units in named.items():
            row: dict[str, Any] = {"kind": kind, "name": name, "pieces": int(units.sum())}
            row["texts"] = len(np.unique(split.owner[units]))
            for side, hit in right.items():
                row[side] = None if hit is None else float(hit[units].mean())
            for side, values in loss.items():
                row[f"{side}_loss"] = None if values is None else float(values[units].mean())
            found.append(row)
    return found


def mistakes(split: Split, key: str, most: int = MOST_MISTAKES) -> dict[str, Any]:
    """The most frequent wrong answers of a model: {"pairs": [{gold, said, count, of: how often this gold was hidden}],
    the most frequent first, "wrong", "units", "kinds": different pairs of gold and said}."""
    gold, said = split.gold.astype(np.int64), split.predicted(key)
    wrong, size = gold != said, len(split.about.labels)
    codes, counts = np.unique(gold[wrong] * size + said[wrong], return_counts=True)
    hidden = np.bincount(gold, minlength=size)
    names = split.about.labels
    pairs = []
    for place in np.argsort(-counts, kind="stable")[:most].tolist():
        one, other = divmod(int(codes[place]), size)
        pairs.append({"gold": names[one], "said": names[other], "count": int(counts[place]), "of": int(hidden[one])})
    return {"pairs": pairs, "wrong": int(wrong.sum()), "units": len(gold), "kinds": len(codes)}


# ---------------------------------------------------------------- single texts


def describe(split: Split, rows: np.ndarray, texts: Mapping[int, str], chosen: np.ndarray) -> list[dict[str, Any]]:
    """[{row (1-based), id, text | None, parts, places}] of these texts, with everything that was said in them.

    parts: the text as [[stretch of it, number of the piece hidden there, from 1, or 0]]; [] without the text. places:
    [{place (its number), gold, kind, hidden (`KIND_WORDS`, `HIDDEN_WORDS`), seen: times in training, chosen: is it one
    of those that were looked for?, said: [{key, label, confidence | None, right, of_gold: probability of the gold piece
    | None}]}]. chosen: [U] bool.
    """
    about = split.about
    keys = [about.student, *(model.key for model in about.teachers), *([about.control] if about.control else [])]
    names, gold = about.labels, split.gold.astype(np.int64)
    predicted = {key: split.predicted(key) for key in keys}
    sure = {key: split.confidence(key) for key in keys}
    loss = {key: split.nll(key) for key in keys}
    kinds, hidden, seen = (split.of_pieces(name) for name in ("kinds", "hidden", "seen"))
    edges = np.concatenate([[0], np.cumsum(split.counts)])

    def told(key: str, unit: int) -> dict[str, Any]:
        found, own, nll = int(predicted[key][unit]), sure[key], loss[key]
        return {
            "key": key,
            "label": names[found],
            "confidence": None if own is None else float(own[unit]),
            "right": bool(found == gold[unit]),
            "of_gold": None if nll is None else float(np.exp(-nll[unit])),
        }

    described = []
    for row in rows.tolist():
        units = range(int(edges[row]), int(edges[row + 1]))
        places = [
            {
                "place": number,
                "gold": names[gold[unit]],
                "kind": KIND_WORDS[int(kinds[unit])],
                "hidden": HIDDEN_WORDS[int(hidden[unit])],
                "seen": int(seen[gold[unit]]),
                "chosen": bool(chosen[unit]),
                "said": [told(key, unit) for key in keys],
            }
            for number, unit in enumerate(units, 1)
        ]
        ident = int(split.ids[row])
        text = texts.get(ident)
        parts = [] if text is None else _parts(split, text, units)
        described.append({"row": row + 1, "id": f"{ident:016x}", "text": text, "parts": parts, "places": places})
    return described


def _parts(split: Split, text: str, units: range) -> list[list[Any]]:
    starts, widths = split.of_pieces("starts"), split.of_pieces("widths")
    found: list[list[Any]] = []
    done = 0
    for number, unit in enumerate(units, 1):
        start = max(done, int(starts[unit]))  # pieces of one character (of its bytes) stand in the same place
        end = max(start, int(starts[unit]) + int(widths[unit]))
        if start > done:
            found.append([text[done:start], 0])
        found.append([text[start:end], number])
        done = end
    return [*found, [text[done:], 0]] if done < len(text) else found


def as_csv(described: Sequence[Mapping[str, Any]], titles: Mapping[str, str]) -> str:
    """One line for each chosen piece: row, id, text, place, gold, kind, hidden, seen, then what everybody said."""
    head = ["row", "id", "text", "place", "gold", "kind", "hidden", "seen in training"]
    for name in titles.values():
        head += [name, f"{name} confidence", f"{name} right", f"{name} probability of gold"]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head)
    for row in described:
        for place in row["places"]:
            if not place["chosen"]:
                continue
            cells = [row["row"], row["id"], row["text"] or "", place["place"]]
            cells += [place[name] for name in ("gold", "kind", "hidden", "seen")]
            for said in place["said"]:
                cells += [said["label"], _number(said["confidence"]), int(said["right"]), _number(said["of_gold"])]
            writer.writerow([safe(cell) for cell in cells])
    return out.getvalue()


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6f}"
