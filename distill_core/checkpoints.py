"""What a checkpoint is, from config.json, tokeniser files and the safetensors header: no torch, no tensor read."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from distill_core import hub, saved_students, weights
from distill_core.errors import CheckpointError
from distill_core.families import Tensors, count, dimensions, family_of, has_masked_head, head_labels
from distill_core.layout import BUNDLED_TEACHERS
from distill_core.saved_students import SavedStudent
from distill_core.tasks.base import build_task
from distill_core.vocabulary import piece_counter, read_vocabulary

BUNDLED = "bundled:"
CONFIG = "config.json"
#: what is fetched from the Hub; nothing that could run code
SMALL_FILES = ["*.json", "*.txt", "*.model"]
WEIGHT_FILES = [weights.WEIGHTS, "model-*-of-*.safetensors"]


@dataclass(frozen=True)
class CheckpointInfo:
    """A teacher's checkpoint, described.

    layers: how many are used (`keep_layers` where given). max_positions: longest usable input, in tokens.
    parameters: of the encoder with these layers; no MLM, classification or pooler head is counted. total_parameters:
    all tensors in the file(s), less the layers that are not used; a checkpoint used as is, with its own
    classification head, has pooler and head on its inference path too, so that this is its size. is_classifier,
    is_tagger, is_masked_lm: whether it has a head that labels texts, or words, or guesses hidden words. labels: names
    of a labelling head's outputs in order, None without one. tokenizer_fingerprint: equal exactly when two tokenisers
    cut texts into the same numbered pieces. fingerprint: content address of weights, config and `keep_layers`.
    per_layer: parameters of each used layer; empty where all layers share theirs. student: set where it is a saved
    student of ours, which has no config.json; a BiLSTM's hidden width is that of both directions, and it has no heads.
    """

    source: str
    name: str
    folder: Path
    model_type: str
    layers: int
    hidden: int
    heads: int
    intermediate: int
    vocab_size: int
    max_positions: int
    parameters: int
    total_parameters: int
    is_classifier: bool
    labels: list[str] | None
    tokenizer_kind: str
    tokenizer_fingerprint: str
    fingerprint: str
    per_layer: tuple[int, ...] = ()
    is_tagger: bool = False
    is_masked_lm: bool = False
    student: SavedStudent | None = None


def resolve(source: str, revision: str | None = None) -> Path:
    """The local folder of a checkpoint: ``bundled:NAME``, a folder, or a name on the Hub, which is then downloaded.

    Raises CheckpointError (no such thing, or nothing that can be used) and NetworkError (no way to the Hub).
    """
    local = _local(source)
    if local is not None:
        return local
    if hub.online():
        _refuse_unusable(source, [file.name for file in hub.list_files(source, revision, "model")])
    return hub.fetch(source, revision, SMALL_FILES + WEIGHT_FILES)


def inspect(source: str, revision: str | None = None, keep_layers: int | None = None) -> CheckpointInfo:
    """Describe a checkpoint, or a saved student (its folder or its run's); one on the Hub is downloaded first.

    Raises CheckpointError for what cannot be a teacher, NetworkError when the Hub is needed and out of reach.
    """
    folder = resolve(source, revision)
    own = saved_students.find(folder)
    if own is not None:
        return _describe_student(source, own, keep_layers)
    config = read_config(folder)
    family_of(config, str(folder))  # before the weights: a decoder is refused as one, whatever its files
    files = weights.weight_files(folder)
    hashes = {path.name: weights.file_hash(path) for path in [*files, folder / CONFIG]}
    found = _Found(source, folder, config, weights.folder_tensors(folder), hashes)
    return _describe(found, keep_layers)


def inspect_light(source: str, revision: str | None = None, keep_layers: int | None = None) -> CheckpointInfo:
    """Like `inspect`, but downloads no weights: of a checkpoint on the Hub, only the safetensors header is read.

    The result is the same, for files that the Hub keeps with their sha256 (as it does for weights).
    """
    if _local(source) is not None or not hub.online():
        return inspect(source, revision, keep_layers)
    found = _remote(source, revision)
    return _describe(found, keep_layers)


def count_pieces(info_or_folder: CheckpointInfo | Path) -> Callable[[list[str]], list[int]]:
    """A function giving the number of pieces of each text, special pieces included, nothing cut off.

    Raises CheckpointError when the folder has no tokenizer.json.
    """
    return piece_counter(info_or_folder.folder if isinstance(info_or_folder, CheckpointInfo) else Path(info_or_folder))


def read_config(folder: Path) -> dict[str, Any]:
    """config.json of a checkpoint folder. Raises CheckpointError."""
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CheckpointError(
            f"{folder} is no checkpoint: it holds no {CONFIG}.", hint="Choose a folder written by save_pretrained."
        ) from None
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"{folder / CONFIG} cannot be read ({error}).", hint="Copy or download the checkpoint again."
        ) from None
    if not isinstance(config, dict):
        raise CheckpointError(f"{folder / CONFIG} holds no settings.", hint="Copy or download the checkpoint again.")
    return config


@dataclass(frozen=True)
class _Found:
    source: str
    folder: Path
    config: dict[str, Any]
    tensors: Tensors
    hashes: dict[str, str]


def _local(source: str) -> Path | None:
    """The folder of a checkpoint on this machine, or None when `source` is a name on the Hub."""
    source = source.strip()
    if source.startswith(BUNDLED):
        name = source.removeprefix(BUNDLED)
        if name not in BUNDLED_TEACHERS:
            raise CheckpointError(
                f"There is no bundled teacher {name!r}.", hint=f"Bundled are: {', '.join(sorted(BUNDLED_TEACHERS))}."
            )
        folder = BUNDLED_TEACHERS[name]
        if not folder.is_dir():
            raise CheckpointError(
                f"The bundled teacher {name} is missing from this copy of the project.", hint="Fetch the project again."
            )
        return folder
    path = Path(source).expanduser()
    if path.is_dir():
        return path.resolve()
    if path.is_file():
        raise CheckpointError(f"{source} is a file.", hint=f"Give the folder it lies in: {path.resolve().parent}.")
    if re.match(r"[/.~\\]|[A-Za-z]:[/\\]", source) or source.count("/") > 1 or source.endswith("/") or "\\" in source:
        raise CheckpointError(
            f"There is no such folder: {source}.",
            hint="Check the path; relative ones start where the program was started.",
        )
    hub.check_name(source, "model")
    return None


def _refuse_unusable(name: str, files: list[str]) -> None:
    """Say what is missing before anything is downloaded."""
    if CONFIG not in files:
        raise CheckpointError(f"{name} on the Hub is no transformers checkpoint: it has no {CONFIG}.")
    if not {weights.WEIGHTS, weights.INDEX} & set(files):
        raise weights.no_weights([file for file in files if "/" not in file], f"{name} on the Hub")


@lru_cache(maxsize=32)
def _remote(name: str, revision: str | None) -> _Found:
    # Remembered for the life of the process: the page asks again with every keystroke of other settings.
    files = hub.list_files(name, revision, "model")
    _refuse_unusable(name, [file.name for file in files])
    folder = hub.fetch(name, revision, SMALL_FILES)
    config = read_config(folder)
    family_of(config, name)
    single = any(file.name == weights.WEIGHTS for file in files)
    used = {weights.WEIGHTS} if single else set(weights.shard_names(folder))
    hashes = {file.name: file.digest for file in files if file.name in used}
    hashes[CONFIG] = weights.file_hash(folder / CONFIG)
    return _Found(name, folder, config, hub.remote_tensors(name, revision), hashes)


def _describe(found: _Found, keep_layers: int | None) -> CheckpointInfo:
    where, config = str(found.folder), found.config
    if found.source.startswith(BUNDLED) or found.folder.name == Path(found.source).name:
        name = found.source.removeprefix(BUNDLED).rstrip("/").rpartition("/")[2]
    else:
        name = Path(found.source).name or found.folder.name
    family = family_of(config, where)
    sizes = dimensions(config, family, where)
    counted = count(found.tensors, config, where)
    if keep_layers is not None and not 1 <= keep_layers <= sizes.layers:
        raise CheckpointError(
            f"{name} has {sizes.layers} layers, so its first {keep_layers} cannot be used.",
            hint=f"Choose 1 to {sizes.layers}, or leave it empty for all.",
        )
    layers = keep_layers or sizes.layers
    labels, tags = head_labels(config, found.tensors), _tag_labels(config, found.tensors)
    vocabulary = read_vocabulary(found.folder)
    return CheckpointInfo(
        source=found.source,
        name=name,
        folder=found.folder,
        model_type=config["model_type"],
        layers=layers,
        hidden=sizes.hidden,
        heads=sizes.heads,
        intermediate=sizes.intermediate,
        vocab_size=sizes.vocab_size,
        max_positions=sizes.max_positions,
        parameters=counted.encoder(layers),
        total_parameters=counted.total - counted.encoder(sizes.layers) + counted.encoder(layers),
        is_classifier=labels is not None,
        labels=tags if labels is None else labels,
        tokenizer_kind=vocabulary.kind,
        tokenizer_fingerprint=vocabulary.fingerprint,
        fingerprint=weights.content_address(found.hashes, layers if layers < sizes.layers else None),
        per_layer=counted.per_layer[:layers],
        is_tagger=tags is not None,
        is_masked_lm=has_masked_head(found.tensors),
    )


def _describe_student(source: str, folder: Path, keep_layers: int | None) -> CheckpointInfo:
    name = saved_students.display_name(folder)
    if keep_layers is not None:
        raise CheckpointError(
            f"{name} is a saved student, which teaches as a whole, not with its first {keep_layers} layers.",
            hint="Leave the number of layers empty.",
        )
    files = weights.weight_files(folder)
    found = saved_students.figures(folder, weights.folder_tensors(folder))
    hashes = {path.name: weights.file_hash(path) for path in [*files, folder / saved_students.DESCRIPTION]}
    vocabulary = read_vocabulary(folder)
    unit = build_task(found.task).unit
    return CheckpointInfo(
        source=source,
        name=name,
        folder=folder,
        model_type=found.model_type,
        layers=found.layers,
        hidden=found.hidden,
        heads=found.heads,
        intermediate=found.intermediate,
        vocab_size=found.vocab_size,
        max_positions=found.max_positions,
        parameters=found.parameters,
        total_parameters=found.total,
        is_classifier=unit == "example",
        labels=found.labels or None,
        tokenizer_kind=vocabulary.kind,
        tokenizer_fingerprint=vocabulary.fingerprint,
        fingerprint=weights.content_address(hashes, None),
        per_layer=found.per_layer,
        is_tagger=unit == "word",
        is_masked_lm=unit == "piece",
        student=found.student,
    )


def _tag_labels(config: dict[str, Any], tensors: Tensors) -> list[str] | None:
    """Label names of a token classifier in the order of its logits; None when there is no such head.

    As in `families.head_labels`, names that config.json leaves out are transformers' own, ``LABEL_0`` ….
    """
    weight = tensors.get("classifier.weight")
    if not any(str(name).endswith("ForTokenClassification") for name in config.get("architectures") or []):
        return None
    if weight is None or len(weight[1]) != 2 or weight[1][0] < 2:
        return None
    names = config.get("id2label") or {}
    return [str(names.get(str(i), f"LABEL_{i}")) for i in range(weight[1][0])]
