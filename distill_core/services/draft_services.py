"""The part of `Services` that answers about a draft, before anything is started: data, teachers, sizes, times."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial
from pathlib import Path
from typing import Any

from distill_core import hub, hub_search
from distill_core.jobs.store import Store
from distill_core.layout import DataHome
from distill_core.services import check as checking
from distill_core.services import drawing, files, fitting, own_students, teacher_cards
from distill_core.services import look as looking
from distill_core.services.check import CheckOutcome
from distill_core.services.planning import Planning
from distill_core.services.warm import WarmChild
from distill_core.settings import Settings


class DraftServices(ABC):
    """Mixed into `Services`, which has these."""

    settings: Settings
    home: DataHome
    store: Store
    warm: WarmChild
    _planning: Planning

    @abstractmethod
    def runs(self, limit: int | None = None) -> list[dict[str, Any]]:
        """All runs, newest first."""

    @abstractmethod
    def _uploads_only(self) -> Path | None:
        """The folder that files may come from; None: any."""

    def check(self, draft: dict[str, Any]) -> CheckOutcome:
        """Everything that can be known before a start; never raises for a bad draft. Same as the CLI's `check`."""
        return checking.check_config(draft, uploads_only=self._uploads_only())

    def look(self, draft: dict[str, Any]) -> dict[str, Any]:
        """What there is to see of a draft's data, in bounded time and memory; of long files the first part is taken,
        of a data set on the Hub the first rows (`look.HUB_ROWS`), unless a check has fetched it already.

        {task, columns: [{name, role: "text" | "text_pair" | "label" | "language" | None}], rows: [{column: value}],
         sizes: {split: rows}, counted: "rows" | "entities" | "words", balance: [{label, counts: {split: number}}],
         lengths: {unit: "tokens" | "words" | "characters", rows (that were measured), bins: [{first, last (None =
             open), count}], median, high (95% are no longer), longest, limit (max_tokens) | None, over: share} | None,
         whole: bool (were the files taken whole?), read: training rows that were read, about: how many there are,
         estimated where not whole (None: not told), findings: as `check`'s, with `remedy` (a setting of
         `data.remedies`) and `applied` where there is one, remedies: [settings that are on]}, or
        {error, field} where there is nothing to look at.
        """
        return looking.look(draft, uploads_only=self._uploads_only())

    def sizes(self, draft: dict[str, Any]) -> dict[str, Any]:
        """{parameters, bytes, megabytes (10^6 bytes), compression, teacher_parameters} of the student as typed;
        {error: str, field: str | None} when it cannot be computed."""
        return checking.sizes(draft, uploads_only=self._uploads_only())

    def drawing(self, draft: dict[str, Any]) -> dict[str, Any]:
        """Which teacher layer teaches which student layer, and what each of the student's parts starts as.

        {student: {words, parts (from the input up): [{title, role: "embedding" | "layer" | "pooled" | "prediction" |
             "" (others), layer (from 1; 0: no layer), size (units, in short), given: {how: "copied" | "svd" |
             "if_equal", layer (the teacher's; 0: its part of the same role)} | None (random, or nothing to learn),
             learns: bool}]},
         teachers: [{number (from 0), name, layers, hidden, gives: bool (the student starts from it), parts: [{title,
             role, layer}],
             links: [{term, title, at: "layer" | "pooled" | "prediction", level (of hidden states), stages: [name],
             pairs: [[student layer, teacher layer]]}]}],
         left_out: [{field: term, message, hint}] (terms that cannot work)}, or
        {missing: [{field, message, hint}]} while there is nothing to draw.
        """
        return drawing.drawing(draft, uploads_only=self._uploads_only())

    def recipe_fits(self, draft: dict[str, Any], *, measure: bool = True) -> list[dict[str, Any]]:
        """[{name, reason: {field, message, hint} | None (it suits what is chosen so far), task: bool (it is for another
        task), estimate: as `estimate`'s, or {state: "measuring"}, or None}] of every recipe, quickly: data that no
        check has seen are left alone. measure: times that are not known, one after the other, while no run is on."""
        measure = measure and not self.store.with_status("running", "stopping")
        seconds = partial(self._planning.spare_estimate, measure=measure)
        return fitting.fits(draft, uploads_only=self._uploads_only(), seconds=seconds)

    def warm_up(self) -> None:
        """Somebody opened New run: start the helper that measures, if it is not there. Returns at once."""
        self.warm.warm_up()

    def latency_preview(self, draft: dict[str, Any], *, anew: bool = False) -> dict[str, Any]:
        """Latency of the draft's student and teachers on this machine, with random weights; returns at once, ask again.
        anew: a failure of a moment ago is not the answer.

        {state: "starting" | "measuring"}, or
        {state: "ready", rows: [{name, role, batch, tokens, threads, runtime, device, p50, p95, cpu_ms, repeats}],
         speedup: {batch (str): ×}, against: name of the smallest teacher, compared: "cpu_ms" | "p50" (what speed-ups
         are made of), protocol: str}, or
        {state: "failed", error, hint, field}. With `vocabulary: seen` the whole vocabulary is measured.
        """
        return self._planning.latency(draft, anew=anew)

    def estimate(self, draft: dict[str, Any]) -> dict[str, Any]:
        """What the draft's run would take on this machine; returns at once, ask again.

        {state: "starting" | "measuring", measuring: True}, or
        {state: "ready", seconds, low, high, cpu_seconds, parts: [{stage, seconds, cpu_seconds}], memory_bytes,
         disk_bytes, signals: "live" | "cached", basis: str} (`planner.estimate` says what each is), or
        {state: "failed", error, hint, field}."""
        return self._planning.estimate(draft)

    def teacher_cards(self, draft: dict[str, Any]) -> list[dict[str, Any]]:
        """What is known of each teacher of a draft before anything is downloaded; see `services.teacher_cards`."""
        return teacher_cards.cards(draft, uploads_only=self._uploads_only())

    def own_students(self) -> list[dict[str, Any]]:
        """[{id, name, student (in short), created, quality_kept, source}] of finished runs whose student can teach,
        newest first; `source` is the checkpoint to name."""
        return own_students.finished(self.runs(), self.home)

    def search(self, kind: hub.Kind, text: str) -> list[dict[str, Any]]:
        """Checkpoints ("model") or data sets ("dataset") on the Hub whose name holds `text`, the most downloaded
        first: dicts of `hub_search.Found`. Raises NetworkError, at once without a network."""
        return hub_search.search(kind, text)

    def hub_configurations(self, name: str, revision: str | None = None) -> list[dict[str, Any]]:
        """[{name, splits {name: rows | None}, columns {name: type}}] of a data set on the Hub, as far as it tells.
        Raises DataError, NetworkError."""
        return hub_search.configurations(name, revision)

    def store_upload(self, temp_path: str, original_name: str) -> str:
        """Copy an uploaded file under the data folder and return its path. Raises DataError (ending, size)."""
        return files.store_upload(self.home, Path(temp_path), original_name, self.settings.max_upload_mb)

    def store_uploads(self, files_: list[tuple[str, str]]) -> tuple[str, list[str]]:
        """Copy (temporary path, name) files; (path, languages): several are one a language, with `{language}` in the
        path. Raises DataError."""
        named = [(Path(path), name) for path, name in files_]
        return files.store_uploads(self.home, named, self.settings.max_upload_mb)
