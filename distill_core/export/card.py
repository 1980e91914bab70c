"""The model card of an export: README.md with the Hub's metadata in front, every figure from what was measured.

The front matter follows https://huggingface.co/docs/hub/model-cards. No torch.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from distill_core.export.bundle import figure_rows, label_section, main_arm, names_of_teachers
from distill_core.export.use_lines import Use, use_lines, use_words
from distill_core.export.verdict import metric_words
from distill_core.tasks.base import known_task
from distill_core.tasks.units import UNITS

_PIPELINES = {"example": "text-classification", "word": "token-classification", "piece": "fill-mask"}
_HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")
_LIBRARIES = {"transformers": "transformers", "onnx": "onnxruntime", "stillroom": "stillroom"}


@dataclass(frozen=True)
class CardParts:
    """What a card is written from.

    report: of the run. figures: of the export (`export.remeasure`). title: of its format. licence: an identifier of the
    Hub ("apache-2.0"), where it is known: nothing is guessed.
    """

    report: Mapping[str, Any]
    figures: Mapping[str, Any]
    use: Use
    title: str
    licence: str | None = None


def model_card(parts: CardParts) -> str:
    """The whole README.md."""
    report = parts.report
    sections = [
        _front(parts),
        f"# {report['name']}",
        _what(parts),
        "## Use",
        use_words(parts.use),
        f"```python\n{use_lines(parts.use)}```",
        f"## This export, measured\n\n{_measured(parts)}",
        f"## The student\n\n{_table(figure_rows(report))}",
        _seeds(report),
        f"## How it was distilled\n\n{_method(report)}",
        f"## Data\n\n{_data(report)}",
        f"## Limits\n\n{_limits(parts)}",
        label_section(report).strip(),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


# ---------------------------------------------------------------- metadata


def metadata(parts: CardParts) -> dict[str, Any]:
    """The front matter as a dict; what is not known is left out."""
    report, figures = parts.report, parts.figures
    arm, metric = main_arm(report), report["metric"]
    pipeline = _PIPELINES[known_task(report["task"]).unit]
    data = report.get("config", {}).get("data", {})
    on_hub = data.get("source") == "hub"
    dataset: dict[str, str] = {"name": str(report["data"].get("name") or "data"), "type": _dataset_type(report)}
    if on_hub and data.get("revision"):
        dataset["revision"] = str(data["revision"])
    test = [_metric(metric, report, arm["quality"]["test"], "Test, student before export")]
    if (arm.get("macro_f1") or {}).get("test") is not None:
        test.append(_metric("f1", report, arm["macro_f1"]["test"], "Test macro F1, student before export"))
    validation = [_metric(metric, report, figures["quality"]["export"], "Validation, this export")]
    results: list[dict[str, Any]] = [
        {"task": {"type": pipeline}, "dataset": {**dataset, "split": split}, "metrics": rows}
        for split, rows in (("test", test), ("validation", validation))
    ]
    found: dict[str, Any] = {
        "license": parts.licence or None,
        "base_model": [t["source"] for t in report["teachers"] if _from_hub(t["source"])] or None,
        "datasets": [data["name"]] if on_hub and data.get("name") else None,
        "language": sorted(arm.get("per_language") or data.get("languages") or []) or None,
        "metrics": sorted({row["type"] for row in test}),
        "library_name": _LIBRARIES[parts.use.library],
        "pipeline_tag": pipeline,
        "tags": ["knowledge-distillation", "stillroom", *(["onnx"] if parts.use.library == "onnx" else [])],
        "model-index": [{"name": report["name"], "results": results}],
    }
    return {key: value for key, value in found.items() if value is not None}


def _front(parts: CardParts) -> str:
    text = yaml.safe_dump(metadata(parts), sort_keys=False, allow_unicode=True)
    return f"---\n{text}---"


def _metric(metric: str, report: Mapping[str, Any], value: float, name: str) -> dict[str, Any]:
    return {"type": metric, "name": f"{name} ({metric_words(metric, report['task'])})", "value": round(float(value), 6)}


def _from_hub(source: str) -> bool:
    """A name on the Hub: neither bundled nor a path of some machine."""
    return _HUB_NAME.fullmatch(source) is not None and not Path(source).exists()


def _dataset_type(report: Mapping[str, Any]) -> str:
    data = report.get("config", {}).get("data", {})
    name = str(data.get("name") or report["data"].get("name") or "data")
    return name if data.get("source") == "hub" else re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "data"


# ---------------------------------------------------------------- sections


def _what(parts: CardParts) -> str:
    report = parts.report
    kind = known_task(report["task"]).words.student
    headline = report["conclusion"]["headline"]
    return (
        f"{kind}, distilled by Stillroom from {names_of_teachers(report)}; exported as {parts.title}.\n\n**{headline}**"
    )


def _measured(parts: CardParts) -> str:
    """Measured after the export, beside the student before it."""
    figures, quality = parts.figures, parts.figures["quality"]
    units = UNITS[known_task(parts.report["task"]).unit].of
    rows = [
        (
            f"Validation {figures['metric_words']} ({figures['rows']:,} rows)",
            f"{100 * quality['export']:.2f}% (student before export: {100 * quality['student']:.2f}%)",
        ),
        ("Same answer as the student before export", f"{100 * figures['agreement']:.2f}%{units}"),
        (
            "Model file",
            f"{figures['bytes']['export'] / 1e6:.2f} MB (as safetensors: {figures['bytes']['student'] / 1e6:.2f} MB)",
        ),
    ]
    for row in figures.get("latency", []):
        beside = f"; the student in torch {row['student_torch_ms']['p50']:.2f} ms"
        if row.get("teacher_ms"):
            beside += f"; {figures['teacher']} on the same runtime {row['teacher_ms']['p50']:.2f} ms"
            beside += f", {row['speedup']:.1f}× as long" if row.get("speedup") else ""
        threads = f"{row['threads']} thread{'' if row['threads'] == 1 else 's'}"
        rows.append(
            (
                f"Latency at batch {row['batch']} (p50; {row['runtime']}, {threads}, {row['tokens']} tokens)",
                f"{row['student_ms']['p50']:.2f} ms{beside}",
            )
        )
    where = (figures.get("device") or {}).get("device_name")
    return _table(rows) + (f"\n\nMeasured on {where}." if where else "")


def _table(rows: list[tuple[str, str]]) -> str:
    return "| | |\n|---|---|\n" + "\n".join(f"| {name} | {value} |" for name, value in rows)


def _seeds(report: Mapping[str, Any]) -> str:
    """Of several trials: which this is, and its own test figure beside their mean."""
    mains = [arm for arm in report["arms"] if arm["name"] == "main"]
    if len(mains) < 2:
        return ""
    own, metric = main_arm(report), metric_words(report["metric"], report["task"])
    every = [100 * arm["quality"]["test"] for arm in mains]
    return (
        f"It is the trial with seed {own['seed']}, the one of {len(mains)} with the highest validation {metric}. "
        f"Its own test {metric} is {100 * own['quality']['test']:.1f}%; "
        f"the mean over all seeds is {np.mean(every):.1f}% "
        f"(± {np.std(every, ddof=1):.1f} standard deviation)."
    )


def _method(report: Mapping[str, Any]) -> str:
    config = report.get("config", {})
    student, objective = config.get("student", {}), config.get("objective", {})
    lines = [
        f"- Teachers: {names_of_teachers(report)}; {(config.get('teacher_training') or {}).get('mode', 'as_is')}.",
        f"- Student: {student.get('kind', '')}, {main_arm(report)['parameters']:,} parameters; "
        f"compression {report['compression']['parameters']:.1f}×.",
        f"- Soft labels: temperature {objective.get('distill_temperature', 1)}, "
        f"weight {objective.get('soft_label_weight', 1)}; hard labels: weight {objective.get('hard_label_weight', 1)}; "
        f"teachers are combined by {objective.get('teacher_weighting', 'uniform')}.",
        f"- Seeds: {', '.join(str(seed) for seed in report['seeds'])}. Versions: "
        + ", ".join(f"{name} {number}" for name, number in (report.get("versions") or {}).items())
        + ".",
    ]
    return "\n".join(lines) + "\n\n" + " ".join(report["conclusion"]["sentences"])


def _data(report: Mapping[str, Any]) -> str:
    sizes = report["data"].get("sizes") or {}
    rows = ", ".join(f"{count:,} {name}" for name, count in sizes.items() if count)
    return f"{report['data'].get('name') or 'The run’s own files'}: {rows} rows."


def _limits(parts: CardParts) -> str:
    report = parts.report
    what = known_task(report["task"]).words.row
    low, high = main_arm(report)["interval"]
    lines = [
        f"- Quality was measured on {report['data']['sizes']['test']:,} test rows of the data above (one {what} each; "
        f"95% interval {100 * low:.1f}–{100 * high:.1f}%), and says nothing about other data.",
        f"- Inputs are cut at {parts.use.max_tokens} tokens.",
        "- What its teachers get wrong, and what is unfair in their data, it may have learnt too.",
        "- Latency holds for the machine and the protocol named; elsewhere measure again.",
    ]
    return "\n".join(lines)
