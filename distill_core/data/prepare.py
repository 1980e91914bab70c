"""A data section of a config made ready for a run: read, checked, split. `check` says what `prepare` would do."""

from __future__ import annotations

from collections.abc import Callable

from distill_core.data.draft import DataConfig, Draft
from distill_core.data.load import add_error
from distill_core.data.look import look_at
from distill_core.data.types import CheckResult, Findings, PreparedData, count_of, data_fingerprint
from distill_core.errors import DataError, NetworkError
from distill_core.tasks.base import build_task


def prepare(config: DataConfig, *, seed: int) -> PreparedData:
    """Reads, checks and splits a data set.

    The test rows come first: from their file, or held out of the training rows. Training, validation and transfer rows
    with a text of the test are left out. Then `labelled_per_class` rows of each class (in tagging: sentences of each
    language, or in all where no languages are told apart) are chosen, the validation rows are cut out of those (or
    come from their file), and the other training rows join the transfer set without labels.

    Args:
        config: the `data` section of a run.
        seed: decides which rows are held out and chosen; the same seed gives the same data.

    Returns:
        four sets of rows that share no text.

    Raises:
        DataError: an error finding; the message is the first one's, the hint counts the others.
        NetworkError: a Hub set without a network.
    """
    draft = _draft(config, seed)
    errors = draft.findings.errors
    if errors or draft.splits is None:
        more = f"There are {count_of(len(errors) - 1, 'more problem')}." if len(errors) > 1 else ""
        raise DataError(errors[0].message, hint=more, field=errors[0].field)
    return PreparedData(
        name=draft.name,
        labels=draft.labels,
        findings=list(draft.findings),
        fingerprint=data_fingerprint(draft.labels, draft.splits),
        task=config.task,
        **draft.splits,
    )


def check(
    config: DataConfig, *, seed: int = 13, piece_counter: Callable[[list[str]], list[int]] | None = None
) -> CheckResult:
    """What `prepare` would find. Never raises for bad data: errors become findings.

    Args:
        config, seed: as for `prepare`.
        piece_counter: pieces (special ones included) of each text; with one, lengths are compared with `max_tokens`.
    """
    findings = Findings()
    try:
        draft = _draft(config, seed)
    except NetworkError as error:
        add_error(findings, error, "network", "data.name")
        return CheckResult(list(findings))
    look = look_at(draft, config, piece_counter)
    return CheckResult(
        findings=list(draft.findings),
        labels=draft.labels,
        sizes=draft.sizes,
        preview=draft.preview,
        columns=draft.columns,
        balance=draft.balance,
        guessed=draft.guessed,
        look=look,
    )


def _draft(config: DataConfig, seed: int) -> Draft:
    return build_task(config.task).draft(config, seed)
