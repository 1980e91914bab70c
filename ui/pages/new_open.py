"""How New run opens: as the browser left it, from a run or a recipe named in the address, or as at first."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from distill_core.errors import StillroomError
from ui import drafts, filling, text
from ui.filling import Filled, Kept
from ui.pages import new_check, new_fill, new_review, new_sweep, new_sweep_kept

#: in what can be brought back: what was typed for a sweep
SWEEP = "sweep"


@dataclass(frozen=True)
class Opening:
    """filled: None leaves the page as it is. undo: {key: value} of what was typed before, if it was replaced. whole:
    every step is done, so that the check says which one is to be open. sweep: what is typed for one; None leaves it."""

    filled: Filled | None = None
    said: str = ""
    undo: dict[str, Any] | None = None
    whole: bool = False
    visited: tuple[int, ...] = (0,)
    step: int = 0
    sweep: Mapping[str, Any] | None = None


def opening(page: Any, services: Any, query: Mapping[str, Any], kept: Kept) -> Opening:
    """query: the address's; `from` names a run, `recipe` a recipe, `step` what is to be changed of it.

    page: a `new.NewRun`.
    """
    names = [name.lower() for name in text.STEPS]
    before = Opening(
        new_fill.kept_filled(page, kept.values) if kept.values else None,
        visited=kept.visited, step=names.index(kept.step) if kept.step else 0, sweep=kept.sweep,
    )  # fmt: skip
    if query.get("from"):
        found = _from_run(page, services, str(query["from"]))
    elif query.get("recipe"):
        found = _from_recipe(page, services, str(query["recipe"]))
    else:
        return before
    if found.filled is None:
        return replace(before, said=found.said)
    undo = {**kept.values, "visited": ",".join(map(str, kept.visited)), SWEEP: kept.sweep} if kept.values else None
    wanted = str(query.get("step"))
    step = names.index(wanted) if wanted in names else len(names) - 1
    return Opening(found.filled, found.said, undo, wanted not in names, new_check.ALL_STEPS, step, {})


def _from_run(page: Any, services: Any, run_id: str) -> Opening:
    try:
        config, problem = new_review.from_text(services.config_yaml(run_id))
    except (StillroomError, OSError):
        return Opening(said=text.NO_SUCH_RUN)
    if problem is not None:
        return Opening(said=f"{problem.message} {problem.hint}")
    name = str(config.get("name") or run_id)
    config["name"] = free_name(services, name, copy=True)
    return Opening(filling.fill(page.form, config), text.FROM_RUN.format(name=name))


def _from_recipe(page: Any, services: Any, name: str) -> Opening:
    recipe = next((item for item in services.recipes() if item["name"] == name), None)
    if recipe is None:
        return Opening(said=text.NO_SUCH_RECIPE)
    config = {**recipe["config"]}
    config["name"] = free_name(services, str(config.get("name") or name))
    listed = name if page.method.named(name) else None
    title = str(recipe.get("title") or name)
    return Opening(filling.fill(page.form, config, recipe=listed), text.FROM_RECIPE.format(title=title))


def free_name(services: Any, name: str, *, copy: bool = False) -> str:
    """A name no run has: "agnews" → "agnews-2" → "agnews-3". copy: another one in any case."""
    taken = {str(run.get("name")) for run in services.runs()}
    if name not in taken and not copy:
        return name
    stem, number = name, 2
    if found := re.fullmatch(r"(.*\D)-(\d{1,4})", name):
        stem, number = found[1], int(found[2]) + 1
    while f"{stem[:110]}-{number}" in taken:
        number += 1
    return f"{stem[:110]}-{number}"


# ---------------------------------------------------------------- updates


def seen_first(page: Any) -> list[Any]:
    """What `first_sight` writes to."""
    return [*opened(page), *(one for one in page.told if one not in page.steps), *page.steps]


def first_sight(page: Any, services: Any, query: Mapping[str, Any], kept: Kept) -> list[Any]:
    """The page as it opens: filled where there is something to fill it with, and what follows from that."""
    found = opening(page, services, query, kept)
    filled = found.filled or new_fill.first(page)
    told = new_check.live(page, services, new_fill.typed(filled), found.visited)
    pairs = [(component, update) for component, update in zip(page.told, told, strict=True)]
    labels = [{**update, "open": number == found.step} for number, (_, update) in
              enumerate(pair for pair in pairs if pair[0] in page.steps)]  # fmt: skip
    rest = [update for component, update in pairs if component not in page.steps]
    words = new_sweep.choices(page, services, new_fill.typed(filled)) if (found.sweep or {}).get("open") is True else []
    return [*updates(page, found, choices=words), *rest, *labels]


def opened(page: Any) -> list[Any]:
    """What a filling writes to."""
    return [
        *new_fill.restored(page), *new_sweep_kept.restored(page.sweep), page.note, page.undo, page.bring_back,
        page.visited, page.renewed, page.recheck,
    ]  # fmt: skip


def updates(
    page: Any, found: Opening, *, anew: bool = False, choices: Sequence[tuple[str, str]] = ()
) -> list[Any]:  # fmt: skip
    """In the order of `opened`. A page that was left is checked again after it is shown. anew: in any case. choices:
    for a sweep, as `new_sweep_kept.restore` has them."""
    note = new_fill.note_html(found.said, found.filled.lost if found.filled else ())
    sweep = new_sweep_kept.restore(page.sweep, found.sweep, choices)
    rest = [*sweep, note, found.undo, gr.update(visible=found.undo is not None)]
    if found.filled is None:
        return [*[gr.skip()] * len(new_fill.restored(page)), *rest, gr.skip(), gr.skip(), gr.skip()]
    marks = [",".join(map(str, found.visited)), filling.stamp()]
    # Of a page that was only begun there is nothing to check yet.
    way = "open" if found.whole else "stay"
    checked = f"{way} {filling.stamp()}" if anew or found.whole or len(found.visited) > 1 else gr.skip()
    return [*new_fill.restore(page, found.filled), *rest, *marks, checked]


def again(page: Any, visited: str, recipe: Any, preset: Any, *typed: Any) -> list[Any]:
    """Start again: everything as at first; what stood there can be brought back. typed: the inputs, and a sweep's."""
    count = len(page.inputs)
    before = _before(page, visited, recipe, preset, typed[:count])
    before[SWEEP] = new_sweep_kept.as_typed(page.sweep, typed[count:])
    found = Opening(new_fill.first(page), text.STARTED_AGAIN, before, sweep={})
    return [*updates(page, found, anew=True), *(gr.update(open=number == 0) for number in range(len(page.steps)))]


def bring_back(page: Any, undo: Any) -> list[Any]:
    undo = undo if isinstance(undo, dict) else {}
    visited, sweep = new_check.visited_steps(undo.get("visited")), undo.get(SWEEP)
    found = Opening(new_fill.kept_filled(page, undo), text.BROUGHT_BACK, visited=visited, sweep=sweep)
    return updates(page, found, anew=True)


def _before(page: Any, visited: str, recipe: Any, preset: Any, typed: tuple[Any, ...]) -> dict[str, Any]:
    return {**new_fill.as_typed(page, recipe, preset, typed), "visited": visited}


def take_file(page: Any, services: Any, read: tuple[Any, Any], given: tuple[Any, ...]) -> list[Any]:
    """A YAML file into all five steps, and all checks with it: (`opened`, `checked` but for the steps visited, what is
    said beside the file). read: (settings, None) or (None, why not). given: visited, recipe, preset, the inputs."""
    config, problem = read
    if problem is not None:
        skipped = len(opened(page)) + len(page.checked) - 1
        return [*[gr.skip()] * skipped, new_review.problem_html(problem)]
    visited, recipe, preset, *typed = given
    filled = filling.fill(page.form, config)
    before = _before(page, visited, recipe, preset, tuple(typed))
    shown = updates(page, Opening(filled, text.FROM_FILE, before, visited=new_check.ALL_STEPS))
    shown[-1] = gr.skip()  # checked here and now, with what the file said and no field can show
    checked = new_check.check(page, services, new_fill.typed(filled), lost=filled.lost)
    first = drafts.REVIEW if checked.open_step is None else checked.open_step
    return [*shown, *new_check.outputs(checked, first, new_check.ALL_STEPS)[:-1], ""]


def recheck(page: Any, services: Any, mark: str, visited: str, typed: tuple[Any, ...]) -> list[Any]:
    """The check after a filling: of the steps visited, where they stand; of all when it was filled from elsewhere."""
    if str(mark).startswith("open"):
        return new_check.review(page, services, typed)
    steps = new_check.visited_steps(visited)
    return new_check.outputs(new_check.check(page, services, typed, visited=steps), None, steps)
