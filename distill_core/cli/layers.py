"""`check --layers`: which teacher layer teaches which student layer, and what each part starts as, as a table."""

from __future__ import annotations

from typing import Any

from distill_core.export.markdown import table
from distill_core.services.drawing import drawing

_STARTS = {"copied": "copy of {of} of {teacher}", "svd": "SVD of {teacher}'s {of}", "if_equal": "copy, if equal"}


def print_layers(raw: dict[str, Any]) -> None:
    """What the page draws, the topmost part first; what is missing where there is nothing to tell."""
    for line in layer_lines(drawing(raw)):
        print(line)


def layer_lines(found: dict[str, Any]) -> list[str]:
    """found: see `Services.drawing`."""
    if "missing" in found:
        return [f"layers: not told: {_said(item)}" for item in found["missing"]]
    teachers, student = found["teachers"], found["student"]
    giver = next((teacher["name"] for teacher in teachers if teacher["gives"]), "")
    heads = [student["words"], "starts", *(f"learns from {teacher['name']}" for teacher in teachers)]
    rows = [
        [part["title"], _start(part, giver), *(_lessons(part, teacher) or "–" for teacher in teachers)]
        for part in reversed(student["parts"])
    ]
    return [*table(heads, rows), *(f"not compared: {_said(item)}" for item in found["left_out"])]


def _said(item: dict[str, Any]) -> str:
    return f"{item['field']}: {item['message']} {item['hint']}".strip()


def _start(part: dict[str, Any], teacher: str) -> str:
    given = part["given"]
    if not part["learns"]:
        return "–"
    if not given:
        return "at random"
    of = f"layer {given['layer']}" if given["layer"] else part["role"]
    return _STARTS[given["how"]].format(of=of, teacher=teacher)


def _lessons(part: dict[str, Any], teacher: dict[str, Any]) -> str:
    found = []
    for link in teacher["links"]:
        layers = [str(layer) for own, layer in link["pairs"] if part["layer"] and own == part["layer"]]
        if layers:
            found.append(f"{link['term']}: layer {' '.join(layers)}")
        elif link["at"] != "layer" and link["at"] == part["role"]:
            found.append(str(link["term"]))
    return ", ".join(found)
