"""What a person should know of each teacher before anything is downloaded: size, tokeniser, licence, and a light.

The light says how the teacher fits the student, whose vocabulary is that of the teacher it starts from, and the data:
told from config, tokeniser files and safetensors header alone.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from distill_core import hub, hub_search
from distill_core.checkpoints import CheckpointInfo
from distill_core.config import TeacherSection
from distill_core.errors import StillroomError
from distill_core.layout import BUNDLED_TEACHERS
from distill_core.models.labels import label_columns
from distill_core.services.drafts import Parts, foreign_paths, inspect, known_data
from distill_core.services.sizes import DEFAULT_CLASSES, teacher_parameters
from distill_core.shapes import fp32_bytes
from distill_core.tasks.base import build_task
from distill_core.weights import WEIGHTS

#: values a trained parameter holds: itself, its gradient and Adam's two moments
TRAINED = 4
_LICENCE = re.compile(r"^license:\s*['\"]?([\w.+-]+)", re.M)
_SHARD = re.compile(r"model-\d+-of-\d+\.safetensors")
_FRONT = re.compile(r"\A---\n(.*?)\n---", re.S)


def cards(draft: dict[str, Any], *, uploads_only: Path | None = None) -> list[dict[str, Any]]:
    """One card for each teacher of a draft that names one, in their order:

    {number (from 0), name, source, where: "bundled" | "folder" | "hub", error: {message, hint} | None, and where there
    is none: parameters, bytes (fp32), layers, hidden, tokenizer, vocabulary, labels, licence (None: not told),
    download: bytes still to be downloaded (0: here already), memory: bytes while it answers, or, where it is trained,
    of weights, gradients and optimizer, trained: bool, light: {state: "same" | "padded" | "other" (tokeniser) |
    "labels" (another label space), reference: name of the teacher that gives the student its vocabulary, said: what
    the labels lack, for "labels" alone}}.

    Teachers that may not be named where only uploads count (`drafts.foreign_paths`) are left out.
    """
    parts = Parts.of(draft)
    barred = {error.field for error in foreign_paths(None, dict(enumerate(parts.teachers)), uploads_only)}
    rows: list[dict[str, Any]] = []
    infos: dict[int, CheckpointInfo] = {}
    for number, teacher in enumerate(parts.teachers):
        if teacher is None or not teacher.source.strip() or f"teachers.{number}.source" in barred:
            continue
        row: dict[str, Any] = {"number": number, "name": teacher.name or teacher.source, "source": teacher.source}
        row |= {"where": _where(teacher.source), "error": None}
        try:
            infos[number] = inspect(teacher)
        except StillroomError as error:
            row["error"] = {"message": error.message, "hint": error.hint}
        rows.append(row)
    data = known_data(parts)
    counts = teacher_parameters(parts, infos, max(DEFAULT_CLASSES, len(data.labels) if data else 0)) if infos else {}
    start = parts.student.init_teacher - 1 if parts.student is not None else 0
    own = infos.get(start)
    for row in rows:
        info = infos.get(row["number"])
        section = parts.teachers[row["number"]]
        if info is not None and section is not None:
            row |= _facts(section, info, counts[row["number"]], parts)
            row["light"] = _light(parts, section, info, own, data.labels if data else [])
    return rows


def _where(source: str) -> str:
    bare = source.strip()
    if bare.removeprefix("bundled:") in BUNDLED_TEACHERS:
        return "bundled"
    return "folder" if Path(bare).expanduser().exists() else "hub"


def _facts(section: TeacherSection, info: CheckpointInfo, parameters: int, parts: Parts) -> dict[str, Any]:
    trained = parts.mode != "as_is" and not section.pretrained_only
    on_hub = _where(section.source) == "hub"
    return {
        "name": section.name or info.name,
        "parameters": parameters,
        "bytes": fp32_bytes(parameters),
        "layers": info.layers,
        "hidden": info.hidden,
        "tokenizer": info.tokenizer_kind,
        "vocabulary": info.vocab_size,
        "labels": info.labels,
        "licence": _licence(section, info, on_hub),
        "download": _missing_bytes(section, info) if on_hub else 0,
        "memory": fp32_bytes(parameters) * (TRAINED if trained else 1),
        "trained": trained,
    }


def _light(
    parts: Parts, section: TeacherSection, info: CheckpointInfo, own: CheckpointInfo | None, labels: list[str]
) -> dict[str, Any]:
    reference = own.name if own is not None else None
    ready = parts.mode == "as_is" and not section.pretrained_only and build_task(parts.task).ready(info)
    if ready and labels and info.labels:
        try:
            label_columns(info.labels, labels, section.label_mapping, field="")
        except StillroomError as error:
            return {"state": "labels", "reference": reference, "said": f"{error.message} {error.hint}".strip()}
    if own is None or info.tokenizer_fingerprint != own.tokenizer_fingerprint:
        return {"state": "other" if own is not None else "same", "reference": reference}
    return {"state": "same" if info.vocab_size == own.vocab_size else "padded", "reference": reference}


_licences: dict[tuple[str, str | None], str | None] = {}


def _licence(section: TeacherSection, info: CheckpointInfo, on_hub: bool) -> str | None:
    """Of the card in its folder, or of its tags on the Hub; None when neither tells."""
    if not on_hub or not hub.online():
        return _licence_of_folder(info.folder)
    key = (section.source, section.revision)
    if key not in _licences:
        try:
            _licences[key] = hub_search.licence(section.source, revision=section.revision)
        except StillroomError:
            return None  # asked again at the next look
    return _licences[key]


def _licence_of_folder(folder: Path) -> str | None:
    try:
        front = _FRONT.match((folder / "README.md").read_text(encoding="utf-8", errors="replace")[:20_000])
    except OSError:
        return None
    found = _LICENCE.search(front.group(1)) if front else None
    return found.group(1) if found else None


_weights: dict[tuple[str, str | None], list[hub.RemoteFile]] = {}


def _missing_bytes(section: TeacherSection, info: CheckpointInfo) -> int | None:
    """Bytes of the weights on the Hub that are not in the local cache; None when the Hub does not tell now."""
    from huggingface_hub import try_to_load_from_cache

    if not hub.online():
        return 0  # it was looked at, so it was downloaded before
    key = (section.source, section.revision)
    try:
        if key not in _weights:
            files = hub.list_files(section.source, section.revision, "model")
            whole = [file for file in files if file.name == WEIGHTS]
            _weights[key] = whole or [file for file in files if _SHARD.fullmatch(file.name)]
    except StillroomError:
        return None
    return sum(
        file.size
        for file in _weights[key]
        if not isinstance(try_to_load_from_cache(section.source, file.name, revision=section.revision), str)
    )
