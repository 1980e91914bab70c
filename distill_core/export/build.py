"""Making exports of a finished run: each is written, measured anew, and kept or refused."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from distill_core.catalogue import TASKS
from distill_core.config import RunConfig, load
from distill_core.errors import DiskError, JobError
from distill_core.export.card import CardParts, model_card
from distill_core.export.formats import FIGURES, FORMATS, refusal
from distill_core.export.graph import input_names, model_bytes, quantise, write_onnx
from distill_core.export.remeasure import (
    TeacherOnRuntime,
    Timed,
    Validation,
    measured_latency,
    measured_quality,
    validation_of,
)
from distill_core.export.report import read_report
from distill_core.export.runtime import OnnxModel, TransformersModel
from distill_core.export.use_lines import Use
from distill_core.layout import RunFolder
from distill_core.measure.latency import RUNTIME
from distill_core.measure.machine import cores
from distill_core.models.encoders import quiet
from distill_core.models.saving import WEIGHTS, load_student
from distill_core.predict import temperature_of

LABELS = "labels.json"


@dataclass(frozen=True)
class Finished:
    """One export that was made and measured. refused: why it was thrown away again, or None; folder: where it lies."""

    format: str
    figures: dict[str, Any]
    refused: str | None
    folder: Path | None


class Workshop:
    """Everything that the exports of one run share: its student, loaded once, and its validation rows.

    Args:
        folder: of a finished run.
        teacher: measure the reference teacher on the same runtimes too.
        licence: an identifier of the Hub, for the cards.
        say: told what is done now, in a few words.

    Raises:
        JobError: the run is not done. CheckpointError, DataError, ConfigError: it cannot be read.
    """

    def __init__(
        self,
        folder: RunFolder,
        *,
        teacher: bool = False,
        licence: str | None = None,
        say: Callable[[str], None] = lambda note: None,
    ) -> None:
        self.folder, self.licence, self.say = folder, licence, say
        report = read_report(folder.report)
        if report is None or not (folder.student / WEIGHTS).is_file():
            raise JobError("This run has no finished student yet.", hint="Wait until it is done, or resume it.")
        self.report: dict[str, Any] = report
        self.config: RunConfig = load(folder.config)
        torch.set_num_threads(cores())
        say("loading the student")
        self.student, self.labels, self.max_tokens = load_student(folder.student)
        self._with_teacher = teacher
        self._temporary = Path(tempfile.mkdtemp(prefix=".making.", dir=folder.artifacts))

    def close(self) -> None:
        shutil.rmtree(self._temporary, ignore_errors=True)

    @cached_property
    def validation(self) -> Validation:
        self.say("reading the validation rows")
        return validation_of(self.config, self.report, self.student, self.max_tokens)

    @cached_property
    def teacher(self) -> TeacherOnRuntime | None:
        if not self._with_teacher:
            return None
        folder = self._temporary / "teacher"
        folder.mkdir()
        return TeacherOnRuntime(self.config, self.report, self.validation.labels, folder)

    @cached_property
    def graph(self) -> Path:
        """The fp32 graph, which int8 is made of too."""
        self.say("writing the graph")
        path = self._temporary / "graph" / "model.onnx"
        path.parent.mkdir()
        return write_onnx(self.student, path)

    def make(self, name: str, target: Path, allowed: float) -> Finished:
        """Makes one format and puts it at `target` (what was there is replaced), unless it lost more than `allowed`
        points of validation quality: then nothing stands there."""
        refuse_foreign(target)
        _ = self.validation  # before anything is written: without them nothing can be measured
        made = self._temporary / name
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir()
        maker = self._safetensors if FORMATS[name].runtime == RUNTIME else self._onnx
        use, model = maker(name, made)
        self.say("measuring quality")
        figures = {
            "format": name,
            "seed": self.report["student_seed"],
            **measured_quality(self.validation, model),
            "bytes": {
                "student": (self.folder.student / WEIGHTS).stat().st_size,
                "export": model_bytes(made / FORMATS[name].model),
            },
            "library": use.library,
        }
        refused = refusal(figures, allowed)
        if refused is None:
            figures |= self._latency(name, model)
            self._dress(made, use, figures)
            _put(made, target)
        else:
            shutil.rmtree(target, ignore_errors=True)
        return Finished(name, figures, refused, None if refused else target)

    def _latency(self, name: str, model: Any) -> dict[str, Any]:
        self.say("measuring latency")
        timed = Timed(self.student, model, FORMATS[name].runtime, self.max_tokens)
        if self.teacher is not None:
            self.say("measuring latency: the teacher on the same runtime")
            timed.teacher = self.teacher.on(name)
        return measured_latency(timed, self.config)

    def _dress(self, made: Path, use: Use, figures: dict[str, Any]) -> None:
        """What lies beside the model."""
        if self.labels:
            _write_json(made / LABELS, self.labels)
        _write_json(made / FIGURES, figures)
        card = CardParts(self.report, figures, use, FORMATS[figures["format"]].title, self.licence)
        (made / "README.md").write_text(model_card(card), encoding="utf-8")

    # ---------------------------------------------------------------- the forms

    def _safetensors(self, name: str, made: Path) -> tuple[Use, Any]:
        model = self.student.as_transformers(self.labels)
        if model is None:
            for path in self.folder.student.iterdir():
                if path.is_file() and path.name != "README.md":
                    shutil.copy2(path, made / path.name)
            return self._use("stillroom"), load_student(made)[0]
        with quiet():
            model.save_pretrained(made)
        self.student.tokenizer.save_pretrained(made)
        # Read again from the files: what is measured is what others will load.
        return self._use("transformers"), TransformersModel(made, self.student.unit)

    def _onnx(self, name: str, made: Path) -> tuple[Use, Any]:
        path = made / FORMATS[name].model
        if FORMATS[name].runtime == "onnxruntime":
            for part in self.graph.parent.iterdir():
                shutil.copy2(part, made / part.name)
        else:
            graph = self.graph
            self.say("turning weights into int8")
            quantise(graph, path)
        self._tokenizer().save(str(made / "tokenizer.json"))
        use = self._use("onnx")
        _write_json(made / "config.json", self._described(use))
        return use, OnnxModel(path, self.student.unit, threads=self.config.measure.threads)

    def _use(self, library: str) -> Use:
        data = self.validation.rows
        return Use(
            library,
            self.student.unit,
            self._limit(),
            inputs=input_names(self.student),
            mask=self.student.tokenizer.mask_token or "",
            pairs=data.pairs is not None,
            temperature=temperature_of(self.folder.student),
        )

    def _limit(self) -> int:
        """The longest input, as texts are cut in the run."""
        return int(min(self.max_tokens, self.student.tokenizer.model_max_length))

    def _tokenizer(self) -> Any:
        """The tokenizer alone, which cuts and pads by itself as the run does."""
        from tokenizers import Tokenizer

        own = self.student.tokenizer
        found = Tokenizer.from_str(own.backend_tokenizer.to_str())
        found.enable_truncation(self._limit(), strategy="longest_first")
        found.enable_padding(pad_id=own.pad_token_id, pad_token=own.pad_token)
        return found

    def _described(self, use: Use) -> dict[str, Any]:
        """config.json of a graph: what it answers, for whom, and where it comes from."""
        labels = {str(number): label for number, label in enumerate(self.labels)}
        return {
            "task": self.student.task,
            "unit": use.unit,
            "title": TASKS[self.student.task].title,
            "inputs": list(use.inputs),
            "outputs": ["logits"],
            "max_tokens": use.max_tokens,
            "temperature": use.temperature,
            "id2label": labels,
            "label2id": {label: int(number) for number, label in labels.items()},
            "architecture": self.student.architecture,
            "run": {"name": self.report["name"], "id": self.report["run_id"], "seed": self.report["student_seed"]},
        }


@contextmanager
def workshop(folder: RunFolder, **options: Any) -> Iterator[Workshop]:
    """A `Workshop` whose temporary files are gone afterwards."""
    opened = Workshop(folder, **options)
    try:
        yield opened
    finally:
        opened.close()


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def refuse_foreign(target: Path) -> None:
    """Raises JobError where something stands that is no export: it would be replaced."""
    if target.exists() and not (target / FIGURES).is_file() and (not target.is_dir() or any(target.iterdir())):
        raise JobError(f"{target} is there already and holds no export.", hint="Give another folder.", field="--out")


def _put(made: Path, target: Path) -> None:
    """In the place of what was there, in one step where both are on one disk."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(target, ignore_errors=True)
        shutil.move(str(made), str(target))
    except OSError as error:
        raise DiskError(
            f"The export could not be written to {target}: {error.strerror or error}.", hint="Make room on the disk."
        ) from None
