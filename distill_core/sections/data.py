"""Where the examples come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from distill_core.catalogue import DEFAULT_TASK, TASKS
from distill_core.sections.base import Section, setting

if TYPE_CHECKING:
    TaskName = str
else:
    TaskName = Literal[tuple(TASKS)]


class Remedies(Section):
    """What is mended while the rows are read; the files stay as they are.

    Rows that quality is measured on are never left out by these: test and validation keep theirs.
    """

    merge_label_spellings: bool = setting(
        False,
        "Take labels that differ only in case or spaces as one class, in all files alike; the spelling that most "
        "training rows have stands for it. For tagging: types of entities, or tags.",
        label="Merge label spellings",
        advanced=True,
    )
    drop_duplicates: bool = setting(
        False,
        "Leave out training and transfer rows whose text stood there before with the same label. Which of several "
        "labels is right is not decided by this.",
        label="Drop duplicates",
        advanced=True,
    )
    drop_conflicting: bool = setting(
        False,
        "Leave out all training rows of a text that has more than one label.",
        label="Drop contradictions",
        advanced=True,
    )


class DataSection(Section):
    """What every source of data has in common."""

    task: TaskName = setting(
        DEFAULT_TASK,
        " ".join(f"{name}: {entry.help[:1].lower()}{entry.help[1:]}" for name, entry in TASKS.items()),
        label="Task",
    )
    max_tokens: int = setting(
        64,
        "Longer inputs are cut here; the check shows how many that is.",
        unit="tokens",
        label="Longest input",
        ge=8,
        le=512,
    )
    labelled_per_class: int | None = setting(
        None,
        "Keep this many labelled training rows of each class and use the rest, without labels, as transfer set. "
        "For tagging: this many labelled sentences of each language, or in all where no languages are told apart. "
        "Empty: all training rows keep their labels.",
        unit="rows per class",
        label="Labelled rows per class",
        ge=2,
    )
    validation_share: float = setting(
        0.1,
        "Share of the labelled training rows held out for validation when there is no validation file.",
        unit="share",
        label="Validation share",
        ge=0.02,
        le=0.5,
    )
    test_share: float = setting(
        0.2,
        "Share of the training rows held out for the test when there is no test file.",
        unit="share",
        label="Test share",
        ge=0.05,
        le=0.5,
    )
    max_validation: int | None = setting(
        None,
        "Use at most this many validation rows (the first ones after a seeded shuffle). Empty: all.",
        unit="rows",
        label="Validation rows",
        ge=2,
        advanced=True,
    )
    max_test: int | None = setting(
        None,
        "Use at most this many test rows (the first ones after a seeded shuffle). Empty: all.",
        unit="rows",
        label="Test rows",
        ge=2,
        advanced=True,
    )
    max_transfer: int | None = setting(
        None,
        "Use at most this many transfer rows (the first ones after a seeded shuffle). Empty: all.",
        unit="rows",
        label="Transfer rows",
        ge=1,
        advanced=True,
    )
    mask_share: float = setting(
        0.15,
        "For masked_lm: share of each text's pieces that is hidden, whole words at a time, anew in every epoch.",
        unit="share",
        label="Masked share",
        gt=0,
        le=0.5,
        advanced=True,
    )
    remedies: Remedies = Field(default_factory=Remedies)


class Columns(Section):
    """Which column is what; with no header columns are numbered from 1 (``"1"``, ``"2"``).

    For tagging, columns of CoNLL files that are left at their defaults are guessed from what they hold.
    """

    text: str = setting(
        "text", "Column with the text (first sentence of a pair; for tagging, the words).", label="Text column"
    )
    text_pair: str | None = setting(None, "Column with the second sentence, for pairs.", label="Second text column")
    label: str = setting("label", "Column with the class (for tagging, the tags).", label="Label column")
    language: str | None = setting(
        None, "Column with the language; quality is then also told for each.", label="Language column"
    )


class BundledData(DataSection):
    """A data set that ships with the project."""

    source: Literal["bundled"] = "bundled"
    name: str = setting("support-desk", "Name of the bundled set.", label="Bundled set")


class FileData(DataSection):
    """Files on this machine: CSV, TSV, JSONL or Parquet; for tagging, CoNLL (one word a line), JSONL or Parquet; for
    masked_lm also plain text (one text a line)."""

    source: Literal["files"] = "files"
    train: str = setting(
        ...,
        "Training file; several at once are one for each language. `{language}` in its name stands for each of the "
        "languages below.",
        label="Training file",
        min_length=1,
    )
    validation: str | None = setting(None, "Validation file; without one, rows are held out.", label="Validation file")
    test: str | None = setting(None, "Test file; without one, rows are held out.", label="Test file")
    transfer: str | None = setting(
        None, "Unlabelled texts the teachers label (the transfer set).", label="Unlabelled file"
    )
    languages: list[str] = setting(
        list,
        "Languages whose files are read, where the file names hold `{language}`.",
        label="Languages",
        advanced=True,
        max_length=100,
    )
    format: Literal["auto", "csv", "tsv", "jsonl", "parquet", "conll", "text"] = setting(
        "auto",
        "File format; auto goes by the file's ending, for tagging also by what it holds. text: one text a line.",
        label="Format",
        advanced=True,
    )
    header: Literal["auto", "yes", "no"] = setting(
        "auto", "Does the first line name the columns?", label="Header", advanced=True
    )
    quoting: Literal["auto", "yes", "no"] = setting(
        "auto",
        'Are quotes (") around fields part of the format (yes) or of the text (no)?',
        label="Quoted fields",
        advanced=True,
    )
    columns: Columns = Field(default_factory=Columns)


class HubData(DataSection):
    """A data set on the Hugging Face Hub."""

    source: Literal["hub"] = "hub"
    name: str = setting(..., "Name on the Hub, e.g. owner/name.", label="Hub name", min_length=1)
    config: str | None = setting(None, "Configuration of the data set, where it has several.", label="Configuration")
    revision: str | None = setting(
        None, "Branch, tag or commit. Empty: the default branch.", advanced=True, label="Revision"
    )
    train_split: str = setting("train", "Split with the training rows.", label="Training split")
    validation_split: str | None = setting(None, "Split with the validation rows.", label="Validation split")
    test_split: str | None = setting(None, "Split with labelled test rows.", label="Test split")
    transfer_split: str | None = setting(None, "Split with unlabelled rows.", label="Unlabelled split")
    columns: Columns = Field(default_factory=Columns)


Data = Annotated[BundledData | FileData | HubData, Field(discriminator="source")]
