"""A finished student at work: labels for texts, tags and entities for their words, or guesses for hidden words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from distill_core.catalogue import DEFAULT_TASK
from distill_core.errors import CheckpointError, DataError, JobError
from distill_core.layout import TEMPERATURE, RunFolder
from distill_core.run_state import last_end
from distill_core.tasks.base import build_task
from distill_core.tasks.units import UNITS

#: what a saved student's folder is known by
STUDENT_FILE = "stillroom.json"


@dataclass(frozen=True)
class Prediction:
    """label: the most probable class; probabilities: label → probability in [0, 1], most probable first; sum 1."""

    text: str
    text_pair: str | None
    label: str
    probabilities: dict[str, float]

    def as_dict(self) -> dict[str, Any]:
        pair = {} if self.text_pair is None else {"text_pair": self.text_pair}
        return {"text": self.text, **pair, "label": self.label, "probabilities": self.probabilities}


@dataclass(frozen=True)
class Entity:
    """One entity of a text. start, end: characters, end exclusive. score: the lowest of its words' probabilities."""

    type: str
    text: str
    start: int
    end: int
    score: float


@dataclass(frozen=True)
class Tagged:
    """words: of the text, punctuation apart; tags and scores (probability of the tag, in [0, 1]): one for each word.
    A word beyond the student's length limit has the score 0 and the tag "O", or "" where no tag begins an entity."""

    text: str
    words: list[str]
    tags: list[str]
    scores: list[float]
    entities: list[Entity]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Guess:
    """A word piece for a gap, as readable text, and its probability in [0, 1]."""

    piece: str
    probability: float


@dataclass(frozen=True)
class Filled:
    """gaps: for each mask of the text, in order, the most probable pieces first; empty for one beyond the student's
    length limit. filled: the text with the first guess in every gap."""

    text: str
    gaps: list[list[Guess]]
    filled: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def student_folder(folder: Path) -> Path:
    """The saved student in a run's folder, or the folder itself when it is one.

    Raises:
        CheckpointError: no such folder, or it is neither.
        JobError: the run has no student yet.
    """
    if not folder.is_dir():
        raise CheckpointError(f"There is no folder {folder}.", hint="Give a run's folder or a student's.")
    if (folder / STUDENT_FILE).is_file():
        return folder
    run = RunFolder(folder)
    if (run.student / STUDENT_FILE).is_file():
        return run.student
    if run.config.is_file() or run.events.is_file():
        raise JobError(f"This run has no student yet: {_state(run)}.", hint=_advice(run))
    raise CheckpointError(
        f"{folder} holds neither a run nor a student.",
        hint="Give the folder that `run` wrote, or an unpacked student.",
    )


def temperature_of(folder: Path) -> float:
    """What a saved student's logits are divided by: 1 where no temperature was chosen. Raises CheckpointError for a
    file that holds none."""
    path = folder / TEMPERATURE
    if not path.is_file():
        return 1.0
    try:
        value = float(json.loads(path.read_text(encoding="utf-8"))["temperature"])
    except (OSError, ValueError, KeyError, TypeError):
        value = 0.0
    if not 0 < value < float("inf"):
        raise CheckpointError(f"{TEMPERATURE} of this student holds no temperature.", hint="Delete that file.")
    return value


def _state(run: RunFolder) -> str:
    end = last_end(run)
    if not run.events.is_file():
        return "it has not been started"
    return {"failed": "it failed", "stopped": "it was stopped"}.get(end or "", "it is not finished")


def _advice(run: RunFolder) -> str:
    if last_end(run) in ("failed", "stopped"):
        return f"Resume it: python -m distill_core resume {run.path}"
    return "Wait until it is done."


class StudentPredictor:
    """A student in memory. `StudentPredictor.load(folder).predict([...])`."""

    def __init__(
        self,
        student: Any,
        labels: Sequence[str],
        max_tokens: int,
        *,
        device: str = "cpu",
        temperature: float = 1.0,
    ) -> None:
        import torch

        self.temperature = temperature

        self.device = torch.device(device)
        self.student = student.to(self.device).eval()
        self.labels, self.max_tokens = list(labels), max_tokens

    @classmethod
    def load(cls, folder: str | Path, *, device: str = "cpu") -> StudentPredictor:
        """From a run's folder or a student's own. Raises CheckpointError, JobError (the run is not done)."""
        path = student_folder(Path(folder))
        from distill_core.models.saving import load_student

        return cls(*load_student(path), device=device, temperature=temperature_of(path))

    def probabilities(
        self, texts: Sequence[str], pairs: Sequence[str] | None = None, *, batch_size: int = 64
    ) -> np.ndarray:
        """[N, C] float64, rows sum to 1, in the order of the texts."""
        from distill_core.data.types import Rows
        from distill_core.signals.predict import predict_logits

        self._wants("example")
        if pairs is not None and len(pairs) != len(texts):
            raise DataError(f"{len(texts)} texts but {len(pairs)} second texts.", hint="Give one for each.")
        if not texts:
            return np.empty((0, len(self.labels)))
        rows = Rows(
            list(texts), None if pairs is None else list(pairs), np.full(len(texts), -1), list(range(1, len(texts) + 1))
        )
        encoded = build_task(self.task).encode(self.student.tokenizer, rows, self.max_tokens)
        return self._shares(predict_logits(self.student, encoded, self.device, batch_size=batch_size))

    def predict(
        self, texts: Sequence[str], pairs: Sequence[str] | None = None, *, batch_size: int = 64
    ) -> list[Prediction]:
        """One prediction per text, in order. Raises DataError when texts and second texts differ in number."""
        found = []
        for number, row in enumerate(self.probabilities(texts, pairs, batch_size=batch_size)):
            # A stable sort on the negative: of equal classes the first in label order wins, as argmax has it.
            order = np.argsort(-row, kind="stable")
            by_label = {self.labels[i]: float(row[i]) for i in order}
            pair = None if pairs is None else pairs[number]
            found.append(Prediction(texts[number], pair, self.labels[order[0]], by_label))
        return found

    def tag(self, texts: Sequence[str], *, batch_size: int = 64) -> list[Tagged]:
        """Tags for the words of each text, in order. Raises DataError for a student that classifies whole texts."""
        from distill_core.signals.predict import predict_logits
        from distill_core.tasks.tagging import encode_words
        from distill_core.tasks.words import WORD

        self._wants("word")
        spans = [[match.span() for match in WORD.finditer(text)] for text in texts]
        sentences = [[text[a:b] for a, b in places] for text, places in zip(texts, spans, strict=True)]
        if not any(sentences):
            return [Tagged(text, [], [], [], []) for text in texts]
        encoded = encode_words(self.student.tokenizer, sentences, self.max_tokens)
        logits = predict_logits(self.student, encoded, self.device, batch_size=batch_size)
        # A word nobody saw has logits of zeros, and must not look like a guess.
        seen = np.asarray(logits.any(axis=1))
        chosen, best = logits.argmax(axis=1), self._shares(logits).max(axis=1) * seen
        found, start = [], 0
        for text, sentence, places in zip(texts, sentences, spans, strict=True):
            part = slice(start, start + len(sentence))
            start += len(sentence)
            tags, scores = [self.labels[i] for i in chosen[part]], [float(score) for score in best[part]]
            if self.plain_tags:
                tags = [tag if there else "" for tag, there in zip(tags, seen[part], strict=True)]
            entities = [] if self.plain_tags else _entities(text, places, tags, scores)
            found.append(Tagged(text, sentence, tags, scores, entities))
        return found

    def fill(self, texts: Sequence[str], top: int = 5) -> list[Filled]:
        """Guesses for every gap of each text, written "[MASK]" or as the tokeniser writes it; each as if the others
        stayed hidden. Raises DataError for a text without a gap, and for a student of another task."""
        from distill_core.tasks.gaps import MASK, encode_gaps

        self._wants("piece")
        tokenizer = self.student.tokenizer
        found = []
        for text in texts:
            shown = text.replace(tokenizer.mask_token, MASK)
            if MASK not in shown:
                raise DataError(f"There is no {MASK} in {text!r}.", hint=f"Write {MASK} where a word is to be guessed.")
            gaps = [self._guesses(row, top) for row in self._scores_at(encode_gaps(tokenizer, shown, self.max_tokens))]
            parts = shown.split(MASK)
            gaps += [[] for _ in range(len(parts) - 1 - len(gaps))]
            best = [gap[0].piece if gap else MASK for gap in gaps]
            filled = parts[0] + "".join(word + part for word, part in zip(best, parts[1:], strict=True))
            found.append(Filled(text, gaps, filled))
        return found

    def _scores_at(self, encoded: Any) -> np.ndarray:
        """[W, V] logits at the gaps that were not cut off."""
        from distill_core.signals.predict import predict_logits

        if not encoded.word_counts.sum():
            return np.empty((0, 0))
        return predict_logits(self.student, encoded, self.device)

    def _shares(self, logits: np.ndarray) -> np.ndarray:
        return _softmax(logits / self.temperature)

    def _guesses(self, logits: np.ndarray, top: int) -> list[Guess]:
        shares = self._shares(logits[None])[0]
        order = np.argsort(-shares, kind="stable")[:top]
        decode = self.student.tokenizer.decode
        return [Guess(decode([int(i)]).strip(), float(shares[i])) for i in order]

    @property
    def plain_tags(self) -> bool:
        """A tagger whose tags stand for themselves: it finds no entities."""
        return self.unit == "word" and not build_task(self.task).for_labels(self.labels).entities

    @property
    def task(self) -> str:
        """Its name in the catalogue."""
        return str(getattr(self.student, "task", DEFAULT_TASK))

    @property
    def unit(self) -> str:
        """What gets one prediction: "example" (`predict`), "word" (`tag`) or "piece" (`fill`)."""
        return build_task(self.task).unit

    def _wants(self, unit: str) -> None:
        if self.unit != unit:
            own = UNITS[self.unit]
            raise DataError(f"This student {own.student}.", hint=f"Use {own.method}.")


def _softmax(logits: np.ndarray) -> np.ndarray:
    exact = logits.astype(np.float64)
    scores = np.exp(exact - exact.max(axis=1, keepdims=True))
    return scores / scores.sum(axis=1, keepdims=True)


def _entities(
    text: str, places: Sequence[tuple[int, int]], tags: Sequence[str], scores: Sequence[float]
) -> list[Entity]:
    """Entities of IOB2 tags as emitted: an I- that continues nothing begins an entity."""
    runs: list[list[int]] = []
    before = "O"
    for number, tag in enumerate(tags):
        if tag != "O":
            if tag.startswith("I-") and before != "O" and before[2:] == tag[2:]:
                runs[-1].append(number)
            else:
                runs.append([number])
        before = tag
    found = []
    for run in runs:
        start, end = places[run[0]][0], places[run[-1]][1]
        found.append(Entity(tags[run[0]][2:], text[start:end], start, end, min(scores[i] for i in run)))
    return found
