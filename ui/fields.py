"""One config field → its widget, and its value to the widget and back. A field is declared once, in its section."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import gradio as gr
import yaml
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from distill_core.catalogue import DIVERGENCES, TASKS, WEIGHTINGS, Entry
from distill_core.config import Section, walk_fields
from distill_core.errors import FieldError
from ui import markup, text, typed_yaml

Kind = Literal["int", "float", "bool", "text", "choice", "ints", "strings", "many", "mapping", "yaml"]

#: fields whose choices stand in the catalogue, with titles, help and papers
ENTRIES: dict[str, dict[str, Entry]] = {
    "objective.soft_label_loss": DIVERGENCES,
    "objective.teacher_weighting": WEIGHTINGS,
    "data.task": TASKS,
}
LONGEST_YAML = 20_000


@dataclass(frozen=True)
class FieldSpec:
    """What a widget needs to know of a field. low and high are inclusive unless the help says otherwise. section: what
    a list of sections (`yaml`) is made of. words: what choices are called, where the section says it. slider: of a
    number that has one, its `sections.base.Slider`."""

    path: str
    kind: Kind
    label: str
    help: str
    unit: str = ""
    choices: tuple[str, ...] = ()
    optional: bool = False
    default: Any = None
    low: float | None = None
    high: float | None = None
    advanced: bool = False
    section: type[Section] | None = None
    words: Mapping[str, str] = field(default_factory=dict)
    slider: Mapping[str, Any] | None = None


def spec_of(path: str, info: FieldInfo) -> FieldSpec:
    """Reads a pydantic field's type, limits and the extras `sections.base.setting` put there."""
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    kind, choices, optional = _kind(info.annotation)
    low = high = None
    for item in info.metadata:
        low = getattr(item, "ge", getattr(item, "gt", low))
        high = getattr(item, "le", getattr(item, "lt", high))
    default = info.get_default(call_default_factory=True)  # type: ignore[call-arg]
    return FieldSpec(
        path=path,
        kind=kind,
        label=str(extra.get("label") or path.rsplit(".", 1)[-1].replace("_", " ").capitalize()),
        help=info.description or "",
        unit=str(extra.get("unit") or ""),
        choices=choices,
        optional=optional,
        default=None if default is PydanticUndefined else default,
        low=low,
        high=high,
        advanced=bool(extra.get("advanced")),
        section=typing.get_args(info.annotation)[0] if kind == "yaml" else None,
        words=typing.cast("dict[str, str]", extra.get("words") or {}),
        slider=typing.cast("dict[str, Any] | None", extra.get("slider")),
    )


def _kind(annotation: Any) -> tuple[Kind, tuple[str, ...], bool]:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        inner = [a for a in arguments if a is not type(None)]
        kind, choices, _ = _kind(inner[0])
        return kind, choices, type(None) in arguments
    if origin is Literal:
        return "choice", tuple(str(a) for a in arguments), False
    if origin is list:
        if isinstance(arguments[0], type) and issubclass(arguments[0], Section):
            return "yaml", (), False
        inner_kind, choices, _ = _kind(arguments[0])
        lists: dict[Kind, Kind] = {"choice": "many", "text": "strings", "int": "ints"}
        return lists[inner_kind], choices, False
    if origin is dict:
        return "mapping", (), False
    plain: dict[Any, Kind] = {int: "int", float: "float", bool: "bool", str: "text"}
    if annotation not in plain:
        raise TypeError(f"no widget for a field of type {annotation!r}")
    return plain[annotation], (), False


def slug(path: str) -> str:
    """Paths as element ids: dots become dashes."""
    return path.replace(".", "-")


def info_line(spec: FieldSpec) -> str:
    """Help, then the range in the field's unit. Help that goes through the choices one by one is left to the catalogue,
    where they stand there."""
    if spec.path in ENTRIES and spec.help.startswith(tuple(f"{choice}:" for choice in spec.choices)):
        return ""
    if spec.low is None and spec.high is None:
        return spec.help
    unit = f" {spec.unit}" if spec.unit not in ("", "share") else ""
    low, high = _figure(spec.low), _figure(spec.high)
    if spec.high is None:
        span = f"At least {low}{unit}."
    elif spec.low is None:
        span = f"At most {high}{unit}."
    else:
        span = f"{low} to {high}{unit}."
    return f"{spec.help} {span}".strip()


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}" if float(value).is_integer() else f"{value:g}"


def named_choices(spec: FieldSpec) -> list[tuple[str, str]]:
    """(title, value): the catalogue's titles where the choices stand there, else the section's or the page's words."""
    if spec.path in ENTRIES:
        return [(ENTRIES[spec.path][choice].title, choice) for choice in spec.choices]
    names = spec.words or text.CHOICES.get(spec.path, {})
    return [(names.get(choice, choice), choice) for choice in spec.choices]


def is_line(spec: FieldSpec) -> bool:
    """Is it drawn as a line of choices, all of them seen at once?"""
    return spec.kind == "choice" and len(spec.choices) <= 3


def entry_html(path: str, chosen: object) -> str:
    """What the catalogue says of the choice made: its help, what it needs, its paper."""
    entry = ENTRIES[path].get(str(chosen))
    if entry is None:
        return ""
    needs = [text.NEEDS[need] for need in text.NEEDS if need in entry.needs]
    said = markup.esc(entry.help) + (f" Needs {markup.esc(' and '.join(needs))}." if needs else "")
    return f'<p class="sr-chosen">{said}{" " + markup.paper(entry.paper) if entry.paper else ""}</p>'


def section_html(section: type[Section]) -> str:
    """The settings of one item of a list of sections, each with its own help and choices."""
    items = []
    for path, info in walk_fields(section):
        said = markup.prose(info.description or "")
        choices = ", ".join(f"<code>{markup.esc(choice)}</code>" for choice in _literals(info.annotation))
        items.append(f"<dt><code>{markup.esc(path)}</code></dt><dd>{said}{f' {choices}.' if choices else ''}</dd>")
    return f"<dl>{''.join(items)}</dl>"


def _literals(annotation: Any) -> tuple[Any, ...]:
    """The choices an annotation names, wherever in it they stand; the first ones found."""
    if typing.get_origin(annotation) is Literal:
        return typing.get_args(annotation)
    found = (_literals(part) for part in typing.get_args(annotation))
    return next((choices for choices in found if choices), ())


def widget_of(spec: FieldSpec, **options: Any) -> Any:
    """The Gradio component for a field. Limits are checked with the whole draft, so that errors stand at the field."""
    said = spec.unit in ("", "share") or spec.unit.casefold() in spec.label.casefold()
    common: dict[str, Any] = {
        "label": spec.label + ("" if said else f" ({spec.unit})"),
        "info": info_line(spec),
        "elem_id": f"field-{slug(spec.path)}",
        "value": shown(spec, spec.default),
        "interactive": True,
        **options,
    }
    if spec.kind in ("int", "float") and not spec.optional:
        return gr.Number(precision=0 if spec.kind == "int" else None, buttons=[], **common)
    if spec.kind == "bool":
        return gr.Checkbox(**common)
    if spec.kind == "choice":
        if is_line(spec):
            return gr.Radio(choices=named_choices(spec), **common)
        return gr.Dropdown(choices=named_choices(spec), **common)
    if spec.kind == "many":
        return gr.CheckboxGroup(choices=named_choices(spec), **common)
    if spec.kind == "mapping":
        return gr.Textbox(lines=3, placeholder="LABEL_0 = negative", **common)
    if spec.kind == "yaml":
        example = text.EXAMPLES.get(spec.path, "")
        return gr.Textbox(lines=7, max_lines=24, placeholder=example, elem_classes=["sr-code"], **common)
    return gr.Textbox(max_lines=1, **common)


def slider_html(spec: FieldSpec) -> str:
    """The slider beside a number: it writes into the number's field, which alone counts and may hold more."""
    slider = spec.slider or {}
    section = spec.path.rpartition(".")[0]
    others = {
        name.replace("_", "-"): f"field-{slug(f'{section}.{slider[name]}')}"
        for name in ("multiple_of", "divisor_of")
        if slider.get(name)
    }
    told = "".join(f' data-{name}="{markup.esc(other)}"' for name, other in others.items())
    label = text.SLIDER.format(label=spec.label)
    return (
        f'<input type="range" class="sr-slider" id="slide-{slug(spec.path)}" data-for="field-{slug(spec.path)}" '
        f'min="{slider["low"]}" max="{slider["high"]}" step="{slider["step"]}"{told} aria-label="{markup.esc(label)}">'
    )


def shown(spec: FieldSpec, value: Any) -> Any:
    """A draft's value as the widget shows it."""
    if spec.kind in ("ints", "strings"):
        return ", ".join(str(item) for item in value or [])
    if spec.kind == "mapping":
        return "\n".join(f"{key} = {item}" for key, item in (value or {}).items())
    if spec.kind == "yaml":
        return _shown_yaml(spec, value)
    if spec.kind == "text" or spec.optional:
        return "" if value is None else str(value)
    return value


def section_defaults(section: type[Section] | None) -> dict[str, Any]:
    """{field: its default} of the items of a list of sections."""
    fields = section.model_fields if section else {}
    return {name: info.get_default(call_default_factory=True) for name, info in fields.items()}  # type: ignore[call-arg]


def _shown_yaml(spec: FieldSpec, value: Any) -> str:
    """As people would write it: what is left at its default stays out."""
    if not value:
        return ""
    defaults = section_defaults(spec.section)
    items = [item.model_dump(mode="json") if isinstance(item, Section) else item for item in value]
    short = [
        {name: part for name, part in item.items() if name not in defaults or part != defaults[name]}
        if isinstance(item, dict)
        else item
        for item in items
    ]
    return yaml.safe_dump(short, sort_keys=False, allow_unicode=True, default_flow_style=None, width=80)


def read(spec: FieldSpec, value: Any) -> Any:
    """A widget's value as the draft holds it; what cannot be read goes on as it is and is refused by the config."""
    if spec.kind in ("ints", "strings"):
        parts = [part.strip() for part in str(value or "").replace(";", ",").split(",") if part.strip()]
        if spec.kind == "strings":
            return parts
        return [int(part) if part.lstrip("-").isdigit() else part for part in parts]
    if spec.kind == "mapping":
        return _read_mapping(str(value or ""))
    if spec.kind == "yaml":
        typed = str(value or "")
        return typed if unreadable(spec, typed) else yaml.safe_load(typed) or []
    if spec.kind in ("int", "float") and spec.optional:
        return _read_number(str(value or "").strip())
    if spec.kind == "text":
        stripped = str(value or "").strip()
        return stripped or (None if spec.optional else "")
    return value


def unreadable(spec: FieldSpec, value: Any) -> FieldError | None:
    """Why typed YAML cannot be read as a list, or None (and for fields of other kinds)."""
    if spec.kind != "yaml":
        return None
    found, problem = typed_yaml.read(str(value or ""), spec.path, LONGEST_YAML)
    if problem is not None:
        return problem
    if found is not None and not isinstance(found, list):
        return FieldError(spec.path, "a list is needed here.", "Start each item with “- ”, as in the example.")
    return None


def _read_number(typed: str) -> int | float | str | None:
    """Optional numbers are typed as text: a number field cannot be empty, and empty means something here."""
    for parse in (int, float):
        try:
            return parse(typed)
        except ValueError:
            continue
    return typed or None


def _read_mapping(typed: str) -> dict[str, str] | None:
    found = {}
    for line in typed.splitlines():
        left, sign, right = line.partition("=")
        if line.strip():
            found[left.strip()] = right.strip() if sign else ""
    return found or None
