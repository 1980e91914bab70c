"""New run: five numbered steps in one column, a summary at the side, Start always within reach."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from distill_core import config as cfg
from distill_core.errors import ConfigError, FieldError, StillroomError
from distill_core.services.sizes import ADVISED
from ui import drafts, formula, markup, text
from ui.drafts import Typed
from ui.forms import Form
from ui.pages import new_data, new_recipes, new_student, new_teachers, new_words


@dataclass
class NewRun:
    column: gr.Column
    form: Form
    steps: list[gr.Accordion]
    data: new_data.DataStep
    teachers: new_teachers.TeachersStep
    student: new_student.StudentStep
    recipe: gr.Radio
    recipe_said: gr.HTML
    formula: gr.HTML
    continues: list[gr.Button]
    check: gr.Button
    start: gr.Button
    side: gr.HTML
    review: gr.HTML
    yaml: gr.Code
    command: gr.Code

    @property
    def inputs(self) -> list[Any]:
        return [self.data.source, self.student.kind, *self.form.widgets]

    @property
    def told(self) -> list[Any]:
        """What follows every choice at once: the summary, the objective as a sum, advice at its fields."""
        return [self.side, self.formula, *self.form.notes]

    @property
    def checked(self) -> list[Any]:
        """What a check writes to: steps, error slots, advice, then the words about it."""
        return [*self.steps, *self.form.slots, *self.form.notes, self.side, self.review, self.yaml, self.command]


def methods(services: Any) -> list[dict[str, Any]]:
    """The recipes to choose from: all but the demo, whose settings suit its own tiny models alone; best known first."""
    known = {name: place for place, name in enumerate(text.FIRST_RECIPES)}
    found = [item for item in services.recipes() if item["name"] != "demo"]
    return sorted(found, key=lambda item: known.get(item["name"], len(known)))


def build(services: Any) -> NewRun:
    recipes = methods(services)
    values = _first_values(services, recipes)
    form = Form(advised=lambda path: path in ADVISED or (path.startswith("teachers.") and path.endswith(".source")))
    steps: list[gr.Accordion] = []
    continues: list[gr.Button] = []
    with gr.Column(visible=False, elem_id="new-page", elem_classes=["sr-page"]) as column:
        markup.still_html('<div class="sr-title"><h1>New run</h1></div>')
        with gr.Row(elem_id="new-columns"):
            with gr.Column(scale=3, elem_id="new-steps"):
                with _step(0, steps, continues):
                    data = new_data.build(form, services)
                with _step(1, steps, continues):
                    teachers = new_teachers.build(form, services, values)
                with _step(2, steps, continues):
                    student = new_student.build(form, values)
                with _step(3, steps, continues):
                    recipe, recipe_said, summed = _method(form, recipes, values)
                with _step(4, steps, continues):
                    form.fields([("name", cfg.RunConfig.model_fields["name"])], values={"name": "my-run"})
                    check = gr.Button(text.CHECK, elem_id="check-run", elem_classes=["sr-continue"])
                    review = markup.still_html(elem_id="review")
                    yaml = gr.Code(
                        label="run.yaml", language="yaml", interactive=False, max_lines=28, elem_id="review-yaml"
                    )
                    command = gr.Code(
                        label="The same run without the page", language="shell", interactive=False,
                        elem_id="review-command",
                    )  # fmt: skip
            with gr.Column(scale=1, elem_id="new-side"):
                side = markup.still_html(elem_id="summary")
                start = gr.Button(text.START, variant="primary", elem_id="start-run")
    return NewRun(
        column, form, steps, data, teachers, student, recipe, recipe_said, summed, continues, check, start, side,
        review, yaml, command,
    )  # fmt: skip


def _first_values(services: Any, recipes: list[dict[str, Any]]) -> dict[str, Any]:
    """{path: value} the page starts from: the first recipe's settings with the demo's student."""
    values = drafts.recipe_values(recipes[0]["config"]) if recipes else {}
    # People come for a small student: start from the demo's, whatever student the first recipe's paper used.
    demo = next((item for item in services.recipes() if item["name"] == "demo"), None)
    if demo:
        student = drafts.recipe_values(demo["config"])
        values = {k: v for k, v in values.items() if not k.startswith("student.")}
        values |= {k: v for k, v in student.items() if k.startswith("student.")}
    return values


class _step:
    """A numbered step: an accordion with its sentence on top and, but for the last, Continue at its end."""

    def __init__(self, number: int, steps: list[gr.Accordion], continues: list[gr.Button]) -> None:
        self.number, self.steps, self.continues = number, steps, continues

    def __enter__(self) -> None:
        name = text.STEPS[self.number]
        self.box = gr.Accordion(
            new_words.step_label(self.number), open=self.number == 0, elem_id=f"step-{name.lower()}",
            elem_classes=["sr-step"],
        )  # fmt: skip
        self.box.__enter__()
        markup.still_html(f'<p class="sr-muted sr-small">{markup.esc(text.STEP_INTRO[name])}</p>')

    def __exit__(self, *_: Any) -> None:
        if self.number < len(text.STEPS) - 1:
            name = text.STEPS[self.number].lower()
            self.continues.append(
                gr.Button(text.CONTINUE, elem_id=f"continue-{name}", elem_classes=["sr-continue"], size="md")
            )
        self.box.__exit__()
        self.steps.append(self.box)


def _method(form: Form, recipes: list[dict[str, Any]], values: dict[str, Any]) -> tuple[gr.Radio, gr.HTML, gr.HTML]:
    recipe = gr.Radio(
        [(new_words.recipe_choice(item), item["name"]) for item in recipes],
        value=recipes[0]["name"] if recipes else None, label="Recipe", elem_id="field-recipe",
        elem_classes=["sr-chooser"], info=text.RECIPE_HELP,
    )  # fmt: skip
    said = markup.still_html(new_words.recipe_html(recipes[0] if recipes else None), elem_id="recipe-about")
    summed = markup.still_html(elem_id="formula")
    form.fields(drafts.section_fields(cfg.Objective, "objective."), values=values, groups=text.OBJECTIVE_GROUPS)
    form.fields(drafts.section_fields(cfg.Training, "training."), values=values)
    plain = ("controls", "seeds", "device", "threads", "signals", "signal_top_k")
    form.fields([(name, cfg.RunConfig.model_fields[name]) for name in plain], values=values)
    with gr.Accordion("Measuring", open=False):
        form.fields(drafts.section_fields(cfg.MeasureSection, "measure."), values=values)
    return recipe, said, summed


# ---------------------------------------------------------------- events


def wire(page: NewRun, services: Any) -> None:
    new_data.wire(page.data, services)
    new_teachers.wire(page.teachers)
    new_student.wire(page.student, page.form)
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}

    def told(*typed: Any) -> list[Any]:
        return live(page, services, typed)

    gr.on(
        _live_triggers(page), told, page.inputs, page.told, trigger_mode="always_last", concurrency_limit=None, **quiet
    )
    by_name = {item["name"]: item for item in methods(services)}
    page.recipe.input(
        lambda name, task: new_recipes.fill(page, by_name.get(name), task),
        [page.recipe, page.data.task],
        new_recipes.filled(page),
        **quiet,
    ).then(told, page.inputs, page.told, **quiet)
    fits = new_teachers.fitting(services, methods(services))
    page.data.task.change(
        lambda task, *sources: new_teachers.retask(fits, task, sources),
        [page.data.task, *page.teachers.sources],
        [page.teachers.shown, *page.teachers.groups, *page.teachers.sources],
        **quiet,
    )
    for number, button in enumerate(page.continues):
        button.click(
            lambda *typed, at=number: check_step(page, services, typed, at), page.inputs, page.checked,
            api_visibility="private", show_progress_on=button,
        )  # fmt: skip
    page.steps[drafts.REVIEW].expand(
        lambda *typed: outputs(check(page, services, typed), drafts.REVIEW), page.inputs, page.checked, **quiet
    )
    page.check.click(
        lambda *typed: check_step(page, services, typed, drafts.REVIEW), page.inputs, page.checked,
        api_visibility="private", show_progress_on=page.check,
    )  # fmt: skip


def _live_triggers(page: NewRun) -> list[Any]:
    """Everything on which the student's size, the objective's sum, advice or the summary's words depend."""
    starts = ("student.", "objective.", "training.", "data.max_tokens", "data.name", "data.labelled_per_class")
    bound = [b for b in page.form.bindings if b.path.startswith(starts)]
    # Pasting into a text of several lines tells `input` before the new text is there.
    typed = [b.widget.change if b.spec.kind == "yaml" else b.widget.input for b in bound]
    typed += [state.change for state in page.data.stored.values()]
    others = [page.student.kind, page.data.source, page.data.task, page.student.preset, *page.teachers.sources]
    return [*typed, *(widget.change for widget in others)]


def live(page: NewRun, services: Any, typed: tuple[Any, ...]) -> list[Any]:
    """What is told of the draft as typed now, in the order of `NewRun.told`."""
    values = Typed(typed[0], typed[1], typed[2:])
    draft, slots = drafts.draft_of(page.form, values)
    size = services.sizes(draft)
    advice = drafts.advice_at_slots(size.get("advice", []), slots)
    return [
        new_words.summary_html(draft, size),
        formula.formula_html(draft),
        *page.form.told(advice, values.chosen),
    ]


@dataclass(frozen=True)
class Checked:
    """A check, ready to be shown. words: summary, review, YAML, command. open_step: with the first error, or None."""

    labels: list[str]
    slots: list[Any]
    notes: list[Any]
    words: list[str]
    config: cfg.RunConfig | None
    open_step: int | None


def check(page: NewRun, services: Any, typed: tuple[Any, ...], *, only: int | None = None) -> Checked:
    """Checks what is typed. only: show errors of the steps up to this one (those after it are not filled in yet)."""
    values = Typed(typed[0], typed[1], typed[2:])
    draft, slots = drafts.draft_of(page.form, values)
    outcome = services.check(draft)
    unreadable = page.form.unreadable(values.values, values.chosen)
    blamed = {error.field for error in unreadable}
    errors = drafts.at_slots([*unreadable, *(e for e in outcome.errors if e.field not in blamed)], slots)
    if only is not None:
        errors = [error for error in errors if drafts.step_of(error.field) <= only]
    updates, unplaced = page.form.places(errors, values.chosen)
    at_fault = sorted({drafts.step_of(error.field) for error in errors})
    words = new_words.step_words(draft, outcome.summary)
    student = outcome.summary.get("student")
    side = new_words.summary_html(draft, student or services.sizes(draft), outcome.summary)
    review = new_words.review_html(errors, unplaced, outcome.findings)
    yaml = command = ""
    if outcome.config is not None:
        yaml, command = outcome.config.to_yaml(), services.command(outcome.config)
    labels = [new_words.step_label(i, words[i]) for i in range(len(words))]
    open_step = at_fault[0] if at_fault else None
    advice = [finding for finding in outcome.findings if finding.get("code") == new_words.ADVICE]
    notes = page.form.told(drafts.advice_at_slots(advice, slots), values.chosen)
    return Checked(labels, updates, notes, [side, review, yaml, command], outcome.config, open_step)


def outputs(checked: Checked, open_step: int) -> list[Any]:
    """The updates in the order of `NewRun.checked`, with one step open."""
    steps = [gr.update(label=label, open=i == open_step) for i, label in enumerate(checked.labels)]
    return [*steps, *checked.slots, *checked.notes, *checked.words]


def check_step(page: NewRun, services: Any, typed: tuple[Any, ...], step: int) -> list[Any]:
    """Continue (stays where something is wrong, else opens the next step) and Check."""
    checked = check(page, services, typed, only=step)
    onward = min(step + 1, drafts.REVIEW)
    return outputs(checked, onward if checked.open_step is None else checked.open_step)


def start(page: NewRun, services: Any, token: str, typed: tuple[Any, ...]) -> tuple[str, list[Any]]:
    """(run id, updates): the id is empty when something keeps the run from starting; then the fields say what."""
    checked = check(page, services, typed)
    if checked.config is None or checked.open_step is not None:
        return "", outputs(checked, drafts.REVIEW if checked.open_step is None else checked.open_step)
    try:
        return services.start(checked.config, token=token), outputs(checked, drafts.REVIEW)
    except ConfigError as error:
        problem = error.errors
    except StillroomError as error:
        problem = [FieldError(error.field or "start", error.message, error.hint)]
    slots, unplaced = page.form.places(problem, Typed(typed[0], typed[1], ()).chosen)
    checked.words[1] = new_words.review_html(problem, unplaced, [])
    return "", outputs(replace(checked, slots=slots), drafts.step_of(problem[0].field))
