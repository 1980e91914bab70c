"""What can be measured of a finished run on request, how far it is, and what came out; for page and command line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from distill_core.analysis.kept import split_path
from distill_core.config import RunConfig, load
from distill_core.errors import ConfigError, FieldError, JobError
from distill_core.export.verdict import metric_words
from distill_core.extras.state import KINDS, LARGEST_MOST, USUAL_MOST, ExtraState
from distill_core.extras.words import left_out_words, worth_words
from distill_core.jobs import extras as jobs
from distill_core.layout import RunFolder
from distill_core.sections.teaching import needed
from distill_core.services.drafts import refuse_foreign_paths
from distill_core.services.results import report_of
from distill_core.tasks.base import known_task

#: why a measurement is not to be had
NOTHING_KEPT, NO_LABELS, ONE_TEACHER, NONE_SPARE = "nothing_kept", "no_labels", "one_teacher", "none_spare"
#: loading torch and the project, in seconds, besides what the run took to prepare
_START_S = 10.0


def rows(folder: RunFolder) -> dict[str, dict[str, Any]]:
    """{kind: {state, most, note, share, eta_s, figures, seconds, error (as `ExtraState`), words: [sentences],
    missing: "" or why it is not to be had, about_s: how long it will take | None}} of each of `extras.state.KINDS`.

    Raises JobError (no report yet), ConfigError.
    """
    report, config = report_of(folder), load(folder.config)
    return {kind: _row(folder, report, config, state) for kind, state in jobs.states(folder).items()}


def _row(folder: RunFolder, report: Mapping[str, Any], config: RunConfig, state: ExtraState) -> dict[str, Any]:
    missing = _missing(folder, report, config, state.kind)
    return {
        "state": state.state,
        "most": state.most,
        "note": state.note,
        "share": state.share,
        "eta_s": state.eta_s,
        "figures": state.figures,
        "metric": metric_words(str(report["metric"]), str(report["task"])),
        "seconds": state.seconds,
        "error": state.error,
        "words": words(state.kind, state.figures) if state.figures else [],
        "missing": missing,
        "about_s": None if missing else _expected(report, config, state.kind, USUAL_MOST),
        "further": config.data.labelled_per_class is not None,
    }


def words(kind: str, figures: Mapping[str, Any]) -> list[str]:
    """The sentences of a measurement; none while it is not done."""
    if kind == "curve":
        return worth_words(figures["worth"], figures["unit"]) if figures.get("worth") else []
    said = [left_out_words(row) for row in figures["rows"]]
    return said + [f"{one['teacher']} cannot be left out: {one['why']}" for one in figures["kept_in"] if said]


def _missing(folder: RunFolder, report: Mapping[str, Any], config: RunConfig, kind: str) -> str:
    kept = split_path(folder.artifacts, "test").is_file() and (folder.artifacts / "models.json").is_file()
    if kind == "curve":
        return NO_LABELS if known_task(report["task"]).unit == "piece" else "" if kept else NOTHING_KEPT
    if len(config.teachers) < 2:
        return ONE_TEACHER
    if all(needed(config, number) is not None for number in range(len(config.teachers))):
        return NONE_SPARE
    return "" if kept else NOTHING_KEPT


def _expected(report: Mapping[str, Any], config: RunConfig, kind: str, most: int) -> float | None:
    """Seconds, from what the run's own trials took on its machine."""
    arms = [arm for arm in report["arms"] if arm.get("seconds") and arm.get("steps")]
    wanted = [arm for arm in arms if arm["name"] == ("no_teacher" if kind == "curve" else "main")]
    chosen = wanted or [arm for arm in arms if arm["name"] == "main"]
    if not chosen:
        return None
    each = sum(arm["seconds"] for arm in chosen) / len(chosen)
    trials = float(sum(needed(config, number) is None for number in range(len(config.teachers))))
    if kind == "curve":
        trials = 4.0
        own, factor = (report.get("data") or {}).get("sizes", {}).get("train", 0), 2
        steps = sum(arm["steps"] for arm in chosen) / len(chosen)
        while config.data.labelled_per_class is not None and factor <= most:
            passes = config.training.epochs * -(-own * factor // config.training.batch_size)
            trials += max(1.0, passes / steps)
            factor *= 2
    prepared = (report.get("seconds") or {}).get("prepare", 0.0)
    return _START_S + prepared + trials * each * len(config.seeds)


def start(folder: RunFolder, kind: str, most: int, uploads_only: Path | None = None) -> None:
    """Start measuring, or go on. Raises ConfigError (no such measurement, no such size), JobError (not to be had)."""
    if kind not in KINDS:
        raise ConfigError([FieldError("kind", "there is no such measurement.", f"Take {' or '.join(KINDS)}.")])
    if isinstance(most, bool) or not isinstance(most, int) or not 1 <= most <= LARGEST_MOST:
        raise ConfigError([FieldError("most", f"a whole number from 1 to {LARGEST_MOST}.", f"{USUAL_MOST} is usual.")])
    config = load(folder.config)
    refuse_foreign_paths(config, uploads_only)
    why = _missing(folder, report_of(folder), config, kind)
    if why:
        raise JobError("This cannot be measured of this run.", hint=_WHY[why])
    jobs.start(folder, jobs.Order(kind, most))


_WHY = {
    NOTHING_KEPT: "It kept no predictions: run it again to have them.",
    NO_LABELS: "A masked language model learns from texts alone.",
    ONE_TEACHER: "It takes two teachers.",
    NONE_SPARE: "Each of its teachers teaches something that no other does.",
}


def refuse_busy(folder: RunFolder) -> None:
    """Raises JobError while a measurement works on the run: its process writes into the run's folder."""
    if any(state.state == "running" for state in jobs.states(folder).values()):
        raise JobError("Something of this run is being measured.", hint="Stop that first, then delete the run.")
