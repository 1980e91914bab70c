"""The student to take away: a README beside its files, and one zip of the folder. No torch."""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from distill_core.export.verdict import metric_words
from distill_core.tasks.base import known_task
from distill_core.tasks.units import UNITS

README = "README.md"
#: unit → a line that uses such a student, and a text to try it on
_LINES = {
    "example": ('student.predict(["a text to classify"])', "a text to classify"),
    "word": ('student.tag(["Ada Lovelace lived in London."])[0].entities', "Ada Lovelace lived in London."),
    "piece": ('student.fill(["a text with a [MASK] in it"])[0].gaps', "a text with a [MASK] in it"),
}
_USE = """## Use

```python
from distill_core.predict import StudentPredictor
student = StudentPredictor.load("FOLDER")  # this folder
print({line})
```

Or on the command line: `python -m distill_core predict FOLDER --text "{text}"`.

"""
#: earliest time a zip can hold: equal folders give equal archives, whenever they are packed
_EPOCH = (1980, 1, 1, 0, 0, 0)


def student_readme(report: Mapping[str, Any]) -> str:
    """README.md of a finished student: what it is, its figures, how it is loaded, its labels."""
    task = known_task(report["task"]).measured_by(report["metric"])
    line, text = _LINES[task.unit]
    use = _USE.format(line=line if task.entities else line.replace("[0].entities", "[0].tags"), text=text)
    mains = [arm for arm in report["arms"] if arm["name"] == "main"]
    arm = main_arm(report)
    table = "\n".join(f"| {name} | {value} |" for name, value in figure_rows(report))
    sentences = " ".join(report["conclusion"]["sentences"])
    trial = f" It is the trial with seed {arm['seed']}, one of {len(mains)}." if len(mains) > 1 else ""
    return f"""# {report["name"]}

{task.words.student}, distilled by Stillroom. Data: {report["data"].get("name", "")}. \
Teachers: {names_of_teachers(report)}.{trial}

**{report["conclusion"]["headline"]}**

{sentences}

| | |
|---|---|
{table}

{use}{label_section(report)}"""


def main_arm(report: Mapping[str, Any]) -> Mapping[str, Any]:
    """The trial whose student is saved."""
    mains = (arm for arm in report["arms"] if arm["name"] == "main")
    found: Mapping[str, Any] = next(arm for arm in mains if arm["seed"] == report["student_seed"])
    return found


def names_of_teachers(report: Mapping[str, Any]) -> str:
    return ", ".join(
        teacher["name"] + (" (reference)" if teacher["name"] == report["reference_teacher"] else "")
        for teacher in report["teachers"]
    )


def figure_rows(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What was measured of the saved student, as (name, value) in words."""
    arm = main_arm(report)
    low, high = arm["interval"]
    metric = metric_words(report["metric"], report["task"])
    figures = [
        ("Parameters", f"{arm['parameters']:,}"),
        ("Size", f"{arm['bytes'] / 1e6:.2f} MB (fp32 safetensors)"),
        (
            f"Test {metric}",
            f"{100 * arm['quality']['test']:.1f}% (95% interval {100 * low:.1f}–{100 * high:.1f})",
        ),
        (
            "Agreement with the teacher",
            f"{100 * arm['agreement']:.1f}%{UNITS[known_task(report['task']).unit].of}",
        ),
    ]
    if (arm.get("perplexity") or {}).get("test") is not None:
        figures.append(("Test perplexity of hidden pieces", f"{arm['perplexity']['test']:,.2f}"))
    figures += [
        (f"Test {metric}, {language}", f"{100 * row[report['metric']]:.1f}%")
        for language, row in (arm.get("per_language") or {}).items()
    ]
    figures += [
        (
            f"Latency at batch {row['batch']}",
            f"{row['student_ms']['p50']:.2f} ms for {row['tokens']} tokens "
            f"({row['runtime']}, {row['threads']} thread{'' if row['threads'] == 1 else 's'})",
        )
        for row in report["latency"]
    ]
    return figures


def label_section(report: Mapping[str, Any]) -> str:
    """A masked language model's classes are the pieces of its tokeniser, which lies beside it."""
    if not report["labels"]:
        return "It guesses the pieces of the tokeniser in this folder.\n"
    labels = "\n".join(f"{number}. {label}" for number, label in enumerate(report["labels"]))
    return f"## Labels\n\nIn the order of the model's outputs, counted from 0:\n\n{labels}\n"


def write_student_readme(folder: Path, report: Mapping[str, Any]) -> Path:
    """Writes README.md into a saved student's folder."""
    path = folder / README
    path.write_text(student_readme(report), encoding="utf-8")
    return path


def zip_folder(folder: Path, target: Path, *, top: str | None = None) -> Path:
    """Zips a folder's files, under `top` (the folder's name), atomically. Equal contents give equal bytes.

    Hidden files and links are left out: an archive for others holds what was written into the folder, nothing else.
    Raises FileNotFoundError when there is nothing to zip.
    """
    files = sorted(p for p in folder.rglob("*") if _belongs(p, folder))
    if not files:
        raise FileNotFoundError(f"nothing to zip in {folder}")
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".tmp")
    try:
        # Weights hardly compress: stored is as small and many times faster.
        with os.fdopen(handle, "wb") as raw, zipfile.ZipFile(raw, "w", zipfile.ZIP_STORED) as archive:
            for path in files:
                entry = zipfile.ZipInfo(f"{top or folder.name}/{path.relative_to(folder).as_posix()}", _EPOCH)
                entry.external_attr = 0o644 << 16
                with (
                    archive.open(entry, "w", force_zip64=path.stat().st_size >= 1 << 31) as out,
                    path.open("rb") as file,
                ):
                    while chunk := file.read(1 << 20):
                        out.write(chunk)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return target


def _belongs(path: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return path.is_file() and not path.is_symlink() and not hidden
