"""A scripted stand-in for `Services`: a run that plays itself in real time, so that pages can be looked at."""

from __future__ import annotations

import math
import time
import zipfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from distill_core import config as cfg
from distill_core import recipes
from distill_core.errors import ConfigError, FieldError, JobError
from distill_core.events import STAGES
from distill_core.export.decision import Thresholds, decide
from distill_core.export.formats import FORMATS, ExportState
from distill_core.services.check import CheckOutcome
from distill_core.services.series import RunCurves, Series
from tests.samples import sample_report

TEACHERS = ("support-bert", "support-roberta")
STARTS = {"prepare": 0.03, "teachers": 0.08, "cache": 0.40, "distil": 0.46, "measure": 0.95}
SHAPES = {
    "teachers": [
        {"name": "support-bert", "parameters": 1_412_904, "bytes": 5_656_120},
        {"name": "support-roberta", "parameters": 1_268_232, "bytes": 5_077_304},
    ],
    "student": {"parameters": 102_312, "bytes": 410_216},
    "compression": {"parameters": 13.8, "bytes": 13.8},
}
PHASES = [
    {"arm": "main", "seed": 13, "name": name, "index": index, "of": 3, "from_step": step}
    for index, (name, step) in enumerate([("representation", 0), ("labels, head", 320), ("labels, all", 380)])
]
FINDING = {
    "severity": "warning",
    "code": "overlap",
    "field": "data.test",
    "message": "3 training rows also stand in the test set <b>verbatim</b>; they were removed from training.",
    "rows": [17, 204, 981],
    "count": 3,
}


def sample_look(on: tuple[str, ...] = ()) -> dict[str, Any]:
    """As `Services.look` answers. on: the remedies that are on."""
    spelling = {
        "severity": "warning", "code": "label_spelling", "field": "data.columns.label", "rows": [4], "count": 1,
        "message": "Labels that differ only in case: “<i>good</i>”, “Good”. Row 4.", "remedy": "merge_label_spellings",
        "applied": False,
    }  # fmt: skip
    if "merge_label_spellings" in on:
        spelling |= {"severity": "info", "message": "Spellings merged: “Good” as “good” (1 row).", "applied": True}
    return {
        "task": "classification",
        "columns": [{"name": "id", "role": None}, {"name": "review", "role": "text"},
                    {"name": "mood", "role": "label"}],
        "rows": [{"id": "1", "review": "all <b>fine</b>", "mood": "good"}],
        "sizes": {"train": 40, "validation": 8, "test": 0, "transfer": 600},
        "counted": "rows",
        "balance": [{"label": "bad", "counts": {"train": 10, "validation": 4}},
                    {"label": "good", "counts": {"train": 30, "validation": 4}}],
        "lengths": {"unit": "tokens", "rows": 648, "bins": [{"first": 4, "last": 4, "count": 162},
                    {"first": 5, "last": 9, "count": 324}, {"first": 10, "last": None, "count": 162}],
                    "median": 7, "high": 19, "longest": 90, "limit": 64, "over": 0.0004},
        "whole": False, "read": 48, "about": 12_000, "findings": [FINDING, spelling], "remedies": list(on),
    }  # fmt: skip


@dataclass
class FakeRun:
    id: str
    name: str
    created: float
    status: str = "running"
    seconds: float = 40.0
    config: cfg.RunConfig | None = None
    stopped_at: float | None = None
    error: dict[str, str] | None = None
    paused: float = 0.0

    def elapsed(self) -> float:
        return (self.stopped_at or time.time()) - self.created - self.paused

    def share(self) -> float:
        return min(1.0, max(0.0, (self.elapsed() - 2) / self.seconds))


def curves_of(rows: list[dict[str, Any]]) -> RunCurves:
    """Rows as the curves that the real services hold."""
    found = RunCurves()
    for row in rows:
        key = (row["arm"], row["seed"], row["name"])
        curve = found.curves.setdefault(key, Series(len(found.curves), key, row["unit"]))
        curve.add(row["seq"], row["step"], row["value"])
    return found


def rows_until(share: float) -> list[dict[str, Any]]:
    """All metric rows of a run that has come this far; seq grows with time."""
    rows: list[dict[str, Any]] = []

    def add(arm: str, name: str, step: int, value: float, unit: str = "") -> None:
        seq = len(rows) + 1
        rows.append({"seq": seq, "arm": arm, "seed": 13, "name": name, "step": step, "value": value, "unit": unit})

    for i in range(1, int(120 * share)):
        add("device", "cpu_share", 2 * i, 0.82 + 0.15 * math.sin(i / 3), "share")
        add("device", "memory_process", 2 * i, 4.1e8 + 1.4e8 * math.tanh(i / 20) + 6e6 * math.sin(i), "bytes")

    for i in range(int(60 * min(1.0, max(0.0, (share - 0.08) / 0.32)))):
        for number, name in enumerate(TEACHERS):
            add(f"teacher:{name}", "loss", 3 * i, 2.1 * math.exp(-i / 14) + 0.12 + 0.03 * math.sin(3 * i + number))
            add(f"teacher:{name}", "examples_per_second", 3 * i, 410 + 40 * number + 12 * math.sin(i))
            if i % 10 == 9:
                quality = 0.94 - 0.01 * number - 0.8 * math.exp(-i / 12)
                add(f"teacher:{name}", "validation_quality", 3 * i, quality)
    for index, arm in enumerate(("main", "no_teacher", "uniform")):
        from_share = 0.46 + 0.163 * index
        for i in range(int(90 * min(1.0, max(0.0, (share - from_share) / 0.163)))):
            loss = {"loss_hard": 2.0 * math.exp(-i / 20) + 0.2}
            if arm != "no_teacher":
                add(arm, "disagreement", 8 * i, 0.2 * math.exp(-i / 60) + 0.02)
                loss |= {"loss_soft": 3.1 * math.exp(-i / 22) + 0.3, "loss_hidden": 0.9 * math.exp(-i / 40) + 0.2}
            for name, value in {**loss, "loss_total": sum(loss.values())}.items():
                add(arm, name, 8 * i, value + 0.02 * math.sin(2.1 * i))
            add(arm, "learning_rate", 8 * i, 2e-3 * min(1.0, i / 9) * (1 - i / 92))
            add(arm, "examples_per_second", 8 * i, 2400 + 300 * index + 90 * math.sin(i))
            if arm != "no_teacher":
                for number, name in enumerate(TEACHERS):
                    add(arm, f"kl/{name}", 8 * i, 1.6 * math.exp(-i / 25) + 0.1 + 0.05 * number)
                    add(arm, f"weight/{name}", 8 * i, 0.86 - 0.05 * number + 0.02 * math.sin(i))
            if i % 8 == 7:
                top = {"main": 0.93, "no_teacher": 0.885, "uniform": 0.924}[arm]
                value = math.nan if i == 15 else top - 0.6 * math.exp(-i / 14)
                add(arm, "validation_quality", 8 * i, value)
    return rows


@dataclass
class FakeServices:
    """`seconds`: how long a fake run takes from its first event to its end."""

    folder: Path
    seconds: float = 40.0
    store: dict[str, FakeRun] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    started: list[cfg.RunConfig] = field(default_factory=list)
    thresholds: dict[str, Any] = field(default_factory=dict)

    def add(self, name: str, status: str = "running", *, ago: float = 0.0, run_id: str = "") -> FakeRun:
        run_id = run_id or f"run-{len(self.store) + 1:03d}"
        created = time.time() - ago
        run = FakeRun(run_id, name, created, status, self.seconds, config=recipes.load("demo").config)
        if status in ("stopped", "failed", "interrupted"):
            run.stopped_at = created + 0.7 * self.seconds
        if status == "failed":
            run.error = {
                "kind": "memory",
                "message": "The machine ran out of memory while the student was trained.",
                "hint": "Choose a smaller batch size, or close other programs, and press Resume.",
            }
        self.store[run_id] = run
        return run

    def machine(self) -> dict[str, Any]:
        return {
            "device": "cpu", "device_name": "CPU", "cores": 2, "memory_gb": 7.8, "offline": False, "ready": True,
        }  # fmt: skip

    def bundled(self) -> dict[str, list[dict[str, str]]]:
        return {
            "data": [{"name": "support-desk"}],
            "teachers": [{"name": name, "source": f"bundled:{name}"} for name in TEACHERS],
        }

    def recipes(self) -> list[dict[str, Any]]:
        return [
            {"name": r.name, **r.about.model_dump(), "config": r.config.model_dump(mode="json", exclude_none=True)}
            for r in recipes.all_recipes()
        ]

    def runs(self, limit: int | None = None) -> list[dict[str, Any]]:
        rows = []
        for run in sorted(self.store.values(), key=lambda r: -r.created)[:limit]:
            self._move(run)
            done = run.status == "done"
            rows.append(
                {
                    "id": run.id, "name": run.name, "status": run.status, "stage": self._stage(run.share()),
                    "share": run.share(), "data": "support-desk", "teachers": list(TEACHERS),
                    "student": "BiLSTM 48", "quality_kept": 0.983 if done else None,
                    "compression": 13.8 if done else None, "speedup": 4.9 if done else None, "created": run.created,
                    "conclusion": None, "tags": [], "archived": False,
                }
            )  # fmt: skip
        return rows

    def examples(self) -> list[dict[str, Any]]:
        return []

    def deleted(self) -> list[dict[str, Any]]:
        return []

    def sweeps(self) -> list[dict[str, Any]]:
        return []

    def deleted_sweeps(self) -> list[dict[str, Any]]:
        return []

    def start(self, config: cfg.RunConfig, *, token: str | None = None) -> str:
        if token and token in self.tokens:
            return self.tokens[token]
        if config.name == "queue full":
            raise JobError("The queue is full: 20 runs are waiting.", hint="Wait for one to finish, or stop one.")
        self.started.append(config)
        run = self.add(config.name)
        run.config = config
        if token:
            self.tokens[token] = run.id
        return run.id

    def start_demo(self, token: str | None = None) -> str:
        return self.start(recipes.load("demo").config, token=token)

    def stop(self, run_id: str) -> str:
        run = self._known(run_id)
        if run.status in ("running", "queued"):
            run.status, run.stopped_at = "stopped", time.time()
        return run.status

    def resume(self, run_id: str) -> str:
        run = self._known(run_id)
        if run.status == "done":
            raise JobError("This run is done; there is nothing to resume.")
        if run.stopped_at:
            run.paused += time.time() - run.stopped_at
            run.status, run.stopped_at, run.error = "running", None, None
        return run.status

    def live(self, run_id: str, cursor: int = 0, seen: dict[str, str] | None = None) -> dict[str, Any]:
        run = self._known(run_id)
        self._move(run)
        share, stage = run.share(), self._stage(run.share())
        done = run.status == "done"
        rows = rows_until(1.0 if done else share)
        curves, points = curves_of(rows).since(cursor)
        states = {
            name: "finished" if done or (stage and STAGES.index(name) < STAGES.index(stage))
            else "started" if name == stage else "waiting"
            for name in STAGES
        }  # fmt: skip
        moving = run.status == "running"
        latency = sample_report()["latency_models"] if share > 0.46 or done else []
        return {
            "run": {
                "id": run.id, "name": run.name, "status": run.status, "metric": "accuracy",
                "metric_words": "accuracy",
                "queue_position": 2 if run.status == "queued" else None, "stage": stage, "stages": states,
                "share": share, "eta_s": (1 - share) * run.seconds if moving and share > 0.1 else None,
                "note": "main arm, seed 13, step 420 of 705" if moving else "", "error": run.error, "device": "cpu",
                "created": run.created, "elapsed_s": run.elapsed() if not done else run.seconds,
            },
            "phases": PHASES, "cursor": len(rows), "reset": False, "curves": curves, "points": points,
            "shapes": SHAPES if share > 0.08 or done else None,
            "latency": [{**row, "phase": "final" if done else "preview"} for row in latency],
            "teachers": [
                {"name": name, "validation": value, "reference": value == 0.942}
                for name, value in zip(TEACHERS, (0.942, 0.936), strict=True)
            ] if share > 0.4 or done else [{"name": name, "validation": None} for name in TEACHERS],
            "log": ["12:01:03 prepared 1350 training rows", "12:01:04 <script>alert(1)</script>"],
            "findings": [FINDING], "report": sample_report() if done else None,
            "versions": {name: str(share) for name in ("phases", "shapes", "latency", "teachers", "log", "findings")},
        }  # fmt: skip

    def verdict(self, run_id: str, given: dict[str, Any] | None = None, *, forget: bool = False) -> dict[str, Any]:
        self._known(run_id)
        self.thresholds = {} if forget else {**self.thresholds, **(given or {})}
        report, wanted = sample_report(), Thresholds.of(self.thresholds)
        return {
            **decide(report, wanted), "own": wanted != Thresholds(), "defaults": Thresholds().as_dict(),
            **report["conclusion"], "batches": [1, 32], "lost": None, "missing": "nothing_kept",
        }  # fmt: skip

    def offline_report(self, run_id: str) -> tuple[str, str]:
        self._known(run_id)
        return "report.html", "<!doctype html><title>report</title>"

    def reproduction(self, run_id: str) -> list[str]:
        self._known(run_id)
        return ["Not reproduced yet."]

    def finer(self, run_id: str, curves: list[int], first: int, last: int) -> list[list[Any]]:
        held = curves_of(rows_until(self._known(run_id).share())).curves.values()
        return [curve.between(first, last) for curve in held if curve.number in curves]

    def points_csv(self, run_id: str, curves: list[tuple[str, int, str]]) -> str:
        self._known(run_id)
        return "\n".join(
            ["arm,seed,name,step,value,unit", *(f"{arm},{seed},{name},1,0.5," for arm, seed, name in curves)]
        )

    def config_yaml(self, run_id: str) -> str:
        config = self._known(run_id).config
        assert config is not None
        return config.to_yaml()

    def command(self, config: cfg.RunConfig) -> str:
        return f"python -m distill_core run {config.name}.yaml --out runs/{config.name}"

    def check(self, draft: dict[str, Any]) -> CheckOutcome:
        size = self.sizes(draft)
        summary = {"labels": list("abcdefgh"), "sizes": {"train": 1350, "transfer": 6000}, "student": size}
        findings = [FINDING, *self.advice(draft)]
        try:
            config = cfg.from_dict(draft)
        except ConfigError as error:
            return CheckOutcome(errors=error.errors, findings=findings, summary=summary)
        missing = [
            FieldError(f"teachers.{i}.source", f"there is no folder {t.source}.", "Check the path.")
            for i, t in enumerate(config.teachers)
            if t.source.startswith("/nowhere")
        ]
        return CheckOutcome(missing, findings, summary, None if missing else config)

    def look(self, draft: dict[str, Any]) -> dict[str, Any]:
        return sample_look(tuple(name for name, on in draft["data"].get("remedies", {}).items() if on))

    def own_students(self) -> list[dict[str, Any]]:
        return []

    def warm_up(self) -> None:
        pass

    def drawing(self, draft: dict[str, Any]) -> dict[str, Any]:
        return {"missing": [{"field": "teachers", "message": "nothing is drawn here.", "hint": ""}]}

    def recipe_fits(self, draft: dict[str, Any]) -> list[dict[str, Any]]:
        return [{"name": name, "reason": None, "task": False, "estimate": None} for name in recipes.names()]

    def sizes(self, draft: dict[str, Any]) -> dict[str, Any]:
        width = draft.get("student", {}).get("lstm_hidden") or draft.get("student", {}).get("hidden")
        if not isinstance(width, int):
            return {"error": "the width is missing.", "field": "student.lstm_hidden"}
        parameters = 60_000 + 1000 * width
        return {
            "parameters": parameters, "bytes": 4 * parameters, "megabytes": 4e-6 * parameters,
            "compression": 1_412_904 / parameters, "teacher_parameters": 1_412_904,
            "advice": self.advice(draft),
        }  # fmt: skip

    def advice(self, draft: dict[str, Any]) -> list[dict[str, Any]]:
        """One note on the weighting by gold labels, one on a teacher that calls itself weak."""
        given = []
        if draft.get("objective", {}).get("teacher_weighting") == "mt_bert":
            given.append(("objective.teacher_weighting", "info", "82% of the rows carry no <b>gold</b>."))
        for number, teacher in enumerate(draft.get("teachers", [])):
            if "weak" in teacher["source"]:
                given.append((f"teachers.{number}.source", "warning", "This teacher is weak."))
        return [
            {"field": field, "severity": severity, "message": message, "code": "advice", "rows": [], "count": 0}
            for field, severity, message in given
        ]

    def store_upload(self, temp_path: str, original_name: str) -> str:
        target = self.folder / original_name
        target.write_bytes(Path(temp_path).read_bytes())
        return str(target)

    def store_uploads(self, files: list[tuple[str, str]]) -> tuple[str, list[str]]:
        stored = [self.store_upload(path, name) for path, name in files]
        if len(stored) == 1:
            return stored[0], []
        return str(self.folder / "{language}.conll"), sorted(Path(name).stem for _, name in files)

    def student_archive(self, run_id: str) -> Path:
        path = self.folder / f"{self._known(run_id).id}-student.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("stillroom.json", "{}")
        return path

    def exports(self, run_id: str) -> list[dict[str, Any]]:
        self._known(run_id)
        return [
            {**asdict(ExportState(name)), "title": entry.title, "runtime": entry.runtime, "push": None}
            for name, entry in FORMATS.items()
        ]

    def _known(self, run_id: str) -> FakeRun:
        if run_id not in self.store:
            raise JobError("There is no such run.")
        return self.store[run_id]

    def _move(self, run: FakeRun) -> None:
        if run.status == "running" and run.share() >= 1:
            run.status = "done"

    def _stage(self, share: float) -> str | None:
        begun = [name for name, start in STARTS.items() if share >= start]
        return begun[-1] if begun else None
