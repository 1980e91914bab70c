"""What the student minimises, as a sum in words: "1 × hard labels + 1 × soft labels (KL, τ 2)".

Drafts may hold anything a person typed: what is no number is shown as it stands, or left out.
"""

from __future__ import annotations

import typing
from collections.abc import Mapping, Sequence
from typing import Any

from distill_core.catalogue import DIVERGENCES, MATCHING, TERMS
from distill_core.config import Training
from ui import markup

_STAGE = typing.get_args(Training.model_fields["stages"].annotation)[0].model_fields
NO_TERM = "no loss"
ROWS = {"labelled": "on the labelled rows", "transfer": "on the transfer set", "both": "on all rows"}
#: losses that look at raw logits, so that the temperature plays no part
_WITHOUT_TEMPERATURE = {"logit_mse", "log_odds_mse"}


def objective_words(objective: Mapping[str, Any]) -> str:
    """The sum of a draft's objective."""
    matching = objective.get("matching")
    matching = matching if isinstance(matching, Mapping) else {}
    soft, end = objective.get("soft_label_weight"), objective.get("soft_label_weight_end")
    weights = {
        "hard": objective.get("hard_label_weight"),
        "soft": {"start": soft, "end": end} if _number(end) is not None else soft,
        "teacher_labels": objective.get("teacher_label_weight"),
        "hidden": objective.get("hidden_weight"),
        **{name: matching.get(name) for name in MATCHING},
    }
    return terms_words(weights, objective)


def terms_words(weights: Mapping[str, Any], objective: Mapping[str, Any]) -> str:
    """Term → weight (a number, or start and end) as a sum in the catalogue's order; weights of zero are left out."""
    parts = []
    for name, entry in TERMS.items():
        weight = _weight(weights.get(name))
        if weight:
            parts.append(f"{weight} × {_lower(entry.title)}{_detail(name, objective)}")
    return " + ".join(parts) or NO_TERM


def stages_words(stages: Any, objective: Mapping[str, Any]) -> list[str]:
    """One line a stage: "1 representation: 1 × hidden states on the transfer set, 10 epochs"."""
    lines = []
    for number, stage in enumerate(stages if isinstance(stages, Sequence) and not isinstance(stages, str) else [], 1):
        if not isinstance(stage, Mapping):
            continue
        terms = stage.get("terms")
        words = terms_words(terms if isinstance(terms, Mapping) else {}, objective)
        epochs = stage.get("epochs", _STAGE["epochs"].default)
        parts = [
            f"{words} {ROWS.get(str(stage.get('data', _STAGE['data'].default)), '')}".strip(),
            f"{epochs} epoch{'' if epochs == 1 else 's'}",
        ]
        teachers = stage.get("teachers")
        if isinstance(teachers, list) and teachers:
            parts.append(f"taught by {' and '.join(_teacher(one) for one in teachers)}")
        if stage.get("unfreeze") is True:
            parts.append("unfrozen from the top down")
        lines.append(f"{number} {stage.get('name', '')}: {', '.join(parts)}")
    return lines


def formula_html(draft: Mapping[str, Any]) -> str:
    """The objective as typed, stage by stage where there are stages."""
    objective, training = _part(draft, "objective"), _part(draft, "training")
    stages = stages_words(training.get("stages"), objective)
    if stages:
        body = "".join(f"<li>{markup.esc(line)}</li>" for line in stages)
        note = "<p>Weights and epochs of the fields below do not count while there are stages (More settings).</p>"
        title = "The student minimises, one stage after the other"
        return f'<div class="sr-formula"><h4>{title}</h4><ul>{body}</ul>{note}</div>'
    said = markup.esc(objective_words(objective))
    return f'<div class="sr-formula"><h4>The student minimises</h4><p>{said}</p></div>'


def short_words(draft: Mapping[str, Any]) -> str:
    """One line for the folded step: the sum and the epochs, or the stages' names."""
    objective, training = _part(draft, "objective"), _part(draft, "training")
    stages = training.get("stages")
    if isinstance(stages, list) and stages:
        names = [str(stage.get("name", "")) for stage in stages if isinstance(stage, Mapping)]
        return f"{len(stages)} stage{'' if len(stages) == 1 else 's'}: {' → '.join(names)}"
    epochs = training.get("epochs")
    return f"{objective_words(objective)}, {'–' if epochs is None else epochs} epochs"


def _part(draft: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = draft.get(name)
    return part if isinstance(part, Mapping) else {}


def _teacher(named: Any) -> str:
    return f"teacher {named}" if isinstance(named, int) else str(named)


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _weight(value: Any) -> str:
    """ "0.5", "4 → 1" for one that moves; "" for none."""
    if isinstance(value, Mapping):
        start, end = _number(value.get("start")), _number(value.get("end"))
        if start is None or end is None or start == end == 0:
            return ""
        return f"{start:g}" if start == end else f"({start:g} → {end:g})"
    number = _number(value)
    return f"{number:g}" if number else ""


def _detail(name: str, objective: Mapping[str, Any]) -> str:
    if name != "soft":
        return ""
    loss = str(objective.get("soft_label_loss") or "kl")
    title = DIVERGENCES[loss].title if loss in DIVERGENCES else loss
    tau = _number(objective.get("distill_temperature"))
    return f" ({title})" if loss in _WITHOUT_TEMPERATURE or tau is None else f" ({title}, τ {tau:g})"


def _lower(title: str) -> str:
    return title[:1].lower() + title[1:]
