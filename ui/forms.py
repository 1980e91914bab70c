"""Config fields → widgets and back. A field is declared once, in `distill_core/config.py`; nothing is repeated here.

A `Binding` ties one dotted path of the draft (``training.epochs``) to one widget and to the slot for its error. Paths
inside a choice of sections (data, student) carry `tags`: they count only while one of these is the choice made.
"""

from __future__ import annotations

import contextlib
import types
import typing
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import gradio as gr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from distill_core.errors import FieldError
from ui import markup, text

Kind = Literal["int", "float", "text", "choice", "ints", "many", "mapping"]


@dataclass(frozen=True)
class FieldSpec:
    """What a widget needs to know of a field. low and high are inclusive unless the help says otherwise."""

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


@dataclass(frozen=True)
class Binding:
    spec: FieldSpec
    widget: Any
    slot: gr.HTML
    tags: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        return self.spec.path

    def counts(self, chosen: dict[str, str]) -> bool:
        """Is this field part of the chosen sections? chosen: first part of a path → the choice made there."""
        return not self.tags or chosen.get(self.path.split(".", 1)[0]) in self.tags


def spec_of(path: str, info: FieldInfo) -> FieldSpec:
    """Reads a pydantic field's type, limits and the extras `config.setting` put there."""
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
        inner_kind, choices, _ = _kind(arguments[0])
        return ("many", choices, False) if inner_kind == "choice" else ("ints", (), False)
    if origin is dict:
        return "mapping", (), False
    plain: dict[Any, Kind] = {int: "int", float: "float", str: "text"}
    if annotation not in plain:
        raise TypeError(f"no widget for a field of type {annotation!r}")
    return plain[annotation], (), False


def slug(path: str) -> str:
    """Paths as element ids: dots become dashes."""
    return path.replace(".", "-")


def info_line(spec: FieldSpec) -> str:
    """Help, then the range in the field's unit."""
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
    names = text.CHOICES.get(spec.path, {})
    return [(names.get(choice, choice), choice) for choice in spec.choices]


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
    if spec.kind == "choice":
        if len(spec.choices) <= 3:
            return gr.Radio(choices=named_choices(spec), **common)
        return gr.Dropdown(choices=named_choices(spec), **common)
    if spec.kind == "many":
        return gr.CheckboxGroup(choices=named_choices(spec), **common)
    if spec.kind == "mapping":
        return gr.Textbox(lines=3, placeholder="LABEL_0 = negative", **common)
    return gr.Textbox(max_lines=1, **common)


def shown(spec: FieldSpec, value: Any) -> Any:
    """A draft's value as the widget shows it."""
    if spec.kind == "ints":
        return ", ".join(str(item) for item in value or [])
    if spec.kind == "mapping":
        return "\n".join(f"{key} = {item}" for key, item in (value or {}).items())
    if spec.kind == "text" or spec.optional:
        return "" if value is None else str(value)
    return value


def read(spec: FieldSpec, value: Any) -> Any:
    """A widget's value as the draft holds it; what cannot be read goes on as it is and is refused by the config."""
    if spec.kind == "ints":
        parts = [part.strip() for part in str(value or "").replace(";", ",").split(",") if part.strip()]
        return [int(part) if part.lstrip("-").isdigit() else part for part in parts]
    if spec.kind == "mapping":
        return _read_mapping(str(value or ""))
    if spec.kind in ("int", "float") and spec.optional:
        return _read_number(str(value or "").strip())
    if spec.kind == "text":
        stripped = str(value or "").strip()
        return stripped or (None if spec.optional else "")
    return value


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


@dataclass
class Form:
    """All bindings of a page, in the order of the events' inputs."""

    bindings: list[Binding] = field(default_factory=list)

    def slot(self, path: str) -> gr.HTML:
        return markup.still_html(visible=False, elem_id=f"error-{slug(path)}", elem_classes=["sr-error"], padding=False)

    def bind(self, spec: FieldSpec, widget: Any, tags: tuple[str, ...] = ()) -> Binding:
        """Ties an already drawn widget to its path and draws the error slot under it."""
        binding = Binding(spec, widget, self.slot(spec.path), tags)
        self.bindings.append(binding)
        return binding

    def add(self, path: str, info: FieldInfo, *, tags: tuple[str, ...] = (), **options: Any) -> Binding:
        """Draws a field: widget and error slot."""
        spec = spec_of(path, info)
        with gr.Column(elem_classes=["sr-field"], min_width=0):
            return self.bind(spec, widget_of(spec, **options), tags)

    def fields(
        self, rows: Iterable[tuple[str, FieldInfo]], *, tags: tuple[str, ...] = (), values: dict[str, Any] | None = None
    ) -> None:
        """Several fields as a grid: plain ones first, advanced ones in an accordion. values: other starting values."""
        listed, values = list(rows), values or {}
        for advanced in (False, True):
            group = [(path, info) for path, info in listed if spec_of(path, info).advanced == advanced]
            if not group:
                continue
            with _holder(advanced), gr.Column(elem_classes=["sr-fields"]):
                for path, info in group:
                    spec = spec_of(path, info)
                    self.add(path, info, tags=tags, **({"value": shown(spec, values[path])} if path in values else {}))

    @property
    def widgets(self) -> list[Any]:
        return [binding.widget for binding in self.bindings]

    @property
    def slots(self) -> list[gr.HTML]:
        return [binding.slot for binding in self.bindings]

    def values(self, typed: Sequence[Any], chosen: dict[str, str]) -> dict[str, Any]:
        """{path: value} of the fields that count; empty optional ones are left out, so that defaults hold."""
        found = {}
        for binding, raw in zip(self.bindings, typed, strict=True):
            value = read(binding.spec, raw)
            if binding.counts(chosen) and not (value is None and binding.spec.optional):
                found[binding.path] = value
        return found

    def places(self, errors: Sequence[FieldError], chosen: dict[str, str]) -> tuple[list[Any], list[FieldError]]:
        """An update for every slot, and the errors that belong to no field of the page."""
        by_slot: dict[int, list[FieldError]] = {}
        unplaced = []
        for error in errors:
            at = self._slot_of(error.field, chosen)
            if at is None:
                unplaced.append(error)
            else:
                by_slot.setdefault(at, []).append(error)
        updates = [
            gr.update(value=error_html(by_slot[i]), visible=True)
            if i in by_slot
            else gr.update(value="", visible=False)
            for i in range(len(self.bindings))
        ]
        return updates, unplaced

    def _slot_of(self, path: str, chosen: dict[str, str]) -> int | None:
        """The field itself, or the longest field path that the error's path starts with."""
        best, length = None, -1
        for i, binding in enumerate(self.bindings):
            if not binding.counts(chosen):
                continue
            if (path == binding.path or path.startswith(binding.path + ".")) and len(binding.path) > length:
                best, length = i, len(binding.path)
        return best


def _holder(advanced: bool) -> Any:
    return gr.Accordion(text.ALL_SETTINGS, open=False) if advanced else contextlib.nullcontext()


def error_html(errors: Sequence[FieldError]) -> str:
    return "".join(f'<p role="alert">{markup.esc(_sentence(error))}</p>' for error in errors)


def _sentence(error: FieldError) -> str:
    message = error.message[:1].upper() + error.message[1:]
    return f"{message} {error.hint}".strip()


def nested(values: dict[str, Any]) -> dict[str, Any]:
    """{"a.b": 1} → {"a": {"b": 1}}."""
    draft: dict[str, Any] = {}
    for path, value in values.items():
        *outer, last = path.split(".")
        part = draft
        for name in outer:
            part = part.setdefault(name, {})
        part[last] = value
    return draft
