"""An export's folder put on the Hugging Face Hub, as a repository of its own. No torch."""

from __future__ import annotations

from pathlib import Path

from distill_core import hub
from distill_core.errors import JobError, NetworkError, StillroomError

#: the setting errors about the name belong to
FIELD = "repository"


def own_token() -> str | None:
    """The token of this machine: of the environment (`HF_TOKEN`), or of `hf auth login`."""
    from huggingface_hub import get_token

    return get_token() or None


def push(folder: Path, name: str, *, token: str | None = None, private: bool = True, message: str = "") -> str:
    """Makes the repository where it is not there, uploads the folder's files, and returns its address.

    Files of the same names are replaced, others stay. The token goes into requests and nowhere else.

    Args:
        folder: an export.
        name: OWNER/NAME, or NAME for the token's owner.
        token: with the right to write; None: this machine's own.
        private: only of a new repository.
        message: of the commit.

    Raises:
        JobError: there is no token, or no such folder. CheckpointError: the name is none. NetworkError: the Hub cannot
        be reached, or refuses.
    """
    hub.check_name(name, "model", FIELD)
    if not (folder / "README.md").is_file():
        raise JobError("There is no such export to upload.", hint="Build it first.")
    if not hub.online():
        raise NetworkError(
            f"The Hub ({hub.endpoint()}) cannot be reached.",
            hint="Nothing is lost: push when there is a network, with the app started anew.",
        )
    known = token or own_token()
    if not known:
        raise JobError(
            "There is no token to write to the Hub with.",
            hint=f"Make one with the right to write on {hub.endpoint()}/settings/tokens; give it here or as HF_TOKEN.",
            field="token",
        )
    api = hub.client(seconds=UPLOAD_SECONDS)
    try:
        made = api.create_repo(name, token=known, private=private, exist_ok=True, repo_type="model")
        api.upload_folder(
            repo_id=made.repo_id,
            folder_path=folder,
            token=known,
            commit_message=message or "Student distilled by Stillroom",
            ignore_patterns=[".*"],
        )
    except StillroomError:
        raise
    except Exception as error:
        raise _in_words(error, name) from None  # not chained: what a client raises may hold its request
    return f"{hub.endpoint()}/{made.repo_id}"


#: for one answer of the Hub while files go up
UPLOAD_SECONDS = 120.0


def _in_words(error: Exception, name: str) -> StillroomError:
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status == 401:
        return NetworkError(
            "The Hub does not accept this token (401).",
            hint="Make a new one with the right to write, and give it here.",
        )
    if status == 403:
        return NetworkError(
            f"This token may not write to {name} (403).",
            hint="Give a token with the right to write, or a repository of your own.",
        )
    known = hub.explain(error, name, "model")
    if isinstance(known, NetworkError) and status is None:
        known.hint = "Nothing is lost: push again when the Hub can be reached."
        return known
    if status is not None:
        return NetworkError(f"The Hub refused the upload (error {status}).", hint="Try again in a moment.")
    if isinstance(error, OSError):
        return JobError(f"The files could not be read: {error.strerror or error}.", hint="Build the export again.")
    return NetworkError(f"The upload to {name} failed ({type(error).__name__}).", hint="Try it again.")
