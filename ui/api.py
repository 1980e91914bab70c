"""The public API: seven functions with names that stay, for `gradio_client`, plain HTTP and MCP.

Nothing else of the page is offered. The docstrings become the descriptions of the MCP tools: they speak to whoever
calls. Inputs come from outside: each has the page's own checks behind it, and whoever may not name files of this
machine on the page may not here (docs/api.md).
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from typing import Any, TypeVar, get_type_hints

import gradio as gr

from distill_core.errors import ConfigError, DataError, FieldError, StillroomError
from distill_core.services.viewing import ViewerError
from ui import markup, text, typed_yaml
from ui import text_api as words
from ui.pages.new_review import LONGEST_RUN

#: names under which they are offered; changing one breaks other people's programs
NAMES = ("check", "start", "status", "result", "predict", "stop", "runs")
LONGEST_TOKEN = 64
#: runs that are listed
MOST_RUNS = 200

_Answer = TypeVar("_Answer")


class Refused(gr.Error):
    """What was refused, in words. No traceback is printed: the fault is the caller's."""

    def __init__(self, message: str) -> None:
        super().__init__(message, print_exception=False)

    def __str__(self) -> str:
        return str(self.message)


def build(services: Any) -> None:
    """Inside `gr.Blocks`. Not queued: a queue would hold `status` back behind `predict`."""
    for function in functions(services):
        # Gradio reads what a function returns from here, and no types out of text.
        function.__annotations__ = get_type_hints(function)
        gr.api(function, api_name=function.__name__, api_description=description(function), queue=False)


def description(function: Callable[..., Any]) -> str:
    """What a function is for and what it returns, out of its docstring; Gradio tells the arguments beside it."""
    about, _, rest = str(inspect.getdoc(function)).partition("\n\n")
    returns = rest.partition("Returns:")[2]
    return " ".join(f"{about} Returns {returns}".split())


def functions(services: Any) -> list[Callable[..., Any]]:
    """The seven, in the order of `NAMES`. All raise `Refused`."""

    def check(config: str) -> dict[str, Any]:
        """Look at a run's config before anything is trained: is every setting valid, can data and teachers be read, how
        large will the student be?

        Args:
            config: The run's config as YAML or JSON text. The recipes in assets/recipes are configs to start from.

        Returns:
            ok (can it be started?), errors (field, message, hint), findings about the data, and a summary of teachers,
            data and student.
        """
        return answered(lambda: checked(services, read_config(config)))

    def start(config: str, token: str = "") -> str:
        """Start a run: teachers are finetuned and taught from, the student is trained and measured. It is queued, and
        goes on when the caller is gone; ask `status` how far it is.

        Args:
            config: The run's config as YAML or JSON text.
            token: Any text that is new for each run: the same token twice starts one run, so a lost answer is no harm.

        Returns:
            the run's id.
        """
        return answered(lambda: started(services, read_config(config), token))

    def status(run: str) -> dict[str, Any]:
        """How far is a run?

        Args:
            run: The run's id, as `start` or `runs` gave it.

        Returns:
            status (queued, running, stopping, stopped, interrupted, failed or done), stage, share done (0 to 1), eta_s
            (seconds left, where they are known), and error (what went wrong, where something did).
        """
        return answered(lambda: services.state(run_id_of(run)))

    def result(run: str, whole: bool = False) -> dict[str, Any]:
        """What did a finished run come to: should its student be shipped, how much smaller and faster is it, and how
        much of the teachers' quality does it keep?

        Args:
            run: The run's id.
            whole: Also the whole report, with every figure, interval and protocol.

        Returns:
            verdict with its checks, headline and sentences, quality_kept (share of the best teacher's quality),
            compression and speedup (times), and report where it was asked for.
        """

        def told() -> dict[str, Any]:
            run_id = run_id_of(run)
            found: dict[str, Any] = services.figures(run_id)
            return {**found, "report": services.report(run_id)} if whole is True else found

        return answered(told)

    def predict(
        run: str, texts: list[str], pairs: list[str] | None = None, beside: bool = False
    ) -> dict[str, Any]:  # fmt: skip
        """Ask a finished run's student about texts. The first question loads the models and takes some seconds.

        Args:
            run: The run's id.
            texts: At most 200 texts of at most 5,000 characters.
            pairs: For tasks about two texts, as many second texts.
            beside: Also ask every teacher, and the control where it was kept.

        Returns:
            models, the student among them: name, role, seconds for all texts, and an answer for each text.
        """
        return answered(lambda: services.predict(run_id_of(run), *texts_of(texts, pairs), beside=beside is True))

    def stop(run: str) -> str:
        """Stop a run. It writes a checkpoint first and can be resumed on its page.

        Args:
            run: The run's id.

        Returns:
            its new status.
        """
        return answered(lambda: services.stop(run_id_of(run)))

    def runs() -> list[dict[str, Any]]:
        """All runs, the newest first, then the finished examples that ship with the project.

        Returns:
            for each run: id, name, status, data, teachers, student, quality_kept, compression, speedup, conclusion.
        """
        return answered(lambda: [*services.runs(MOST_RUNS), *services.examples()])

    return [check, start, status, result, predict, stop, runs]


def answered(work: Callable[[], _Answer]) -> _Answer:
    """The answer, fit for JSON; a refusal with every field at fault."""
    try:
        return markup.finite(work())  # type: ignore[no-any-return]
    except ConfigError as error:
        raise Refused("\n".join(map(problem_words, error.errors))) from None
    except ViewerError as error:
        raise Refused(f"{error.message} {words.NOT_THE_OWNERS}") from None
    except StillroomError as error:
        raise Refused(f"{error.message} {error.hint}".strip()) from None


def problem_words(error: FieldError) -> str:
    return words.PROBLEM.format(field=error.field, message=error.message, hint=error.hint).strip()


def read_config(config: object) -> dict[str, Any]:
    """A draft from YAML or JSON text, or from what a program gives instead of text. Raises ConfigError."""
    if isinstance(config, dict):
        config = json.dumps(config)  # limits are for text
    if not isinstance(config, str):
        raise ConfigError([FieldError("config", words.NO_TEXT)])
    found, problem = typed_yaml.read(config, "config", LONGEST_RUN)
    if problem is None and not isinstance(found, dict):
        problem = FieldError("config", words.NO_MAP, words.NO_MAP_HINT)
    if problem is not None:
        raise ConfigError([problem])
    return {str(name): part for name, part in found.items()}


def checked(services: Any, draft: dict[str, Any]) -> dict[str, Any]:
    outcome = services.check(draft)
    errors = [{"field": error.field, "message": error.message, "hint": error.hint} for error in outcome.errors]
    return {"ok": outcome.ok, "errors": errors, "findings": outcome.findings, "summary": outcome.summary}


def started(services: Any, draft: dict[str, Any], token: object) -> str:
    """As the page's Start: everything that can be known before is checked. Raises ConfigError, JobError."""
    outcome = services.check(draft)
    if not outcome.ok:
        raise ConfigError(outcome.errors or [FieldError("config", words.NOT_STARTED)])
    known = token[:LONGEST_TOKEN] if isinstance(token, str) and token else None
    return str(services.start(outcome.config, token=known))


def run_id_of(value: object) -> str:
    """Raises DataError for what is no text; whether there is such a run is for `Services` to say."""
    if not isinstance(value, str):
        raise DataError(text.UNKNOWN_RUN)
    return value


def texts_of(texts: object, pairs: object) -> tuple[list[str], list[str] | None]:
    """Raises DataError."""

    def listed(value: object) -> bool:
        return isinstance(value, list) and all(isinstance(one, str) for one in value)

    given = pairs or None
    if not listed(texts) or not (given is None or listed(given)):
        raise DataError(words.NO_TEXTS)
    return texts, given  # type: ignore[return-value]
