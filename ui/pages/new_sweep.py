"""Review of New run: “Try several settings” starts a sweep over the steps above instead of one run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from distill_core import config as cfg
from distill_core.errors import ConfigError, FieldError, StillroomError
from ui import drafts, markup, text_sweep
from ui.forms import error_html
from ui.pages import new_check, new_sweep_kept

#: settings that can be varied on the page; the command line knows more
ROWS, SHOWN = 6, 2
SAMPLER, TRIALS = "tpe", 12


@dataclass
class SweepPart:
    """rows: (setting, values) pairs, of which `SHOWN` and more are seen. opened: the sweep that was started."""

    box: gr.Accordion
    rows: list[gr.Row]
    paths: list[gr.Dropdown]
    values: list[gr.Textbox]
    more: gr.Button
    sampler: gr.Dropdown
    trials: gr.Number
    minutes: gr.Textbox
    costs: gr.CheckboxGroup
    prune: gr.Checkbox
    start: gr.Button
    said: gr.HTML
    seen: gr.State
    opened: gr.Textbox

    @property
    def typed(self) -> list[Any]:
        return [*self.paths, *self.values, self.sampler, self.trials, self.minutes, self.costs, self.prune]


def build() -> SweepPart:
    with gr.Accordion(text_sweep.OPEN, open=False, elem_id="sweep-part") as box:
        markup.still_html(f'<p class="sr-muted sr-small">{markup.esc(text_sweep.INTRO)}</p>')
        rows, paths, values = [], [], []
        for number in range(ROWS):
            with gr.Row(visible=number < SHOWN, elem_classes=["sr-sweep-row"]) as row:
                paths.append(
                    gr.Dropdown(
                        [], value=None, label=f"{text_sweep.FIELD} {number + 1}", elem_id=f"sweep-field-{number}",
                        allow_custom_value=False, min_width=160,
                    )
                )  # fmt: skip
                values.append(
                    gr.Textbox(
                        label=text_sweep.VALUES, max_lines=1, elem_id=f"sweep-values-{number}", min_width=160,
                        info=text_sweep.VALUES_HELP if number == 0 else None, max_length=2000,
                    )
                )  # fmt: skip
            rows.append(row)
        more = gr.Button(text_sweep.MORE, elem_id="sweep-more", elem_classes=["sr-continue"])
        with gr.Row(elem_classes=["sr-sweep-row"]):
            sampler = gr.Dropdown(
                [(words, name) for name, words in text_sweep.SAMPLERS.items()], value=SAMPLER,
                label=text_sweep.SAMPLER, elem_id="sweep-sampler", min_width=220,
            )  # fmt: skip
            trials = gr.Number(TRIALS, label=text_sweep.TRIALS, precision=0, elem_id="sweep-trials", buttons=[])
            minutes = gr.Textbox(
                label=text_sweep.MINUTES, info=text_sweep.MINUTES_HELP, max_lines=1, elem_id="sweep-minutes"
            )
        costs = gr.CheckboxGroup(
            [(words, name) for name, words in text_sweep.COST_CHOICES.items()], value=[],
            label=text_sweep.COSTS, info=text_sweep.COSTS_HELP, elem_id="sweep-costs-choice",
        )  # fmt: skip
        prune = gr.Checkbox(True, label=text_sweep.PRUNE, info=text_sweep.PRUNE_HELP, elem_id="sweep-prune")
        said = markup.still_html(elem_id="sweep-part-said", elem_classes=["sr-error"], padding=False)
        start = gr.Button(text_sweep.START, elem_id="start-sweep", elem_classes=["sr-continue"], variant="primary")
        seen, opened = gr.State(SHOWN), gr.Textbox(visible=False)
    return SweepPart(
        box, rows, paths, values, more, sampler, trials, minutes, costs, prune, start, said, seen, opened
    )  # fmt: skip


# ---------------------------------------------------------------- events


def wire(page: Any, services: Any, token: gr.State, columns: dict[str, Any]) -> None:
    """page: a `new.NewRun`. columns: the app's pages, of which the sweep's is shown once one is started."""
    part: SweepPart = page.sweep
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}

    def offer(*typed: Any) -> list[Any]:
        return offered(page, services, typed[: 2 * ROWS], typed[2 * ROWS :])

    part.box.expand(offer, [*part.paths, *part.values, *page.inputs], [*part.paths, *part.values, part.said], **quiet)
    for path, values in zip(part.paths, part.values, strict=True):
        path.input(
            lambda chosen, *typed: suggested(page, services, chosen, typed), [path, *page.inputs], values, **quiet
        )
    part.more.click(_one_more, part.seen, [part.seen, *part.rows, part.more], **quiet)
    part.costs.change(lambda costs: gr.update(interactive=not costs, value=not costs), part.costs, part.prune, **quiet)
    pressed = part.start.click(
        lambda seed, *typed: start(page, services, seed, typed[: len(part.typed)], typed[len(part.typed) :]),
        [token, *part.typed, *page.inputs], [part.opened, part.said, *page.checked],
        api_visibility="private", show_progress_on=part.start,
    )  # fmt: skip

    def show(sweep_id: str) -> list[Any]:
        if not sweep_id:
            return [gr.skip() for _ in columns]
        return [gr.update(visible=name == "sweep") for name in columns]

    pressed.then(show, part.opened, list(columns.values()), js=markup.open_script("sweep"), **quiet)
    new_sweep_kept.wire(part, page.renewed)


def _one_more(count: int) -> list[Any]:
    shown = [gr.update(visible=at <= count) for at in range(ROWS)]
    return [count + 1, *shown, gr.update(visible=count < ROWS - 1)]


def _config(page: Any, typed: Sequence[Any]) -> cfg.RunConfig | None:
    """What the steps say so far; None while they are not complete."""
    draft, _ = drafts.draft_of(page.form, new_check.typed_of(typed))
    try:
        return cfg.from_dict(draft)
    except ConfigError:
        return None


def choices(page: Any, services: Any, typed: Sequence[Any]) -> list[tuple[str, str]]:
    """(words, setting) of what can be varied; none while the steps are not complete."""
    config = _config(page, typed)
    try:
        return [(_words(one), one["path"]) for one in services.sweep_fields(config)] if config is not None else []
    except StillroomError:
        return []


def offered(page: Any, services: Any, rows: Sequence[Any], typed: Sequence[Any]) -> list[Any]:
    """Choices of settings for the steps as they are now; the first rows filled in where they are empty."""
    config = _config(page, typed)
    if config is None:
        missing = f"<p>{markup.esc(text_sweep.STEPS_FIRST)}</p>"
        return [*[gr.skip()] * (2 * ROWS), missing]
    try:
        found = services.sweep_fields(config)
    except StillroomError as error:  # a visitor of somebody's Space
        return [*[gr.skip()] * (2 * ROWS), error_html([FieldError("", error.message, error.hint)])]
    known = {one["path"]: one for one in found}
    choices = [(_words(one), one["path"]) for one in found]
    chosen = [path if path in known else None for path in rows[:ROWS]]
    values: list[str] = [str(value or "") for value in rows[ROWS:]]
    if not any(chosen):
        first = sorted((one for one in found if one["first"]), key=lambda one: int(one["first"]))
        for at, one in enumerate(first[:SHOWN]):
            chosen[at], values[at] = one["path"], one["values"]
    return [
        *(gr.update(choices=choices, value=path) for path in chosen),
        *(value if path else "" for path, value in zip(chosen, values, strict=True)),
        "",
    ]


def _words(one: dict[str, Any]) -> str:
    """ "Learning rate (training.learning_rate)" """
    return f"{one['label']} ({one['path']})"


def suggested(page: Any, services: Any, path: str | None, typed: Sequence[Any]) -> str:
    """Values worth a first try at a setting that was just chosen."""
    config = _config(page, typed)
    try:
        found = services.sweep_fields(config) if config is not None and path else []
    except StillroomError:
        found = []
    return next((str(one["values"]) for one in found if one["path"] == path), "")


def start(
    page: Any, services: Any, token: str, rows: Sequence[Any], typed: Sequence[Any]
) -> list[Any]:  # fmt: skip
    """[sweep id (empty when something keeps it from starting), words, what a check writes]."""
    checked = new_check.check(page, services, typed)
    whole = new_check.outputs(checked, drafts.REVIEW, new_check.ALL_STEPS)
    if checked.config is None or checked.open_step is not None:
        return ["", f"<p>{markup.esc(text_sweep.STEPS_FIRST)}</p>", *whole]
    try:
        spec = spec_of(services, checked.config, rows)
        sweep_id = services.start_sweep(spec, token=new_check.token_for(f"{token}-{spec.to_yaml()}", checked.config))
        return [sweep_id, "", *whole]
    except ConfigError as error:
        return ["", error_html([_named(one) for one in error.errors]), *whole]
    except StillroomError as error:
        return ["", error_html([FieldError("", error.message, error.hint)]), *whole]


def spec_of(services: Any, config: cfg.RunConfig, rows: Sequence[Any]) -> Any:
    """The sweep that is typed. Raises ConfigError."""
    paths, values, rest = rows[:ROWS], rows[ROWS : 2 * ROWS], rows[2 * ROWS :]
    sampler, trials, minutes, costs, prune = rest
    search = [(path, str(value or "")) for path, value in zip(paths, values, strict=True) if path]
    if not search:
        raise ConfigError([FieldError("search", text_sweep.NO_FIELD)])
    if len(costs or []) > 2:
        raise ConfigError([FieldError("objectives", text_sweep.TOO_MANY_COSTS)])
    budget = {"trials": _number(trials, text_sweep.TRIALS), "minutes": _number(minutes, text_sweep.MINUTES)}
    return services.sweep_of(
        config, search, name=config.name[:100], sampler=sampler, objectives=["quality", *(costs or [])],
        prune=bool(prune) and not costs, budget={name: value for name, value in budget.items() if value is not None},
    )  # fmt: skip


def _number(typed: Any, name: str) -> Any:
    """A number, or None where nothing is typed; whole ones as int. Raises ConfigError."""
    if typed is None or not str(typed).strip():
        return None
    try:
        found = float(typed)
    except ValueError:
        raise ConfigError([FieldError("budget", text_sweep.BAD_NUMBER.format(name=name))]) from None
    return int(found) if found.is_integer() else found


def _named(error: FieldError) -> FieldError:
    """With the setting's path in words, as the rows have no slots of their own."""
    path = error.field.removeprefix("search.")
    return replace(error, message=f"“{path}”: {error.message}") if path != error.field else error
