"""`predict --beside`: texts answered by every teacher, the student and the control, side by side."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from distill_core.errors import JobError
from distill_core.export.markdown import table
from distill_core.layout import DataHome, RunFolder
from distill_core.services.playground import Texts, as_csv, said


def beside(path: Path, given: Texts, *, as_json: bool, csv: bool) -> int:
    """Print a table (a column a model), JSON, or CSV; below the table each model's time."""
    folder = RunFolder(path)
    if not folder.config.is_file():
        raise JobError(f"{path} holds no run.", hint="Give the folder of a run, whose teachers are known.")
    from distill_core.hub import decide_offline

    decide_offline()
    from distill_core.playground import answer

    home = DataHome.from_environment()
    found = answer(
        {"run": str(folder.path), "home": str(home.root), "texts": given.texts, "pairs": given.pairs, "device": "auto"}
    )
    found = {**found, "texts": given.texts, "pairs": given.pairs, "left_out": given.left_out}
    if csv:
        print(as_csv(found), end="")
    elif as_json:
        print(json.dumps(found, ensure_ascii=False, indent=1))
    else:
        print("\n".join(_lines(found)))
    return 0


def _lines(found: Mapping[str, Any]) -> list[str]:
    models = [model for model in found["models"] if "answers" in model]
    rows = []
    for number, text in enumerate(found["texts"]):
        shown = text if len(text) <= 60 else text[:59] + "…"
        cells = (said(model["answers"][number], plain=found["plain"]) for model in models)
        rows.append([shown, *(f"{what} {_percents(sure)}".strip() for what, sure in cells)])
    lines = [*table(["text", *(model["name"] for model in models)], rows), ""]
    for model in found["models"]:
        if "answers" in model:
            lines.append(f"{model['name']}: {1000 * model['seconds']:.1f} ms for {len(rows)} on {found['device']}")
        else:
            lines.append(f"{model['name']} cannot be asked: {model['why']}")
    if found["left_out"]:
        lines.append(f"{found['left_out']} more texts were left out.")
    return lines


def _percents(shares: str) -> str:
    return " ".join(f"{100 * float(share):.1f}%" for share in shares.split())
