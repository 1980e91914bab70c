"""New run: five numbered steps in one column, a summary at the side, Start always within reach."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import gradio as gr

from distill_core.services.sizes import ADVISED
from ui import drafts, filling, markup, text
from ui.forms import Form
from ui.pages import (
    new_cards,
    new_check,
    new_data,
    new_fits,
    new_look,
    new_method,
    new_open,
    new_review,
    new_student,
    new_sweep,
    new_teachers,
    new_words,
)
from ui.pages.new_check import check, live, start

__all__ = ["NewRun", "build", "check", "live", "start", "wire"]

#: tells the script that the page is there, so that it watches the steps
WATCH = "window.StillroomDraft.watch(element);"


@dataclass
class NewRun:
    """visited: the steps opened so far ("0,2"), which only the browser keeps. seen: what the last check saw of the
    data. undo: what a filling replaced. renewed, recheck: change with every filling, the second when all is to be
    checked again."""

    column: gr.Column
    form: Form
    steps: list[gr.Accordion]
    data: new_data.DataStep
    teachers: new_teachers.TeachersStep
    student: new_student.StudentStep
    method: new_method.MethodStep
    review: new_review.ReviewStep
    sweep: new_sweep.SweepPart
    continues: list[gr.Button]
    start: gr.Button
    side: gr.HTML
    note: gr.HTML
    again: gr.Button
    bring_back: gr.Button
    visited: gr.Textbox
    seen: gr.State
    undo: gr.State
    renewed: gr.Textbox
    recheck: gr.Textbox
    timer: gr.Timer

    @property
    def inputs(self) -> list[Any]:
        return [self.data.source, self.student.kind, *self.form.widgets]

    @property
    def given(self) -> list[Any]:
        """The inputs and what goes with them: all that a browser keeps, after what it does not."""
        return [self.seen, self.visited, self.method.recipe, self.student.preset, *self.inputs]

    @property
    def restoring(self) -> list[filling.Step]:
        """The steps as `filling.Step`."""
        return [self.data, self.teachers, self.student, self.method, self.review]

    @property
    def told(self) -> list[Any]:
        """What follows every choice at once: the summary, the objective as a sum, advice at its fields, the steps, and
        what the run will take."""
        return [self.side, self.method.summed, *self.form.notes, *self.steps, self.review.plan, self.timer]

    @property
    def checked(self) -> list[Any]:
        """What a check writes to: steps, error slots, advice, then the words about it."""
        words = [self.side, self.review.findings, self.review.yaml, self.review.command, self.review.plan]
        return [*self.steps, *self.form.slots, *self.form.notes, *words, self.seen, self.visited]


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
        with gr.Row(elem_id="new-head"):
            markup.still_html('<div class="sr-title"><h1>New run</h1></div>')
            bring_back = gr.Button(text.UNDO, visible=False, elem_id="bring-back", size="md")
            again = gr.Button(text.START_AGAIN, elem_id="start-again", size="md")
        note = markup.still_html(elem_id="new-note")
        timer, seen, undo = gr.Timer(2, active=False), gr.State({}), gr.State(None)
        # Texts, not States: the change of a State is told once in every session, also where there is none.
        visited, renewed, recheck = (gr.Textbox(first, visible=False) for first in ("0", "", ""))
        with gr.Row(elem_id="new-columns"):
            with gr.Column(scale=3, elem_id="new-steps"):
                with _step(0, steps, continues):
                    data = new_data.build(form, services)
                with _step(1, steps, continues):
                    teachers = new_teachers.build(form, services, values)
                with _step(2, steps, continues):
                    student = new_student.build(form, values)
                with _step(3, steps, continues):
                    method = new_method.build(form, recipes, values)
                with _step(4, steps, continues):
                    review = new_review.build(form)
                    sweep = new_sweep.build()
            with gr.Column(scale=1, elem_id="new-side"):
                side = markup.still_html(elem_id="summary")
                start = gr.Button(text.START, variant="primary", elem_id="start-run")
        gr.HTML("", js_on_load=WATCH, apply_default_css=False, padding=False)
    return NewRun(
        column, form, steps, data, teachers, student, method, review, sweep, continues, start, side, note, again,
        bring_back, visited, seen, undo, renewed, recheck, timer,
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


# ---------------------------------------------------------------- events


def wire(page: NewRun, services: Any) -> None:
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    tasked = new_data.wire(page.data, services)
    new_look.wire(page, services)
    new_teachers.wire(page.teachers)
    new_student.wire(page.student, page.form)
    new_review.wire(page.review, page.form, quiet)

    def told(seen: Any, visited: str, _recipe: Any, _preset: Any, *typed: Any) -> list[Any]:
        return live(page, services, typed, new_check.visited_steps(visited), seen)

    follow: dict[str, Any] = {"js": keep_script(page), "concurrency_limit": None, **quiet}
    gr.on(_live_triggers(page), told, page.given, page.told, trigger_mode="always_last", **follow)
    new_fits.wire(page, services)
    fits = new_teachers.fitting(services, methods(services))
    for event in tasked:
        event.then(
            lambda task, *sources: new_teachers.retask(fits, task, sources),
            [page.data.task, *page.teachers.sources],
            [page.teachers.shown, *page.teachers.groups, *page.teachers.sources],
            **quiet,
        )
    _wire_steps(page, services, quiet)
    _wire_fillings(page, services, quiet)
    new_cards.wire(page, services, quiet)


def keep_script(page: NewRun) -> str:
    """Before a choice goes to the server, the browser keeps all that is typed."""
    return f"(...given) => window.StillroomDraft.keep({json.dumps(filling.keys(page.form))}, given)"


def _live_triggers(page: NewRun) -> list[Any]:
    """Everything a person can change, and every filling; one call at a time follows, with the last state."""
    # A Textbox tells `input` of keys that make a character alone: not of pasting, nor of deleting. Columns are guessed.
    typed = [
        b.widget.change if isinstance(b.widget, gr.Textbox) or b.path.startswith("data.columns.") else b.widget.input
        for b in page.form.bindings
        if not (b.path.startswith("teachers.") and b.path.endswith(".source"))
    ]
    others = [page.student.kind, page.data.source, page.data.task, page.student.preset, *page.teachers.sources]
    return [*typed, *(widget.change for widget in others), page.renewed.change, page.visited.change, page.timer.tick]


def _wire_steps(page: NewRun, services: Any, quiet: dict[str, Any]) -> None:
    given = [page.visited, *page.inputs]
    for number, button in enumerate(page.continues):

        def go_on(visited: str, *typed: Any, at: int = number) -> list[Any]:
            return new_check.go_on(page, services, typed, at, new_check.visited_steps(visited))

        button.click(go_on, given, page.checked, api_visibility="private", show_progress_on=button)
        page.steps[number].expand(
            lambda visited, at=number: new_check.with_step(visited, at), page.visited, page.visited, **quiet
        )

    def whole(*typed: Any, stay: bool = False) -> list[Any]:
        return new_check.review(page, services, typed, stay=stay)

    page.steps[drafts.REVIEW].expand(lambda *typed: whole(*typed, stay=True), page.inputs, page.checked, **quiet)
    page.review.check.click(
        whole, page.inputs, page.checked, api_visibility="private", show_progress_on=page.review.check
    )
    page.recheck.change(
        lambda mark, visited, *typed: new_open.recheck(page, services, mark, visited, typed),
        [page.recheck, *given], page.checked, **quiet,
    )  # fmt: skip


def _wire_fillings(page: NewRun, services: Any, quiet: dict[str, Any]) -> None:
    """Start again, bring back, and a YAML file."""
    given = page.given[1:]
    opened = new_open.opened(page)
    page.again.click(
        lambda *typed: new_open.again(page, *typed), [*given, *page.sweep.typed], [*opened, *page.steps], **quiet
    )
    page.bring_back.click(lambda undo: new_open.bring_back(page, undo), page.undo, opened, **quiet)
    taken = [*opened, *page.checked[:-1], page.review.file_said]
    for event, source, reads in (
        (page.review.file.upload, page.review.file, new_review.from_file),
        (page.review.take.click, page.review.paste, new_review.from_text),
    ):
        event(
            lambda said, *typed, reads=reads: new_open.take_file(page, services, reads(said), typed),
            [source, *given], taken, api_visibility="private", show_progress_on=page.review.take,
        )  # fmt: skip
