"""The fields of a page together: what is typed → a draft, errors and advice back to their fields.

A `Binding` ties one dotted path of the draft (``training.epochs``) to one widget and to the slot for its error. Paths
inside a choice of sections (data, student) carry `tags`: they count only while one of these is the choice made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import gradio as gr
from pydantic.fields import FieldInfo

from distill_core.errors import FieldError
from ui import fields as one
from ui import markup, text
from ui.fields import FieldSpec, read, shown, slug, spec_of, widget_of

#: titles of groups of fields, each with the starts of the paths that belong to it
Groups = Sequence[tuple[str, tuple[str, ...]]]


@dataclass(frozen=True)
class Binding:
    """note: where advice on the field is told, for fields that may have some."""

    spec: FieldSpec
    widget: Any
    slot: gr.HTML
    tags: tuple[str, ...] = ()
    note: gr.HTML | None = None

    @property
    def path(self) -> str:
        return self.spec.path

    def counts(self, chosen: dict[str, str]) -> bool:
        """Is this field part of the chosen sections? chosen: first part of a path → the choice made there."""
        return not self.tags or chosen.get(self.path.split(".", 1)[0]) in self.tags


@dataclass
class Form:
    """All bindings of a page, in the order of the events' inputs. advised: may there be advice on this path?"""

    bindings: list[Binding] = field(default_factory=list)
    advised: Callable[[str], bool] = lambda path: False

    def slot(self, path: str) -> gr.HTML:
        return markup.still_html(visible=False, elem_id=f"error-{slug(path)}", elem_classes=["sr-error"], padding=False)

    def bind(self, spec: FieldSpec, widget: Any, tags: tuple[str, ...] = ()) -> Binding:
        """Ties an already drawn widget to its path and draws what may be told of it: advice, then its error."""
        note = None
        if self.advised(spec.path):
            note = markup.still_html(
                visible=False, elem_id=f"note-{slug(spec.path)}", elem_classes=["sr-advice"], padding=False
            )
        binding = Binding(spec, widget, self.slot(spec.path), tags, note)
        self.bindings.append(binding)
        return binding

    def add(self, path: str, info: FieldInfo, *, tags: tuple[str, ...] = (), **options: Any) -> Binding:
        """Draws a field: widget, what the catalogue says of the choice made, advice and error."""
        spec = spec_of(path, info)
        classes = ["sr-field", *(["sr-wide"] if spec.kind == "yaml" else []), *(["sr-slide"] if spec.slider else [])]
        with gr.Column(elem_classes=classes, min_width=0):
            widget = widget_of(spec, **options)
            if spec.slider:
                gr.HTML(
                    one.slider_html(spec), js_on_load=markup.alone("slider"), apply_default_css=False, padding=False,
                    elem_classes=["sr-html"],
                )  # fmt: skip
            if path in one.ENTRIES:
                _told(path, widget)
            if spec.section is not None:
                markup.still_html(
                    f'<details class="sr-how"><summary>{markup.esc(text.ITEM_HELP)}</summary>'
                    f"{one.section_html(spec.section)}</details>",
                    elem_id=f"help-{slug(path)}",
                )
            return self.bind(spec, widget, tags)

    def fields(
        self,
        rows: Iterable[tuple[str, FieldInfo]],
        *,
        tags: tuple[str, ...] = (),
        values: dict[str, Any] | None = None,
        groups: Groups = (),
    ) -> None:
        """Several fields as a grid: plain ones first, advanced ones in an accordion, there under the groups' titles.

        values: other starting values.
        """
        listed, values = list(rows), values or {}

        def draw(part: list[tuple[str, FieldInfo]]) -> None:
            with gr.Column(elem_classes=["sr-fields"]):
                for path, info in part:
                    start = {"value": shown(spec_of(path, info), values[path])} if path in values else {}
                    self.add(path, info, tags=tags, **start)

        plain = [(path, info) for path, info in listed if not spec_of(path, info).advanced]
        if plain:
            draw(plain)
        advanced = [(path, info) for path, info in listed if spec_of(path, info).advanced]
        if not advanced:
            return
        with gr.Accordion(text.ALL_SETTINGS, open=False):
            for title, part in grouped(advanced, groups):
                if title:
                    markup.still_html(f'<h4 class="sr-group">{markup.esc(title)}</h4>')
                draw(part)

    @property
    def widgets(self) -> list[Any]:
        return [binding.widget for binding in self.bindings]

    def widget(self, path: str) -> Any:
        """The widget of a setting that stands on the page once."""
        return next(binding.widget for binding in self.bindings if binding.path == path)

    @property
    def slots(self) -> list[gr.HTML]:
        return [binding.slot for binding in self.bindings]

    @property
    def notes(self) -> list[gr.HTML]:
        return [binding.note for binding in self.bindings if binding.note is not None]

    def told(self, advice: Sequence[Mapping[str, Any]], chosen: dict[str, str]) -> list[Any]:
        """An update for every note. advice: findings ({severity, field, message}) on what is typed."""
        updates = []
        for binding in self.bindings:
            if binding.note is None:
                continue
            own = [item for item in advice if item["field"] == binding.path and binding.counts(chosen)]
            updates.append(gr.update(value=advice_html(own), visible=bool(own)))
        return updates

    def unreadable(self, typed: Sequence[Any], chosen: dict[str, str]) -> list[FieldError]:
        """What is typed where a structure is needed and cannot be read as one."""
        found = [
            one.unreadable(binding.spec, raw)
            for binding, raw in zip(self.bindings, typed, strict=True)
            if binding.counts(chosen)
        ]
        return [error for error in found if error is not None]

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


def _told(path: str, widget: Any) -> None:
    """What the catalogue says of the choice, under the widget, for whatever is chosen later too."""
    said = markup.still_html(one.entry_html(path, widget.value), elem_id=f"chosen-{slug(path)}", padding=False)
    widget.change(
        lambda chosen: one.entry_html(path, chosen), widget, said, show_progress="hidden", api_visibility="private"
    )


def grouped(rows: Sequence[tuple[str, FieldInfo]], groups: Groups) -> list[tuple[str, list[tuple[str, FieldInfo]]]]:
    """(title, fields) in the groups' order; what belongs to none comes first, without a title.

    In a group, choices that take a line of their own come last, so that the others stand beside each other.
    """
    parts: dict[str, list[tuple[str, FieldInfo]]] = {"": [], **{title: [] for title, _ in groups}}
    for path, info in rows:
        home = next((title for title, starts in groups if path.startswith(starts)), "")
        parts[home].append((path, info))
    for title, _ in groups:
        parts[title].sort(key=lambda row: one.is_line(spec_of(*row)))
    return [(title, part) for title, part in parts.items() if part]


def advice_html(advice: Sequence[Mapping[str, Any]]) -> str:
    return "".join(
        f'<p class="sr-advice-{markup.esc(item["severity"])}"><b>{markup.esc(text.ADVICE[item["severity"]])}</b> '
        f"{markup.esc(item['message'])}</p>"
        for item in advice
    )


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
