"""In step 4 of New run: recipes that do not suit what is chosen so far are greyed and say why.

The block's script asks while the step is in sight, a moment after the last change; `services.recipe_fits` answers in
milliseconds. A greyed card that is pressed explains itself, with a button that fills it in all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from distill_core.errors import StillroomError
from ui import drafts, markup
from ui.drafts import Typed
from ui.pages import new_recipes, new_words

if TYPE_CHECKING:
    from ui.pages.new import NewRun

#: paths of the draft that decide what suits
_DECIDE = ("data.", "teachers.")
_TOLD = "() => { window.StillroomFits?.told(); return []; }"
_LATER = "() => { window.StillroomFits?.later(); return []; }"


@dataclass(frozen=True)
class FitsBlock:
    """asks: has no looks; its script says when to ask (`wanted`), and which recipe is to be filled in all the same
    (`anyway`). marks: tells the script which cards to grey."""

    marks: gr.HTML
    asks: gr.HTML


def build() -> FitsBlock:
    return FitsBlock(
        markup.still_html("", elem_id="recipe-marks"),
        markup.live_html("", "new_fits", functions=[], elem_id="fits-asks"),
    )


def wire(page: NewRun, services: Any) -> None:
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    method = page.method
    deciding = [binding.widget for binding in page.form.bindings if binding.path.startswith(_DECIDE)]
    gr.on(
        [widget.change for widget in [page.data.source, page.data.task, page.renewed, *deciding]],
        None, None, None, js=_LATER, **quiet,
    )  # fmt: skip
    method.fits.asks.wanted(
        lambda *typed: told(page, services, typed), page.inputs, [method.recipe, method.fits.marks],
        trigger_mode="always_last", concurrency_limit=None, **quiet,
    ).then(None, None, None, js=_TOLD, **quiet)  # fmt: skip
    filled = new_recipes.filled(page)
    method.recipe.input(
        lambda name, last, task, *typed: pressed(page, services, name, last, task, typed),
        [method.recipe, method.last, page.data.task, *page.inputs], filled, **quiet,
    )  # fmt: skip

    def anyway(event: gr.EventData, task: str) -> list[Any]:
        return new_recipes.fill(page, method.named(_name(event)), task)

    method.fits.asks.anyway(anyway, page.data.task, filled, **quiet)


def _name(event: gr.EventData) -> str:
    return str(event._data.get("name")) if isinstance(event._data, dict) else ""


def found(page: NewRun, services: Any, typed: tuple[Any, ...]) -> dict[str, dict[str, Any]]:
    """{recipe: what `services.recipe_fits` says of it} for what is typed now; {} where it cannot be told."""
    draft, _ = drafts.draft_of(page.form, Typed(typed[0], typed[1], typed[2:]))
    try:
        return {row["name"]: row for row in services.recipe_fits(draft)}
    except StillroomError:
        return {}


def told(page: NewRun, services: Any, typed: tuple[Any, ...]) -> list[Any]:
    """The cards, and which of them are greyed; `data-pending` where a time is still being measured."""
    fits = found(page, services, typed)
    recipes = page.method.recipes
    choices = [(new_words.recipe_choice(item, fits.get(item["name"])), item["name"]) for item in recipes]
    unfit = [str(place) for place, item in enumerate(recipes) if fits.get(item["name"], {}).get("reason")]
    pending = any((fit.get("estimate") or {}).get("state") == "measuring" for fit in fits.values())
    more = ' data-pending=""' if pending else ""
    return [gr.update(choices=choices), f'<span data-unfit="{",".join(unfit)}"{more}></span>']


def pressed(
    page: NewRun, services: Any, name: Any, last: Any, task: str, typed: tuple[Any, ...]
) -> list[Any]:  # fmt: skip
    """Fills a recipe in, or says why not: then the one before stays chosen. last: its name."""
    recipe = page.method.named(name)
    reason = found(page, services, typed).get(str(name), {}).get("reason")
    if recipe is None or not reason:
        return new_recipes.fill(page, recipe, task)
    said = {
        page.method.recipe._id: gr.update(value=last if page.method.named(last) else None),
        page.method.said._id: new_words.unfit_html(recipe, reason),
    }
    return [said.get(component._id, gr.skip()) for component in new_recipes.filled(page)]
