"""Stage 3: each teacher is asked once per example; what it says is kept on disk, shared by arms, seeds and runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from distill_core.config import TransformerStudent
from distill_core.models.layers import layer_map
from distill_core.signals.cache import build_cache
from distill_core.signals.files import COMPLETE
from distill_core.signals.fingerprint import fingerprint
from distill_core.signals.live import LiveSource
from distill_core.signals.types import SignalSource, SignalSpec
from distill_core.stages.context import RunContext
from distill_core.stages.prepare import Prepared, max_tokens
from distill_core.stages.teachers import TaughtTeachers

BATCH_SIZE = 64


@dataclass
class TeacherSignals:
    """What one teacher says about the pool, and where its states are compared with the student's."""

    source: SignalSource
    level: str


def layer_pairs(ctx: RunContext, prepared: Prepared, number: int) -> list[tuple[int, int]]:
    """(student layer, layer of teacher `number`) whose states are compared.

    A transformer's layer j of K is matched to round(j·L/K) (2106.01023 §3.2), a BiLSTM's last layer to the last.
    """
    student, teacher = ctx.config.student, prepared.teachers[number]
    if isinstance(student, TransformerStudent):
        return list(enumerate(layer_map(student.layers, teacher.layers), start=1))
    return [(student.lstm_layers, teacher.layers)]


def comparison_level(ctx: RunContext, prepared: Prepared, number: int) -> str:
    """ "token", "word" or "pooled" for teacher `number` (2106.01023: token by token needs equal tokenisation)."""
    wanted = ctx.config.objective.hidden_level
    if wanted != "auto":
        return wanted
    own = prepared.infos[ctx.config.student.init_teacher - 1].tokenizer_fingerprint
    same = prepared.infos[number].tokenizer_fingerprint == own
    return "token" if same and isinstance(ctx.config.student, TransformerStudent) else "word"


def signal_spec(ctx: RunContext, prepared: Prepared, number: int) -> SignalSpec:
    level = comparison_level(ctx, prepared, number)
    compares = bool(ctx.config.objective.hidden_weight)
    layers: tuple[int, ...] = ()
    if compares and level != "pooled":
        layers = tuple(sorted({layer for _, layer in layer_pairs(ctx, prepared, number)}))
    return SignalSpec(
        layers=layers, level="token" if level == "token" else "word", pooled=compares and level == "pooled"
    )


def item(number: int) -> str:
    return f"cache-{number}"


def run(ctx: RunContext, prepared: Prepared, taught: TaughtTeachers) -> list[TeacherSignals]:
    """Raises DiskError when the signals do not fit on the disk, Stopped when asked to (what was asked is kept)."""
    return [_signals(ctx, prepared, taught, number) for number in range(len(prepared.teachers))]


def _signals(ctx: RunContext, prepared: Prepared, taught: TaughtTeachers, number: int) -> TeacherSignals:
    teacher, texts = prepared.teachers[number], prepared.texts[number]
    spec, level = signal_spec(ctx, prepared, number), comparison_level(ctx, prepared, number)
    if ctx.config.signals == "live":
        ctx.plan.skip(item(number))
        return TeacherSignals(LiveSource(teacher, texts.pool, spec, ctx.device), level)
    ids = prepared.pool.ids
    folder = ctx.home.signals / fingerprint(taught.fingerprints[number], ids, spec, max_tokens(ctx, teacher))
    if (folder / COMPLETE).exists():
        ctx.log(f"{teacher.name}: all {len(ids):,} answers were already on disk.")
        ctx.plan.skip(item(number))
    else:
        ctx.plan.begin(f"asking {teacher.name} about {len(ids):,} texts")
    # Also for a complete one: it asks nobody when the files are sound, and builds them again when they are not.
    source = build_cache(
        folder,
        teacher,
        texts.pool,
        ids,
        spec,
        device=ctx.device,
        batch_size=BATCH_SIZE,
        on_progress=_told(ctx, number),
        stop=ctx.stop.is_set,
    )
    ctx.check_stop()
    return TeacherSignals(source, level)


def _told(ctx: RunContext, number: int) -> Callable[[int, int], None]:
    """Progress of one teacher's questioning; the first report tells what an earlier attempt had done."""
    progress = ctx.plan.item(item(number))
    first = True

    def told(done: int, total: int) -> None:
        nonlocal first
        (progress.restore if first else progress.advance)(done, total)
        first = False

    return told


def training_logits(signals: list[TeacherSignals]) -> list[np.ndarray]:
    """For each teacher its logits on the whole pool, [N, C] float32."""
    return [signal.source.logits() for signal in signals]
