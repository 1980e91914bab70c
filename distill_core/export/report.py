"""report.json: one run's evidence, built from what was measured; docs/report.md documents every field. No torch."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from distill_core.errors import DataError
from distill_core.export.verdict import conclude, outcome
from distill_core.measure.agreement import agreement
from distill_core.measure.scores import Scores
from distill_core.measure.uncertainty import compare, holm, interval, kept_interval
from distill_core.storage import write_text
from distill_core.tasks.base import known_task

SCHEMA_VERSION = 1
CONTROLS = ("no_teacher", "uniform")
#: what gets one prediction, by task; elsewhere an example


@dataclass(kw_only=True)
class Predictor:
    """What teachers and arms have in common.

    parameters: on the inference path; bytes: as fp32 safetensors. A teacher that stays as pre-trained answers nothing:
    its validation and test are empty, and so is predicted. validation, test: as the task's `quality` returns
    them: the report's metric, and where the task has them "macro_f1", "per_class", "per_language",
    "macro_language_f1" or "macro_language_accuracy", "token_accuracy", "mode", "perplexity", "loss".
    predicted: [U] class of each unit (example, in tagging word, in masked LM hidden piece) of the test set, in its
    order. scores: what each of the N test rows adds to the metric; None where it is accuracy: then they follow from
    `predicted` and the report's gold.
    """

    name: str
    parameters: int
    bytes: int
    validation: Mapping[str, Any] = field(default_factory=dict)
    test: Mapping[str, Any] = field(default_factory=dict)
    predicted: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    scores: Scores | None = None

    @property
    def answers(self) -> bool:
        return bool(self.test)


@dataclass(kw_only=True)
class TeacherResult(Predictor):
    """One teacher, measured. source: as the config names it."""

    source: str = ""


@dataclass(kw_only=True)
class ArmResult(Predictor):
    """One finished trial; name is the arm ("main", "no_teacher", "uniform"). steps: optimizer steps taken;
    best_step: the one whose state was kept (by validation); seconds: its training time; phases: {name, from_step,
    steps, best_step, score} of each phase of a staged training, in order."""

    seed: int
    steps: int | None = None
    best_step: int | None = None
    phases: Sequence[Mapping[str, Any]] = ()
    seconds: float | None = None


@dataclass(kw_only=True)
class ReportParts:
    """All that `build_report` needs.

    gold: [U] gold class of each test unit; None where all predictors bring scores. unit: what gets one prediction,
    "example" or "word" (None: by the task); agreement is a share of these. latency: rows as
    `measure.latency.measure_latency` gives them. data: {"name", "sizes": {...}, …}. missing_controls: control →
    "already_uniform", "single_teacher", "constant_unused", "not_requested" or a sentence, for each control that was not
    run. seconds: stage → s by the clock; cpu_seconds: stage → CPU s. peak_memory: bytes the process held at most (None:
    not known). estimate: what was expected when the run was started, where it was asked. kept: what lies in artifacts
    beside the student (`stages.keep`). energy: as `measure.energy` has it (None: not asked
    for). student_seed: the trial whose student is saved (empty: the main arm with the highest validation quality, the
    first of equals).
    """

    name: str
    run_id: str
    labels: Sequence[str]
    data: Mapping[str, Any]
    teachers: Sequence[TeacherResult]
    arms: Sequence[ArmResult]
    latency: Sequence[Mapping[str, Any]]
    seconds: Mapping[str, float]
    gold: np.ndarray | None = None
    task: str = "classification"
    metric: str = "accuracy"
    unit: str | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    device: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    findings: Sequence[Mapping[str, Any]] = ()
    latency_protocol: Mapping[str, Any] = field(default_factory=dict)
    missing_controls: Mapping[str, str] = field(default_factory=dict)
    created: float | None = None
    student_seed: int | None = None
    cpu_seconds: Mapping[str, float] = field(default_factory=dict)
    peak_memory: int | None = None
    estimate: Mapping[str, Any] | None = None
    kept: Mapping[str, Any] | None = None
    energy: Mapping[str, Any] | None = None


def reference_teacher(teachers: Sequence[TeacherResult], metric: str = "accuracy") -> TeacherResult:
    """The teacher with the highest validation quality, of those that answer; the first of equals."""
    return max((t for t in teachers if t.answers), key=lambda t: float(t.validation[metric]))


def best_main(mains: Sequence[ArmResult], metric: str = "accuracy") -> ArmResult:
    """The trial to take away: the highest validation quality; the first of equals. Test is never asked."""
    return max(mains, key=lambda arm: float(arm.validation[metric]))


def build_report(parts: ReportParts) -> dict[str, Any]:
    """The whole report as plain JSON values.

    Raises:
        ValueError: there is no teacher that answers or no main arm; predictors were not scored on the same test rows;
            neither scores nor gold are there, or for a metric other than accuracy no scores.
    """
    mains = _arm(parts, "main")
    if not any(t.answers for t in parts.teachers) or not mains:
        raise ValueError("a report needs at least one teacher that answers and one finished main arm")
    reference = reference_teacher(parts.teachers, parts.metric)
    student = mains[0]
    report: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "status": "done",
        "name": parts.name,
        "run_id": parts.run_id,
        "created": parts.created,
        "task": parts.task,
        "metric": parts.metric,
        "unit": parts.unit or known_task(parts.task).unit,
        "labels": list(parts.labels),
        "data": dict(parts.data),
        "seeds": [arm.seed for arm in mains],
        "student_seed": best_main(mains, parts.metric).seed if parts.student_seed is None else parts.student_seed,
        "reference_teacher": reference.name,
        "teachers": [_teacher_entry(t, parts, reference) for t in parts.teachers],
        "arms": [_arm_entry(a, parts, reference) for a in parts.arms],
        "compression": {
            "parameters": reference.parameters / student.parameters,
            "bytes": reference.bytes / student.bytes,
        },
        **_kept(mains, reference, parts),
        "test_half_width": _half_width(mains, parts),
        "majority": _majority(parts),
        "comparisons": _comparisons(parts, reference),
        "missing_controls": _missing(parts),
        "latency": latency_table(parts.latency, reference.name),
        "latency_models": [dict(row) for row in parts.latency],
        "seconds": {stage: float(s) for stage, s in parts.seconds.items()},
        "cpu_seconds": {stage: float(s) for stage, s in parts.cpu_seconds.items()},
        "peak_memory_bytes": parts.peak_memory,
        "estimate": None if parts.estimate is None else dict(parts.estimate),
        "kept": None if parts.kept is None else dict(parts.kept),
        "energy": None if parts.energy is None else dict(parts.energy),
        "device": dict(parts.device),
        "protocol": _protocol(student, parts),
        "findings": [dict(f) for f in parts.findings],
        "versions": dict(parts.versions),
        "config": dict(parts.config),
    }
    report["conclusion"] = conclude(report)
    return _plain(report)


def _arm(parts: ReportParts, name: str) -> list[ArmResult]:
    return [arm for arm in parts.arms if arm.name == name]


def _scores(predictor: Predictor, parts: ReportParts) -> Scores:
    if predictor.scores is not None:
        return predictor.scores
    if parts.gold is None or parts.metric != "accuracy":
        raise ValueError(f"{predictor.name} needs scores: its {parts.metric} does not follow from gold and predictions")
    return Scores.of_predictions(predictor.predicted, parts.gold)


def _protocol(student: ArmResult, parts: ReportParts) -> dict[str, Any]:
    """How it was measured. scoring: how tags were read as entities, in tagging."""
    wilson = _scores(student, parts).proportion
    scoring = {"scoring": student.test["mode"]} if "mode" in student.test else {}
    return {
        "latency": dict(parts.latency_protocol),
        "intervals": "95%",
        "interval_method": "wilson" if wilson else "linearised",
        "selection": "validation",
        **scoring,
    }


def _common(p: Predictor, parts: ReportParts) -> dict[str, Any]:
    return {
        "parameters": int(p.parameters),
        "bytes": int(p.bytes),
        "quality": {split: _quality(found, parts) for split, found in (("validation", p.validation), ("test", p.test))},
        "interval": list(interval(_scores(p, parts))) if p.answers else None,
        "macro_f1": {"validation": p.validation.get("macro_f1"), "test": p.test.get("macro_f1")},
        "per_class": [dict(row) for row in p.test.get("per_class", [])],
        **_perplexity(p),
        **_languages(p, parts.metric),
    }


def _quality(found: Mapping[str, Any], parts: ReportParts) -> float | None:
    return float(found[parts.metric]) if found else None


def _perplexity(p: Predictor) -> dict[str, Any]:
    """Perplexity and loss (nats a hidden piece), only where the task has them."""
    if "perplexity" not in p.test:
        return {}
    splits = {"validation": p.validation, "test": p.test}
    return {name: {split: found[name] for split, found in splits.items()} for name in ("perplexity", "loss")}


def _languages(p: Predictor, metric: str) -> dict[str, Any]:
    """Figures of each language, only where the data tell languages apart."""
    rows = {language: dict(row) for language, row in (p.test.get("per_language") or {}).items()}
    if not rows:
        return {}
    mean = f"macro_language_{metric}"
    return {"per_language": rows, mean: {"validation": p.validation.get(mean), "test": p.test.get(mean)}}


def _teacher_entry(t: TeacherResult, parts: ReportParts, reference: TeacherResult) -> dict[str, Any]:
    return {"name": t.name, "source": t.source, "reference": t is reference, **_common(t, parts)}


def _arm_entry(a: ArmResult, parts: ReportParts, reference: TeacherResult) -> dict[str, Any]:
    return {
        "name": a.name,
        "seed": a.seed,
        **_common(a, parts),
        "agreement": agreement(a.predicted, reference.predicted),
        "agreements": {t.name: agreement(a.predicted, t.predicted) for t in parts.teachers if t.answers},
        "steps": a.steps,
        "best_step": a.best_step,
        "phases": [dict(phase) for phase in a.phases],
        "seconds": a.seconds,
    }


def _kept(mains: Sequence[ArmResult], reference: TeacherResult, parts: ReportParts) -> dict[str, Any]:
    """Mean test quality of main over the reference teacher's, and its 95% interval."""
    ceiling = float(reference.test[parts.metric])
    kept = float(np.mean([float(a.test[parts.metric]) for a in mains])) / ceiling if ceiling > 0 else None
    between = kept_interval([_scores(a, parts) for a in mains], _scores(reference, parts))
    return {"quality_kept": kept, "quality_kept_interval": list(between) if between else None}


def _half_width(mains: Sequence[ArmResult], parts: ReportParts) -> float:
    """Half of the 95% interval of one student's test quality: what this test set can tell apart at best."""
    low, high = interval(_scores(mains[0], parts))
    return (high - low) / 2


def _majority(parts: ReportParts) -> dict[str, Any] | None:
    """What always answering the most frequent test class would reach: the floor for any student. None where that is
    no answer: always "O" finds no entity."""
    if known_task(parts.task).unit != "example" or parts.gold is None:
        return None
    counts = np.bincount(np.asarray(parts.gold), minlength=len(parts.labels))
    return {"label": parts.labels[int(counts.argmax())], "share": float(counts.max() / counts.sum())}


def _paired(mains: Sequence[ArmResult], others: Sequence[ArmResult]) -> list[tuple[ArmResult, ArmResult]]:
    by_seed = {arm.seed: arm for arm in others}
    return [(main, by_seed[main.seed]) for main in mains if main.seed in by_seed]


def _comparisons(parts: ReportParts, reference: TeacherResult) -> list[dict[str, Any]]:
    """Main against each control (Holm over the controls), then against the reference teacher (its own question)."""
    mains, rows = _arm(parts, "main"), []
    for control in CONTROLS:
        pairs = _paired(mains, _arm(parts, control))
        if pairs:
            result = compare([_scores(m, parts) for m, _ in pairs], [_scores(c, parts) for _, c in pairs])
            rows.append({"against": control, "role": "control", **asdict(result)})
    for row, adjusted in zip(rows, holm([row["p"] for row in rows]), strict=True):
        row["p_adjusted"] = adjusted
    ceiling = _scores(reference, parts)
    result = compare([_scores(m, parts) for m in mains], [ceiling] * len(mains))
    rows.append({"against": reference.name, "role": "teacher", **asdict(result), "p_adjusted": result.p})
    for row in rows:
        row["interval"] = [row.pop("low"), row.pop("high")]
        row["outcome"] = outcome(row["difference"], row["p_adjusted"])
    return rows


def _missing(parts: ReportParts) -> dict[str, str]:
    run = {arm.name for arm in parts.arms}
    return {c: parts.missing_controls.get(c, "not_requested") for c in CONTROLS if c not in run}


def latency_table(rows: Sequence[Mapping[str, Any]], teacher: str) -> list[dict[str, Any]]:
    """The reference teacher beside the student: one entry per batch size; speedup = teacher p50 / student p50."""
    teachers = {r["batch"]: r for r in rows if r["role"] == "teacher" and r["name"] == teacher}
    table = []
    for row in sorted((r for r in rows if r["role"] == "student"), key=lambda r: r["batch"]):
        other = teachers.get(row["batch"])
        if other is None:
            continue
        table.append(
            {
                "batch": row["batch"],
                "tokens": row["tokens"],
                "threads": row["threads"],
                "runtime": row["runtime"],
                "teacher_ms": {"p50": other["p50"], "p95": other["p95"]},
                "student_ms": {"p50": row["p50"], "p95": row["p95"]},
                "speedup": other["p50"] / row["p50"] if row["p50"] else None,
            }
        )
    return table


def _plain(value: Any) -> Any:
    """numpy scalars and tuples become plain JSON values, NaN becomes null."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_report(path: Path, report: Mapping[str, Any]) -> None:
    """Writes the report as one file, atomically: readers see the old one or the new one, never half of it."""
    text = json.dumps(_plain(dict(report)), ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, text)


def read_report(path: Path) -> dict[str, Any] | None:
    """The report, or None when there is none. Raises DataError when it is damaged or from a newer version."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"The report {path.name} cannot be read: {error}.", hint="Run the measurement again.") from None
    try:
        report = json.loads(text)
    except ValueError:
        report = None
    version = report.get("schema_version") if isinstance(report, dict) else None
    if not isinstance(report, dict) or isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise DataError(
            f"The report {path.name} is damaged.", hint="Resume the run: its last stage writes the report again."
        )
    if version > SCHEMA_VERSION:
        raise DataError(
            f"The report {path.name} was written by a newer version (format {version}; this one reads up to "
            f"{SCHEMA_VERSION}).",
            hint="Update Stillroom.",
        )
    return report
