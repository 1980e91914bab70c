"""What New run says of what is typed: at once after every choice, in full when it is checked, and at Start."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import gradio as gr
import yaml

from distill_core import config as cfg
from distill_core.errors import ConfigError, FieldError, StillroomError
from ui import drafts, formula
from ui.drafts import Typed
from ui.pages import new_estimate, new_words

ALL_STEPS = tuple(range(drafts.REVIEW + 1))


def visited_steps(kept: str | None) -> tuple[int, ...]:
    """ "0,2" → (0, 2): the steps that were opened, as the page keeps them. What is no step is left out."""
    parts = str(kept or "")[:40].split(",")
    return tuple(sorted({int(part) for part in parts if part.isdigit() and int(part) in ALL_STEPS} | {0}))


def with_step(kept: str | None, *numbers: int) -> str:
    return ",".join(str(number) for number in sorted({*visited_steps(kept), *numbers}))


def typed_of(values: Sequence[Any]) -> Typed:
    return Typed(values[0], values[1], tuple(values[2:]))


def names_of(page: Any) -> dict[str, str]:
    """{path: what the field is called}."""
    return {binding.path: binding.spec.label for binding in page.form.bindings}


# ---------------------------------------------------------------- after every choice


def live(
    page: Any, services: Any, typed: Sequence[Any], visited: Sequence[int] = (), seen: dict[str, Any] | None = None
) -> list[Any]:
    """What is told of the draft as typed now, in the order of `NewRun.told`. page: a `new.NewRun`. seen: what the last
    check saw of the data."""
    values = typed_of(typed)
    draft, slots = drafts.draft_of(page.form, values)
    size = services.sizes(draft)
    advice = drafts.advice_at_slots(size.get("advice", []), slots)
    summary = summary_of(seen, draft)
    quick = [*page.form.unreadable(values.values, values.chosen), *config_errors(draft)]
    blamed = {error.field for error in quick}
    found = [*quick, *(error for error in still_found(seen, draft) if error.field not in blamed)]
    errors = drafts.at_slots(found, slots)
    estimate = new_estimate.ask(services, draft)
    side = new_words.summary_html(draft, size, summary, estimate) + new_words.missing_html(errors, names_of(page))
    return [
        side,
        formula.formula_html(draft),
        *page.form.told(advice, values.chosen),
        *step_updates(new_words.step_words(draft, summary), errors, visited),
        new_words.plan_html(draft, estimate),
        gr.Timer(active=bool(estimate and estimate.get("measuring"))),
    ]


def config_errors(draft: dict[str, Any]) -> list[FieldError]:
    """What is wrong or missing as far as the draft alone can tell: quick, no file is looked at."""
    try:
        cfg.from_dict(draft)
    except ConfigError as error:
        return list(error.errors)
    return []


def summary_of(seen: dict[str, Any] | None, draft: dict[str, Any]) -> dict[str, Any]:
    """What the last check saw of the data, while these are still the data."""
    return seen["summary"] if seen and seen["draft"].get("data") == draft.get("data") else {}


def still_found(seen: dict[str, Any] | None, draft: dict[str, Any]) -> list[FieldError]:
    """What the last check found in files and checkpoints, while what it looked at is still the same."""
    if not seen:
        return []
    before, same = seen["draft"], seen["draft"] == draft
    return [
        error
        for error in seen["errors"]
        for part in [error.field.split(".", 1)[0]]
        if same or (part in ("data", "teachers") and before.get(part) == draft.get(part))
    ]


def step_updates(words: list[str], errors: Sequence[FieldError], visited: Sequence[int]) -> list[Any]:
    """Labels of the steps: what was chosen in those visited, or how many of their settings need attention."""
    updates = []
    for number, said in enumerate(words):
        at_fault = sum(drafts.step_of(error.field) == number for error in errors) if number in visited else 0
        label = new_words.step_label(number, said if number in visited else "", at_fault)
        classes = ["sr-step", *(["sr-visited"] if number in visited else []), *(["sr-at-fault"] if at_fault else [])]
        updates.append(gr.update(label=label, elem_classes=classes))
    return updates


# ---------------------------------------------------------------- a check


@dataclass(frozen=True)
class Checked:
    """A check, ready to be shown. words: summary, review, YAML, command, signals. seen: see `live`. open_step: with the
    first error, or None."""

    steps: list[Any]
    slots: list[Any]
    notes: list[Any]
    words: list[Any]
    config: cfg.RunConfig | None
    open_step: int | None
    errors: list[FieldError] = field(default_factory=list)
    seen: dict[str, Any] = field(default_factory=dict)

    def at(self, step: int) -> bool:
        """Is something at fault in this step?"""
        return any(drafts.step_of(error.field) == step for error in self.errors)


def check(
    page: Any, services: Any, typed: Sequence[Any], *, visited: Sequence[int] = ALL_STEPS,
    lost: Sequence[FieldError] = (),
) -> Checked:  # fmt: skip
    """Checks what is typed. visited: steps whose errors are shown (the others are not filled in yet). lost: what a
    file that filled the page said and no field can show, by the page's paths."""
    values = typed_of(typed)
    draft, slots = drafts.draft_of(page.form, values)
    outcome = services.check(draft)
    unreadable = page.form.unreadable(values.values, values.chosen)
    blamed = {error.field for error in unreadable}
    found = drafts.at_slots([*unreadable, *(e for e in outcome.errors if e.field not in blamed)], slots)
    told = {error.field for error in lost}
    everything = [*lost, *(error for error in found if error.field not in told)]
    errors = [error for error in everything if drafts.step_of(error.field) in visited]
    updates, unplaced = page.form.places(errors, values.chosen)
    student = outcome.summary.get("student")
    estimate = new_estimate.ask(services, draft)
    side = new_words.summary_html(draft, student or services.sizes(draft), outcome.summary, estimate)
    review = new_words.review_html(errors, unplaced, outcome.findings)
    if outcome.config is not None:
        as_yaml, command = outcome.config.to_yaml(), services.command(outcome.config)
    else:
        as_yaml, command = yaml_of(draft), ""
    advice = [finding for finding in outcome.findings if finding.get("code") == new_words.ADVICE]
    at_fault = sorted({drafts.step_of(error.field) for error in errors})
    return Checked(
        step_updates(new_words.step_words(draft, outcome.summary), errors, visited),
        updates,
        page.form.told(drafts.advice_at_slots(advice, slots), values.chosen),
        [
            side + new_words.missing_html(everything, names_of(page)), review, as_yaml,
            gr.update(value=command, visible=bool(command)), new_words.plan_html(draft, estimate),
        ],
        None if everything else outcome.config,
        at_fault[0] if at_fault else None,
        errors,
        {
            "draft": draft, "summary": {name: outcome.summary.get(name) for name in ("labels", "sizes")},
            "errors": list(set(outcome.errors) - set(config_errors(draft))),
        },
    )  # fmt: skip


def yaml_of(draft: dict[str, Any]) -> str:
    """An unfinished draft as YAML, to go on with elsewhere."""
    kept = {name: part for name, part in draft.items() if part not in (None, {}, [])}
    try:
        return yaml.safe_dump(kept, sort_keys=False, allow_unicode=True, width=100)
    except (yaml.YAMLError, RecursionError):
        return ""


def outputs(checked: Checked, open_step: int | None, visited: Sequence[int]) -> list[Any]:
    """The updates in the order of `NewRun.checked`. open_step: the one to be open; None: those that are."""
    steps = [
        update if open_step is None else {**update, "open": number == open_step}
        for number, update in enumerate(checked.steps)
    ]
    kept = ",".join(str(number) for number in sorted(visited))
    return [*steps, *checked.slots, *checked.notes, *checked.words, checked.seen, kept]


def go_on(page: Any, services: Any, typed: Sequence[Any], step: int, visited: Sequence[int]) -> list[Any]:
    """Continue: stays where something is wrong, else folds the step and opens the next one."""
    visited = sorted({*visited, step})
    checked = check(page, services, typed, visited=visited)
    if checked.at(step):
        return outputs(checked, step, visited)
    onward = min(step + 1, drafts.REVIEW)
    if onward == drafts.REVIEW:
        return review(page, services, typed)
    # The step that opens now shows no errors yet; nor is it done.
    return outputs(checked, onward, sorted({*visited, onward}))


def review(page: Any, services: Any, typed: Sequence[Any], *, stay: bool = False) -> list[Any]:
    """All checks again. stay: whatever is open stays so; else Review opens, or the first step at fault."""
    checked = check(page, services, typed)
    first = drafts.REVIEW if checked.open_step is None else checked.open_step
    return outputs(checked, None if stay else first, ALL_STEPS)


# ---------------------------------------------------------------- start


def start(page: Any, services: Any, token: str, typed: Sequence[Any]) -> tuple[str, list[Any]]:
    """(run id, updates): the id is empty when something keeps the run from starting; then the fields say what.

    token: the same one with the same settings is the same run, however often it is sent.
    """
    checked = check(page, services, typed)
    if checked.config is None or checked.open_step is not None:
        return "", outputs(checked, drafts.REVIEW if checked.open_step is None else checked.open_step, ALL_STEPS)
    try:
        run_id = services.start(checked.config, token=token_for(token, checked.config))
        return run_id, outputs(checked, drafts.REVIEW, ALL_STEPS)
    except ConfigError as error:
        problem = list(error.errors)
    except StillroomError as error:
        problem = [FieldError(error.field or "start", error.message, error.hint)]
    slots, unplaced = page.form.places(problem, typed_of(typed).chosen)
    # Beside the button, too: Review may be out of sight.
    checked.words[0] += new_words.refused_html(unplaced)
    checked.words[1] = new_words.review_html(problem, unplaced, [])
    return "", outputs(replace(checked, slots=slots), drafts.step_of(problem[0].field), ALL_STEPS)


def token_for(token: str, config: cfg.RunConfig) -> str:
    """A press counts once for these settings: changed ones are another run, also under the same token."""
    return f"{token}-{hashlib.sha256(config.to_yaml().encode()).hexdigest()[:16]}"
