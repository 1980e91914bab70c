"""Where everything lies: the data folder and, inside it, one folder a run. Paths only; no work is done here."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import platformdirs

PROJECT = Path(__file__).resolve().parent.parent
ASSETS = PROJECT / "assets"
DEMO = ASSETS / "demo"
RECIPES = ASSETS / "recipes"
#: finished runs that ship with the project; nothing is written there
EXAMPLES = PROJECT / "examples"

#: name → folder of the data sets and teachers that ship with the project
BUNDLED_DATA = {
    "support-desk": DEMO / "data",
    "office-notes": ASSETS / "tagging" / "data",
    "support-text": ASSETS / "plain_text",
}
BUNDLED_TEACHERS = {
    "support-bert": DEMO / "teachers" / "support-bert",
    "support-roberta": DEMO / "teachers" / "support-roberta",
    "office-bert": ASSETS / "tagging" / "teachers" / "office-bert",
}

#: beside a saved student, where one was chosen: JSON with the temperature its logits are divided by
TEMPERATURE = "temperature.json"
#: folder of the files that came in through the page
UPLOADS = "uploads"
_RUN_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,79}")


#: uploads are stored with the start of their content's hash before the name people know (`services.files`)
_STORED = re.compile(r"[0-9a-f]{8,16}-(?=.)")


def known_name(path: str | Path) -> str:
    """A file's name as people know it: that of an upload without the start of its hash."""
    file = PurePosixPath(str(path).replace("\\", "/"))
    stored = _STORED.match(file.name) if file.parent.name == UPLOADS else None
    return file.name[stored.end() :] if stored else file.name


def is_run_id(value: object) -> bool:
    """True for what may stand as a run's folder name (lower-case letters, digits, hyphens): never a path."""
    return isinstance(value, str) and _RUN_ID.fullmatch(value) is not None


@dataclass(frozen=True)
class DataHome:
    """The data folder (`STILLROOM_HOME`, by default the user's data directory)."""

    root: Path

    @classmethod
    def from_environment(cls) -> DataHome:
        return cls(
            Path(os.environ.get("STILLROOM_HOME") or platformdirs.user_data_dir("stillroom")).expanduser().resolve()
        )

    def create(self) -> DataHome:
        for folder in (self.runs, self.sweeps, self.signals, self.uploads, self.teachers, self.cache):
            folder.mkdir(parents=True, exist_ok=True)
        return self

    @property
    def runs(self) -> Path:
        return self.root / "runs"

    @property
    def sweeps(self) -> Path:
        """Searches over a run's settings, a folder each."""
        return self.root / "sweeps"

    @property
    def signals(self) -> Path:
        """Teacher signals, content-addressed, shared by all runs."""
        return self.root / "signals"

    @property
    def teachers(self) -> Path:
        """Finetuned teachers, content-addressed, shared by all runs."""
        return self.root / "teachers"

    @property
    def uploads(self) -> Path:
        return self.root / UPLOADS

    @property
    def trash(self) -> Path:
        """Run folders that were deleted, until they are thrown away (`jobs.shelf`)."""
        return self.root / "trash"

    @property
    def sweeps_trash(self) -> Path:
        """Sweep folders that were deleted, until they are thrown away (`jobs.sweep_shelf`)."""
        return self.root / "sweeps-trash"

    @property
    def cache(self) -> Path:
        """Files that may be deleted at any time: the page's own downloads and temporary files."""
        return self.root / "cache"

    @property
    def database(self) -> Path:
        return self.root / "stillroom.db"

    @property
    def lock(self) -> Path:
        return self.root / "lock"

    def run(self, run_id: str) -> RunFolder:
        if not is_run_id(run_id):
            raise ValueError(f"not a run id: {run_id!r}")
        return RunFolder(self.runs / run_id)

    def sweep(self, sweep_id: str) -> SweepFolder:
        if not is_run_id(sweep_id):
            raise ValueError(f"not a sweep's id: {sweep_id!r}")
        return SweepFolder(self.sweeps / sweep_id)


@dataclass(frozen=True)
class RunFolder:
    """One run on disk. This folder is the truth; the database is only an index of it."""

    path: Path

    def create(self) -> RunFolder:
        for folder in (self.path, self.checkpoints, self.artifacts):
            folder.mkdir(parents=True, exist_ok=True)
        return self

    @property
    def run_id(self) -> str:
        return self.path.name

    @property
    def config(self) -> Path:
        return self.path / "config.yaml"

    @property
    def meta(self) -> Path:
        """JSON: name, created (seconds since 1970), tags, notes, archived."""
        return self.path / "meta.json"

    @property
    def events(self) -> Path:
        return self.path / "events.jsonl"

    @property
    def process(self) -> Path:
        """JSON: pid, started (the process's creation time), attempt; written by the child itself."""
        return self.path / "process.json"

    @property
    def log(self) -> Path:
        return self.path / "log.txt"

    @property
    def report(self) -> Path:
        return self.path / "report.json"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def artifacts(self) -> Path:
        return self.path / "artifacts"

    @property
    def student(self) -> Path:
        """The finished main student, self-contained (`python -m distill_core predict` reads it)."""
        return self.artifacts / "student"

    @property
    def control(self) -> Path:
        """The student without teachers that validated best, kept to be tried beside the other."""
        return self.artifacts / "control"


@dataclass(frozen=True)
class SweepFolder(RunFolder):
    """One sweep on disk; this folder is the truth. Process, lock and log lie as in a run's."""

    def create(self) -> SweepFolder:
        (self.path / "trials").mkdir(parents=True, exist_ok=True)
        return self

    @property
    def config(self) -> Path:
        """The sweep's own settings, the base config of its trials in them."""
        return self.path / "sweep.yaml"

    @property
    def events(self) -> Path:
        """What was tried and what came of it; append-only, as a run's events."""
        return self.path / "trials.jsonl"

    @property
    def state(self) -> Path:
        """JSON, written by the app alone: is it wanted to go on, since when, what went wrong."""
        return self.path / "state.json"

    @property
    def give_way(self) -> Path:
        """There while a run waits for the device: the sweep ends its process after the present trial."""
        return self.path / "give-way"

    def trial(self, number: int) -> RunFolder:
        """Of the trial with this number, from 1."""
        return RunFolder(self.path / "trials" / f"{number:04d}")
