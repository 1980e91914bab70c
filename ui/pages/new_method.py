"""Step 4 of New run: the recipe, the objective as a sum, and every setting of objective and training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from distill_core import config as cfg
from ui import drafts, markup, text
from ui.forms import Form
from ui.pages import new_fits, new_words


@dataclass
class MethodStep:
    """recipes: as `Services.recipes` tells them. last: name of the one that was filled in last."""

    recipe: gr.Radio
    said: gr.HTML
    summed: gr.HTML
    recipes: list[dict[str, Any]]
    last: gr.State
    fits: new_fits.FitsBlock

    @property
    def restores(self) -> list[Any]:
        return [self.recipe, self.said, self.last]

    def restore(self, values: Mapping[str, Any]) -> list[Any]:
        found = self.named(values.get("recipe"))
        name = found["name"] if found else None
        return [gr.update(value=name), new_words.recipe_html(found), name]

    def named(self, name: Any) -> dict[str, Any] | None:
        return next((item for item in self.recipes if item["name"] == name), None)


def build(form: Form, recipes: list[dict[str, Any]], values: dict[str, Any]) -> MethodStep:
    """values: {path: value} the page starts from."""
    recipe = gr.Radio(
        [(new_words.recipe_choice(item), item["name"]) for item in recipes],
        value=recipes[0]["name"] if recipes else None, label="Recipe", elem_id="field-recipe",
        elem_classes=["sr-chooser"], info=text.RECIPE_HELP,
    )  # fmt: skip
    said = markup.still_html(new_words.recipe_html(recipes[0] if recipes else None), elem_id="recipe-about")
    fits = new_fits.build()
    summed = markup.still_html(elem_id="formula")
    form.fields(drafts.section_fields(cfg.Objective, "objective."), values=values, groups=text.OBJECTIVE_GROUPS)
    form.fields(drafts.section_fields(cfg.Training, "training."), values=values)
    plain = ("controls", "seeds", "device", "threads", "signals", "signal_top_k")
    form.fields([(name, cfg.RunConfig.model_fields[name]) for name in plain], values=values)
    with gr.Accordion("Measuring", open=False):
        form.fields(drafts.section_fields(cfg.MeasureSection, "measure."), values=values)
    return MethodStep(recipe, said, summed, recipes, gr.State(recipe.value), fits)
