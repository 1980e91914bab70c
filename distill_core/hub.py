"""The Hugging Face Hub: whether it can be reached, fetching from it, and its errors in words."""

from __future__ import annotations

import errno
import os
import socket
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from distill_core.errors import CheckpointError, DataError, DiskError, NetworkError, StillroomError

if TYPE_CHECKING:
    from huggingface_hub import HfApi

Kind = Literal["model", "dataset"]

PROBE_SECONDS = 2.0  # for the one TCP connection that decides whether there is a network
ANSWER_SECONDS = 10.0  # for any single answer of the Hub
_OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE")
_INSTEAD = {
    "model": "Without a network, give a folder on this machine instead",
    "dataset": "Without a network, choose files on this machine instead",
}


def endpoint() -> str:
    """The Hub's address (`HF_ENDPOINT`, by default https://huggingface.co), without a slash at the end."""
    return (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")


@lru_cache(maxsize=1)
def online() -> bool:
    """True when the Hub's host (or the proxy in front of it) accepts a TCP connection. Decided once per process."""
    if any(os.environ.get(name, "").upper() in {"1", "ON", "YES", "TRUE"} for name in _OFFLINE[:2]):
        return False
    answered = threading.Event()
    # In a thread, because looking up a host name obeys no timeout.
    probe = threading.Thread(target=_probe, args=(*_probed_host(), answered), daemon=True)
    probe.start()
    probe.join(PROBE_SECONDS)
    return answered.is_set()


def decide_offline() -> bool:
    """Switch the Hugging Face libraries to offline when there is no network; True when offline.

    They read these variables when they are imported, so this comes before the first import of transformers or
    datasets. Without it, transformers spends most of a minute on retries for every missing file.
    """
    if online():
        return False
    os.environ.update(dict.fromkeys(_OFFLINE, "1"))
    return True


def require_online(what: str) -> None:
    """Raise NetworkError unless the Hub can be reached. `what` names what has to come from there."""
    if not online():
        raise NetworkError(
            f"{what} has to come from the Hub ({endpoint()}), which cannot be reached.",
            hint="Without a network, use a folder or files on this machine.",
        )


def _probed_host() -> tuple[str, int]:
    address = urlsplit(endpoint())
    host, scheme = address.hostname or "huggingface.co", address.scheme or "https"
    proxy = urllib.request.getproxies().get(scheme)
    if proxy and not urllib.request.proxy_bypass(host):
        address = urlsplit(proxy if "//" in proxy else f"//{proxy}")
        host, scheme = address.hostname or host, address.scheme or "http"
    return host, address.port or (443 if scheme == "https" else 80)


def _probe(host: str, port: int, answered: threading.Event) -> None:
    try:
        socket.create_connection((host, port), timeout=PROBE_SECONDS).close()
    except OSError:
        return
    answered.set()


# ---------------------------------------------------------------- repositories


@dataclass(frozen=True)
class RemoteFile:
    """A file in a repository on the Hub. digest: sha256 of its content where the Hub keeps one, else its git id."""

    name: str
    size: int
    digest: str


def check_name(name: str, kind: Kind, field: str | None = None) -> None:
    """Raise CheckpointError (models) or DataError (data sets) for what can be no name on the Hub."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    try:
        validate_repo_id(name)
    except HFValidationError:
        error = CheckpointError if kind == "model" else DataError
        raise error(
            f"{name!r} is neither a folder here nor a possible name on the Hub.",
            hint="Names there look like owner/name: letters, digits, hyphens, dots and underscores.",
            field=field,
        ) from None


def list_files(name: str, revision: str | None, kind: Kind) -> list[RemoteFile]:
    """The files of a repository. Raises CheckpointError or DataError (no such name …) or NetworkError."""
    with in_words(name, kind, revision):
        info = client().repo_info(name, repo_type=kind, revision=revision, timeout=ANSWER_SECONDS, files_metadata=True)
        return [
            RemoteFile(f.rfilename, f.size or 0, (f.lfs.sha256 if f.lfs else None) or f.blob_id or "")
            for f in getattr(info, "siblings", None) or []
        ]


def commit_of(name: str, revision: str | None, kind: Kind) -> str:
    """The commit a revision (None: the default branch) stands for; without a network, the one seen last."""
    api = client()
    with in_words(name, kind, revision):
        return api.resolve_revision(name, repo_type=kind, revision=revision, local_files_only=not online()).resolved


def fetch(name: str, revision: str | None, patterns: list[str], kind: Kind = "model") -> Path:
    """The local copy of a repository's top-level files that match `patterns`, downloaded where needed.

    Without a network, what was downloaded before is taken. Raises CheckpointError, DataError, NetworkError, DiskError.
    """
    from huggingface_hub import snapshot_download

    client()
    with in_words(name, kind, revision):
        return Path(
            snapshot_download(
                name,
                repo_type=kind,
                revision=revision,
                allow_patterns=patterns,
                ignore_patterns=["*/*"],
                etag_timeout=ANSWER_SECONDS,
                local_files_only=not online(),
            )
        )


def remote_tensors(name: str, revision: str | None) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Tensor name → (dtype, shape) of a model on the Hub: only the safetensors headers are downloaded."""
    with in_words(name, "model", revision):
        found = client().get_safetensors_metadata(name, revision=revision, timeout=ANSWER_SECONDS)
        return {
            tensor: (str(info.dtype), tuple(info.shape))
            for file in found.files_metadata.values()
            for tensor, info in file.tensors.items()
        }


def client(seconds: float = ANSWER_SECONDS) -> HfApi:
    """The Hub's client, with a time limit on every answer."""
    # Imported late: it costs a third of a second.
    from huggingface_hub import HfApi
    from huggingface_hub.utils import get_session

    # Left alone, the client waits for ever; it is made anew after some errors, hence set each time.
    get_session().timeout = seconds
    return HfApi()


def listed(path: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    """One page of a list of the Hub (``api/models`` …), most likely whole; raises what the client raises.

    `HfApi.list_models` takes no time limit, and would wait for a silent Hub for ever.
    """
    from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

    answer = get_session().get(
        f"{endpoint()}/{path}", params=parameters, headers=build_hf_headers(), timeout=ANSWER_SECONDS
    )
    hf_raise_for_status(answer)
    found = answer.json()
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


@contextmanager
def in_words(name: str, kind: Kind, revision: str | None = None) -> Iterator[None]:
    """Turn what the Hub's client raises inside into errors for people."""
    try:
        yield
    except StillroomError:
        raise
    except Exception as error:
        known = explain(error, name, kind, revision)
        if known is None:
            raise
        raise known from error


def explain(error: BaseException, name: str, kind: Kind, revision: str | None = None) -> StillroomError | None:
    """The error for people behind an exception of huggingface_hub or its HTTP client; None for an unknown one."""
    import httpx2
    from huggingface_hub import errors as hub

    wrong = CheckpointError if kind == "model" else DataError
    what = "checkpoint" if kind == "model" else "data set"
    missing = f"{name} is no folder here; " if kind == "model" else f"{name} is no bundled data set; "
    if isinstance(error, hub.GatedRepoError):
        return wrong(
            f"{name} is gated: its owner gives access on request only.",
            hint=f"Ask for it on {endpoint()}/{name}, then log in with `hf auth login`.",
        )
    if isinstance(error, hub.RevisionNotFoundError):
        return wrong(f"{name} has no revision {revision!r}.", hint="Leave the revision empty for the default branch.")
    if isinstance(error, hub.RepositoryNotFoundError):
        return wrong(
            f"There is no {what} {name} on the Hub, or it is private.",
            hint="Check the spelling (owner/name); for a private one, log in with `hf auth login`.",
        )
    if isinstance(error, hub.SafetensorsParsingError):
        return wrong(f"The weights of {name} on the Hub are damaged ({error}).", hint="Choose another revision.")
    if isinstance(error, (hub.OfflineModeIsEnabled, hub.LocalEntryNotFoundError, hub.RevisionResolutionError)):
        return NetworkError(
            f"{missing}it has to come from the Hub ({endpoint()}), which cannot be reached, and it was not "
            f"(or not wholly) downloaded before.",
            hint=f"{_INSTEAD[kind]}; with one, try again.",
        )
    if isinstance(error, hub.HfHubHTTPError):
        return _explain_status(error, name, kind)
    if isinstance(error, (httpx2.TimeoutException, TimeoutError)):
        return NetworkError(f"The Hub did not answer in time about {name}.", hint=f"Try again later. {_INSTEAD[kind]}.")
    if isinstance(error, (httpx2.TransportError, ConnectionError, socket.gaierror)):
        return NetworkError(f"The Hub ({endpoint()}) cannot be reached for {name}.", hint=f"{_INSTEAD[kind]}.")
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskError(f"The disk is full: {name} cannot be downloaded.", hint="Free some space and try again.")
    return None


def _explain_status(error: Exception, name: str, kind: Kind) -> StillroomError:
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status in (401, 403):
        return NetworkError(
            f"The Hub refused access to {name} ({status}).", hint="Log in again with `hf auth login`, or give a folder."
        )
    if status == 429:
        return NetworkError("The Hub answers no more requests for now (429).", hint="Wait a few minutes and try again.")
    reason = f"the Hub answered with error {status}" if status else "the Hub gave an unusable answer"
    return NetworkError(f"{name} could not be fetched: {reason}.", hint=f"Try again later. {_INSTEAD[kind]}.")
