"""Names and shapes of a checkpoint's tensors, from the safetensors header alone, and the hash of its files."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from pathlib import Path

from safetensors import SafetensorError, safe_open

from distill_core.errors import CheckpointError
from distill_core.families import Tensors

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".h5", ".msgpack")


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files of a checkpoint folder: one, or the shards its index names.

    Raises CheckpointError when there is none, when only pickled weights are there, or when a shard is missing.
    """
    if (folder / WEIGHTS).is_file():
        return [folder / WEIGHTS]
    if not (folder / INDEX).is_file():
        raise no_weights([entry.name for entry in folder.iterdir() if entry.is_file()], str(folder))
    files = [folder / name for name in shard_names(folder)]
    missing = [path.name for path in files if not path.is_file()]
    if missing:
        raise CheckpointError(
            f"The weights in {folder} are incomplete: {missing[0]} is missing.", hint="Copy the checkpoint again."
        )
    return files


def shard_names(folder: Path) -> list[str]:
    """The files that a sharded checkpoint's index names. Raises CheckpointError when the index is damaged."""
    index = folder / INDEX
    try:
        names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{index} is damaged ({error!r}).", hint="Copy the checkpoint again.") from None
    for name in names:
        # An index is data from elsewhere: its names may not lead out of the folder.
        if not isinstance(name, str) or Path(name).name != name:
            raise CheckpointError(f"{index} names {name!r}, which is no file of its folder.")
    if not names:
        raise CheckpointError(f"{index} names no files.", hint="Copy the checkpoint again.")
    return names


def no_weights(names: list[str], where: str) -> CheckpointError:
    """Why the files `names` are no usable weights, and the way out."""
    pickled = sorted(name for name in names if name.endswith(PICKLES) and not name.startswith("training_args"))
    if pickled:
        return CheckpointError(
            f"{where} holds its weights only as {pickled[0]}, a format that can run code when opened.",
            hint="Convert it once, on a machine where you trust it: `AutoModel.from_pretrained(…)`, then "
            "`model.save_pretrained(NEW_FOLDER, safe_serialization=True)`, and choose that folder.",
        )
    return CheckpointError(
        f"There are no weights in {where} (no {WEIGHTS}).", hint="Choose a folder written by save_pretrained."
    )


def read_header(path: Path) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Tensor name → (dtype, shape) of one safetensors file; no tensor is read. Raises CheckpointError if damaged."""
    try:
        with safe_open(path, framework="numpy") as file:
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
            return {name: (part.get_dtype(), tuple(part.get_shape())) for name, part in slices.items()}
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(
            f"{path} is damaged or was cut short ({error}).", hint="Copy or download the checkpoint again."
        ) from None


def folder_tensors(folder: Path) -> Tensors:
    """All tensors of a checkpoint folder, shards merged."""
    return {name: spec for path in weight_files(folder) for name, spec in read_header(path).items()}


def content_address(hashes: dict[str, str], keep_layers: int | None) -> str:
    """sha256 over the files' own hashes (file name → hash); a checkpoint cut to its first layers is another one."""
    lines = [f"{name} {value}" for name, value in sorted(hashes.items())]
    return hashlib.sha256("\n".join([*lines, f"keep_layers {keep_layers}"]).encode()).hexdigest()


def file_hash(path: Path) -> str:
    """sha256 of a file's content; remembered while size and modification time stay the same."""
    real = path.resolve()
    stat = real.stat()
    return _file_hash(str(real), stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=256)
def _file_hash(path: str, size: int, modified: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
