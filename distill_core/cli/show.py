"""`check`, `predict`, `report`, `machine` and `recipes`: commands that only look."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distill_core import recipes as shipped
from distill_core.cli.drafts import draft_of
from distill_core.cli.extra import lines
from distill_core.cli.layers import print_layers
from distill_core.cli.plan import print_estimate
from distill_core.data.remedies import as_yaml
from distill_core.errors import ConfigError, DataError, FieldError, JobError
from distill_core.export.formats import latency_rows
from distill_core.export.markdown import table, to_markdown
from distill_core.export.report import read_report
from distill_core.export.verdict import times
from distill_core.extras.state import KINDS, finished
from distill_core.layout import RunFolder
from distill_core.services import offline_report


def check(config_path: Path, *, estimate: bool = False, layers: bool = False) -> int:
    """Findings and sizes; with `layers` who teaches which, with `estimate` what the run will take. Exit status 2 when
    something keeps the run from starting."""
    raw = draft_of(config_path)
    from distill_core.hub import decide_offline
    from distill_core.services import check_config

    decide_offline()
    outcome = check_config(raw)
    blamed = {(error.field, error.message) for error in outcome.errors}
    for finding in outcome.findings:
        if (finding["field"], finding["message"]) not in blamed:
            print(f"{finding['severity']}: {finding['field']}: {finding['message']}{_remedy(finding)}")
    for line in summary_lines(outcome.summary):
        print(line)
    if layers:
        print_layers(raw)
    mends = {(f["field"], f["message"]): _remedy(f) for f in outcome.findings}
    for error in outcome.errors:
        print(f"error: {error}{mends.get((error.field, error.message), '')}", file=sys.stderr)
    failed = bool(outcome.errors) or any(f["severity"] == "error" for f in outcome.findings)
    if estimate and not failed:
        failed = print_estimate(raw)
    print("This config cannot run yet." if failed else "Ready to run.")
    return 2 if failed else 0


def _remedy(finding: dict[str, Any]) -> str:
    """The line of the config that mends a finding, below it."""
    if not finding.get("remedy") or finding.get("applied"):
        return ""
    return f"\n  a remedy, for the config's data section:  {as_yaml(finding['remedy'])}"


def summary_lines(summary: dict[str, Any]) -> list[str]:
    """The sizes in words: rows, labels, each teacher, the student."""
    lines = []
    sizes = summary.get("sizes") or {}
    if sizes:
        lines.append("rows: " + ", ".join(f"{name} {count:,}" for name, count in sizes.items()))
    labels = summary.get("labels") or []
    if labels:
        shown = ", ".join(labels[:12]) + (", …" if len(labels) > 12 else "")
        lines.append(f"labels ({len(labels)}): {shown}")
    for teacher in summary.get("teachers") or []:
        if teacher.get("parameters"):
            how = "; stays as pre-trained, teaches by its states alone" if teacher.get("pretrained_only") else ""
            lines.append(f"teacher {teacher['name']}: {_size(teacher)}{how}")
    student = summary.get("student")
    if student:
        smaller = f", compression {times(student['compression'])}" if student.get("compression") else ""
        lines.append(f"student: {_size(student)}{smaller}")
    return lines


def _size(entry: dict[str, Any]) -> str:
    return f"{entry['parameters']:,} parameters, {entry['bytes'] / 1e6:.2f} MB"


# ---------------------------------------------------------------- predict


@dataclass(frozen=True)
class PredictRequest:
    """folder: a run's or a student's; pairs: second texts, one for each text, or none; file: more texts."""

    folder: Path
    texts: Sequence[str]
    pairs: Sequence[str]
    file: Path | None
    as_json: bool


def predict(request: PredictRequest) -> int:
    """Predictions for the given texts, in order."""
    texts, pairs = inputs(request)
    from distill_core.predict import StudentPredictor, student_folder

    folder = student_folder(request.folder)  # refuse before torch is loaded
    from distill_core.hub import decide_offline

    decide_offline()
    predictor = StudentPredictor.load(folder)
    if predictor.unit == "word":
        if pairs:
            raise DataError("This student tags words; it takes no second text.", hint="Leave --text-pair out.")
        return _tagged(predictor.tag(texts), as_json=request.as_json, plain=predictor.plain_tags)
    if predictor.unit == "piece":
        if pairs:
            raise DataError("This student guesses hidden words; it takes no second text.", hint="Leave it out.")
        return _filled(predictor.fill(texts), as_json=request.as_json)
    found = predictor.predict(texts, pairs)
    if request.as_json:
        print(json.dumps([p.as_dict() for p in found], ensure_ascii=False, indent=1))
        return 0
    rows = []
    for prediction in found:
        ranked = list(prediction.probabilities.items())
        other = f"{ranked[1][0]} {100 * ranked[1][1]:.1f}%" if len(ranked) > 1 else ""
        text = prediction.text if prediction.text_pair is None else f"{prediction.text} ⏐ {prediction.text_pair}"
        shown = text if len(text) <= 60 else text[:59] + "…"
        rows.append([shown, prediction.label, f"{100 * ranked[0][1]:.1f}%", other])
    print("\n".join(table(["text", "label", "probability", "next"], rows)))
    return 0


def _tagged(found: Sequence[Any], *, as_json: bool, plain: bool) -> int:
    """Each text, then its entities, or where tags are plain the words with theirs."""
    if as_json:
        print(json.dumps([text.as_dict() for text in found], ensure_ascii=False, indent=1))
        return 0
    if plain:
        said = [[f"{word}/{tag or '?'}" for word, tag in zip(text.words, text.tags, strict=True)] for text in found]
        print("\n".join(table(["words and their tags"], [[" ".join(words)] for words in said])))
        return 0
    rows = []
    for text in found:
        rows += [[text.text, e.type, e.text, f"{100 * e.score:.1f}%"] for e in text.entities] or [
            [text.text, "–", "", ""]
        ]
    print("\n".join(table(["text", "type", "entity", "confidence"], rows)))
    return 0


def _filled(found: Sequence[Any], *, as_json: bool) -> int:
    """Each text, then the guesses for its gaps."""
    if as_json:
        print(json.dumps([text.as_dict() for text in found], ensure_ascii=False, indent=1))
        return 0
    rows = []
    for text in found:
        for number, gap in enumerate(text.gaps, start=1):
            guesses = ", ".join(f"{guess.piece} {100 * guess.probability:.1f}%" for guess in gap)
            rows.append([text.text, number, guesses or "beyond the length limit"])
    print("\n".join(table(["text", "gap", "guesses"], rows)))
    return 0


def inputs(request: PredictRequest) -> tuple[list[str], list[str] | None]:
    """(texts, their second texts or None) of a request. Raises ConfigError, DataError."""
    texts, pairs = list(request.texts), list(request.pairs)
    if pairs and len(pairs) != len(texts):
        raise DataError(f"{len(texts)} × --text but {len(pairs)} × --text-pair.", hint="Give one for each.")
    if request.file is not None:
        for number, line in enumerate(_lines(request.file), 1):
            first, tab, second = line.partition("\t")
            if not first.strip():
                raise DataError(f"Line {number} of {request.file} is empty.", hint="Remove it.")
            texts.append(first)
            if tab:
                pairs.append(second)
    if not texts:
        raise ConfigError([FieldError("--text", "there is nothing to classify.", "Give --text TEXT or --file FILE.")])
    if pairs and len(pairs) != len(texts):
        raise DataError("Some texts have a second text and some have none.", hint="Give one for each, or none at all.")
    return texts, pairs or None


def _lines(path: Path) -> list[str]:
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DataError(f"There is no file {path}.", hint="Check the path.") from None
    except UnicodeDecodeError:
        raise DataError(f"{path} is not UTF-8.", hint="Save it as UTF-8 text.") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from None
    # Not splitlines(): it also cuts at form feeds and other marks that may stand inside a text.
    lines = text.replace("\r\n", "\n").split("\n")
    return lines[:-1] if lines and not lines[-1] else lines


# ---------------------------------------------------------------- report, machine, recipes


def report(path: Path, *, as_json: bool, html: Path | None = None) -> int:
    """The report of a run's folder as tables, as it stands on disk, or as one HTML file for others."""
    if not path.is_dir():
        raise ConfigError([FieldError("folder", f"there is no folder {path}.", "Check the path.")])
    folder = RunFolder(path)
    found = read_report(folder.report)
    if found is None:
        if not folder.config.is_file():
            raise ConfigError([FieldError("folder", f"{path} holds no run.", "Give the folder that `run` wrote.")])
        raise JobError("This run has no report yet.", hint=f"Go on with it: python -m distill_core resume {path}")
    if html is not None:
        print(f"Written: {offline_report.write_offline_report(folder, html.absolute())}")
        return 0
    if as_json:
        print(json.dumps(found, ensure_ascii=False, indent=1))
        return 0
    print(to_markdown(found, offline_report.reproduction_of(folder)), end="")
    print(_exports(folder), end="")
    print(_measured(folder), end="")
    return 0


def _measured(folder: RunFolder) -> str:
    """What was measured on request."""
    titles = {"curve": "How many labels it is worth", "without": "What each teacher adds"}
    known = {kind: found for kind in KINDS if (found := finished(folder, kind)) is not None}
    return "".join(f"\n## {titles[kind]}\n\n" + "\n".join(lines(kind, found)) + "\n" for kind, found in known.items())


def _exports(folder: RunFolder) -> str:
    """Latency of the run's exports, each beside the teacher on its own runtime where that was measured."""
    rows = [
        [
            *(row["runtime"], row["batch"], f"{row['student_ms']['p50']:.2f}", f"{row['student_ms']['p95']:.2f}"),
            "–" if row["teacher_ms"] is None else f"{row['teacher_ms']['p50']:.2f}",
            "–" if row["speedup"] is None else times(row["speedup"]),
        ]
        for row in latency_rows(folder)
    ]
    if not rows:
        return ""
    heads = ["runtime", "batch", "student p50 (ms)", "p95 (ms)", "teacher p50 (ms)", "speed-up"]
    return "\n## Exports\n\n" + "\n".join(table(heads, rows)) + "\n"


def machine() -> int:
    """This machine as one JSON object."""
    from distill_core.measure.machine import describe_machine

    print(json.dumps(describe_machine(), ensure_ascii=False))
    return 0


def recipes() -> int:
    """Name, title and summary of each recipe, and where its file lies."""
    for recipe in shipped.all_recipes():
        print(f"{recipe.name}: {recipe.about.title}")
        if recipe.about.summary:
            print(f"  {recipe.about.summary}")
    print(f"\nThe files lie in {shipped.RECIPES}: copy one and change it.")
    return 0
