"""Step 5 of New run: name and evidence level, all checks again, the run as a file (out and in) and as a command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from distill_core import config as cfg
from distill_core.errors import FieldError
from ui import markup, text, typed_yaml
from ui.fields import read, shown, spec_of
from ui.forms import Form, error_html

LONGEST_RUN = 200_000
SEEDS = spec_of("seeds", cfg.RunConfig.model_fields["seeds"])
FIRST_SEED = 13


@dataclass
class ReviewStep:
    evidence: gr.Radio
    check: gr.Button
    findings: gr.HTML
    plan: gr.HTML
    yaml: gr.Code
    download: gr.Button
    command: gr.Code
    file: gr.UploadButton
    paste: gr.Textbox
    take: gr.Button
    file_said: gr.HTML
    asks: gr.HTML

    @property
    def restores(self) -> list[Any]:
        return [self.evidence]

    def restore(self, values: Mapping[str, Any]) -> list[Any]:
        return [gr.update(value=level_of(values.get("seeds")))]


def build(form: Form) -> ReviewStep:
    evidence = gr.Radio(
        [(_words(level), level) for level in text.EVIDENCE_LEVELS], value="quick", label=text.EVIDENCE,
        info=text.EVIDENCE_HELP, elem_id="field-evidence", elem_classes=["sr-chooser"],
    )  # fmt: skip
    form.fields([("name", cfg.RunConfig.model_fields["name"])], values={"name": "my-run"})
    check = gr.Button(text.CHECK, elem_id="check-run", elem_classes=["sr-continue"])
    findings = markup.still_html(elem_id="review")
    asks = markup.live_html("", "new_review", functions=[], elem_id="review-asks")
    plan = markup.still_html(elem_id="review-plan")
    yaml = gr.Code(
        label=text.YAML_LABEL, language="yaml", interactive=False, max_lines=28, elem_id="review-yaml",
        buttons=["copy"], show_line_numbers=False,
    )  # fmt: skip
    download = gr.Button(text.YAML_DOWNLOAD, elem_id="yaml-download", elem_classes=["sr-continue"])
    command = gr.Code(
        label=text.COMMAND_LABEL, language="shell", interactive=False, lines=1, elem_id="review-command",
        buttons=["copy"], show_line_numbers=False,
    )  # fmt: skip
    with gr.Accordion(text.YAML_IN, open=False, elem_id="yaml-in"):
        markup.still_html(f'<p class="sr-muted sr-small">{markup.esc(text.YAML_IN_HELP)}</p>')
        file = gr.UploadButton(
            text.YAML_UPLOAD, file_types=[".yaml", ".yml"], elem_id="yaml-file", elem_classes=["sr-continue"]
        )
        paste = gr.Textbox(
            label=text.YAML_PASTE, lines=6, max_lines=24, elem_id="yaml-paste", elem_classes=["sr-code"],
            max_length=LONGEST_RUN + 1,
        )  # fmt: skip
        take = gr.Button(text.YAML_FILL, elem_id="yaml-fill", elem_classes=["sr-continue"])
        said = markup.still_html(elem_id="yaml-said", elem_classes=["sr-error"], padding=False)
    return ReviewStep(evidence, check, findings, plan, yaml, download, command, file, paste, take, said, asks)


def wire(step: ReviewStep, form: Form, quiet: dict[str, Any]) -> None:
    seeds, name = (form.widget(path) for path in ("seeds", "name"))
    step.download.click(None, [step.yaml, name], js="(...given) => window.StillroomDraft.save(...given)")
    seeds.change(lambda typed: level_of(typed), seeds, step.evidence, **quiet)
    step.evidence.input(lambda level, typed: seeds_for(level, typed), [step.evidence, seeds], seeds, **quiet)


def _words(level: str) -> str:
    title, number, says = text.EVIDENCE_LEVELS[level]
    seeds = f"{number} seed{'' if number == 1 else 's'}"
    return text.EVIDENCE_CHOICE.format(title=title, seeds=seeds, says=says)


def level_of(seeds: Any) -> str | None:
    """The level that as many different seeds make, of what is typed; None for another number of them."""
    typed = {seed for seed in read(SEEDS, seeds) if isinstance(seed, int)}
    return next((level for level, (_, number, _) in text.EVIDENCE_LEVELS.items() if number == len(typed)), None)


def seeds_for(level: str | None, typed: Any) -> Any:
    """As many seeds as the level wants: those typed first, then the numbers after the largest of them."""
    if level not in text.EVIDENCE_LEVELS:
        return gr.skip()
    number = text.EVIDENCE_LEVELS[level][1]
    seeds = list(dict.fromkeys(seed for seed in read(SEEDS, typed) if isinstance(seed, int)))[:number] or [FIRST_SEED]
    while len(seeds) < number:
        seeds.append(max(seeds) + 1)
    return shown(SEEDS, seeds)


# ---------------------------------------------------------------- a file that fills all steps


def from_file(path: str | None) -> tuple[Any, FieldError | None]:
    """(the settings in an uploaded YAML file, None), or (None, why it cannot be read)."""
    try:
        with open(Path(path or ""), "rb") as file:
            data = file.read(4 * LONGEST_RUN + 1)  # a character has at most four bytes
        typed = data.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return None, FieldError("config", text.YAML_UNREAD, "It must be UTF-8 YAML.")
    return from_text(typed)


def from_text(typed: str | None) -> tuple[Any, FieldError | None]:
    """The same of what was pasted."""
    if not (typed or "").strip():
        return None, FieldError("config", text.YAML_NOTHING)
    found, problem = typed_yaml.read(str(typed), "config", LONGEST_RUN)
    if problem is None and not isinstance(found, dict):
        problem = FieldError(
            "config", "this is no run config: a list of `key: value` settings is needed.", "Start from a recipe."
        )
    return (None, problem) if problem else (found, None)


def problem_html(problem: FieldError | None) -> str:
    return error_html([problem]) if problem else ""
