"""A draft or config → what every widget of the page shows: the way back from `drafts.draft_of`.

Nothing is lost on the way in silence: what no widget can show is handed back as an error at its path, and the widget
is left empty, so that the next check asks for it too.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import gradio as gr

from distill_core.catalogue import STUDENTS, USUAL_STUDENT
from distill_core.config import MAX_TEACHERS, SCHEMA_VERSION, Section
from distill_core.errors import FieldError
from ui import text
from ui.drafts import Typed
from ui.fields import FieldSpec, read, section_defaults, shown
from ui.forms import Binding, Form

LONGEST_TEXT = 4096
#: beyond it, whole numbers change on their way through the browser
LARGEST = 2**53
SOURCES = tuple(value for _, value in text.SOURCES)
_MISSING = object()


class Step(Protocol):
    """A step that shows more than its bound widgets says here how it follows when they are filled.

    A new widget that is bound (`Form.bind`, `Form.add`) joins in by that alone."""

    @property
    def restores(self) -> list[Any]:
        """The other components that change with the values."""

    def restore(self, values: Mapping[str, Any]) -> list[Any]:
        """An update for each of `restores`. values: {path: what its widget shows} of the fields that count, with
        `data.source`, `student.kind`, `recipe` and `student.preset`."""


@dataclass(frozen=True)
class Filled:
    """What the page shows of a config. values: one a binding. lost: what none of them can show, by the page's paths."""

    source: str
    kind: str
    values: tuple[Any, ...]
    lost: tuple[FieldError, ...] = ()
    recipe: str | None = None
    preset: str = ""

    @property
    def typed(self) -> Typed:
        return Typed(self.source, self.kind, self.values)

    def by_path(self, form: Form) -> dict[str, Any]:
        """{path: what is shown} of the fields that count, and the page's other choices; see `Step.restore`."""
        chosen = self.typed.chosen
        pairs = zip(form.bindings, self.values, strict=True)
        found = {binding.path: value for binding, value in pairs if binding.counts(chosen)}
        return {
            **found, "data.source": self.source, "student.kind": self.kind, "recipe": self.recipe,
            "student.preset": self.preset,
        }  # fmt: skip


def stamp() -> str:
    """Another value each time, for a component whose change is to be noticed."""
    return uuid.uuid4().hex


def key_of(binding: Binding) -> str:
    """A name for a binding's widget that is the same in the next version: several widgets may share a path."""
    return binding.path + (f"@{','.join(binding.tags)}" if binding.tags else "")


# ---------------------------------------------------------------- from a config


def fill(form: Form, config: Any, *, recipe: str | None = None) -> Filled:
    """What the page shows of a config, or of any draft, however wrong. Fields it does not speak of show their defaults.

    recipe: the one it comes from, if it does.
    """
    lost: list[FieldError] = []
    if not isinstance(config, Mapping):
        config = {}
        lost.append(FieldError("config", "this is no list of settings.", "Start from a recipe or a finished run."))
    source = _choice(config, "data", "source", SOURCES, lost) or _likely_source(config)
    kind = _choice(config, "student", "kind", tuple(STUDENTS), lost) or _likely_kind(config)
    chosen = {"data": source, "student": kind}
    values, used = [], set()
    for binding in form.bindings:
        value = _look(config, binding.path) if binding.counts(chosen) else _MISSING
        if value is _MISSING or value is None:
            values.append(empty(binding))
            continue
        used.add(binding.path)
        show, problem = fitted(binding, value)
        values.append(show)
        lost += [problem] if problem else []
    lost += _left_over(config, used, {b.path for b in form.bindings})
    return Filled(source, kind, tuple(values), tuple(lost), recipe)


def empty(binding: Binding) -> Any:
    """What a field shows when nothing is said about it: its default, where the widget can show it."""
    default = "" if binding.path.startswith("teachers.") and binding.path.endswith(".source") else binding.spec.default
    show = shown(binding.spec, default)
    return show if fits(binding.widget, show) else None


def fitted(binding: Binding, value: Any) -> tuple[Any, FieldError | None]:
    """(what the widget shows, None), or (an empty widget, what it could not show)."""
    spec = binding.spec
    try:
        value = _tidy(spec, value)
        show = shown(spec, value)
        if fits(binding.widget, show) and _same(read(spec, show), value, spec):
            return show, None
    except (TypeError, ValueError, AttributeError, KeyError, RecursionError):
        pass
    hint = "Type or choose it anew."
    if spec.choices:
        hint = f"Choose one of {', '.join(spec.choices)}."
    return _blank(binding), FieldError(binding.path, f"{brief(value)} cannot stand here.", hint)


def _blank(binding: Binding) -> Any:
    """Asked for anew by every check; where empty means something, it is at least told that the value is lost."""
    if binding.spec.kind in ("many", "bool"):
        return [] if binding.spec.kind == "many" else bool(binding.spec.default)
    return None if isinstance(binding.widget, gr.Number | gr.Radio | gr.Dropdown) else ""


def brief(value: Any) -> str:
    said = repr(value)
    return said if len(said) <= 60 else said[:59] + "…"


def _choice(config: Mapping[str, Any], part: str, name: str, choices: Sequence[str], lost: list[FieldError]) -> str:
    section = config.get(part)
    given = section.get(name) if isinstance(section, Mapping) else None
    if given is None or given in choices:
        return str(given or "")
    lost.append(FieldError(f"{part}.{name}", f"{brief(given)} is unknown.", f"Choose one of {', '.join(choices)}."))
    return ""


def _likely_source(config: Mapping[str, Any]) -> str:
    data = config.get("data")
    return "files" if isinstance(data, Mapping) and "train" in data else "bundled"


def _likely_kind(config: Mapping[str, Any]) -> str:
    """The kind that knows most of the settings named; of several, the usual one."""
    student = config.get("student")
    named = set(student) if isinstance(student, Mapping) else set()
    known = {name: len(named & set(entry.load().model_fields)) for name, entry in STUDENTS.items()}
    return max(known, key=lambda name: (known[name], name == USUAL_STUDENT))


def _look(config: Any, path: str) -> Any:
    """What a draft says at a dotted path; numbers count in lists."""
    for part in path.split("."):
        if isinstance(config, Mapping) and part in config:
            config = config[part]
        elif isinstance(config, list) and part.isdigit() and int(part) < len(config):
            config = config[int(part)]
        else:
            return _MISSING
    return config


def _left_over(config: Mapping[str, Any], used: set[str], known: set[str]) -> Iterator[FieldError]:
    """What of a draft stands in no field of the page. A recipe's words about itself are no settings."""
    version = config.get("schema_version", SCHEMA_VERSION)
    if version != SCHEMA_VERSION:
        yield FieldError(
            "schema_version", f"{brief(version)} is not this version's format.", f"It is {SCHEMA_VERSION}."
        )
    outer = {path.rsplit(".", count)[0] for path in known for count in range(1, path.count(".") + 1)}
    plain = {"about", "schema_version", "data.source", "student.kind"}

    def walk(part: Any, path: str) -> Iterator[FieldError]:
        if path in used or path in plain or part is None:
            return
        pairs: list[tuple[str, Any]] = []
        if isinstance(part, Mapping) and (path in outer or not path):
            pairs = [(str(name), value) for name, value in part.items()]
        elif isinstance(part, list) and path == "teachers":
            pairs = [(str(number), value) for number, value in enumerate(part)]
        elif path in outer:
            yield FieldError(path, f"{brief(part)} is no group of settings.", "It was left out.")
        elif path == f"teachers.{MAX_TEACHERS}":
            yield FieldError("teachers", f"only {MAX_TEACHERS} teachers can be used.", "The others were left out.")
        elif not path.startswith("teachers.") or path.split(".")[1] in map(str, range(MAX_TEACHERS)):
            told = f"there is no such setting here (it was {brief(part)})."
            yield FieldError(path, told, "Check the spelling; it was left out.")
        for name, value in pairs:
            yield from walk(value, f"{path}.{name}" if path else name)

    yield from walk(config, "")


# ---------------------------------------------------------------- does a widget take a value?


def fits(widget: Any, value: Any) -> bool:
    """Can this widget show this value, and send it back as it is? Values may come from anywhere."""
    if isinstance(widget, gr.Number | gr.Slider):
        low, high = getattr(widget, "minimum", None), getattr(widget, "maximum", None)
        return value is None or (
            isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST
            and (low is None or value >= low) and (high is None or value <= high)
            and (getattr(widget, "precision", None) != 0 or float(value).is_integer())
        )  # fmt: skip
    if isinstance(widget, gr.Checkbox):
        return isinstance(value, bool)
    listed = [item[1] for item in widget.choices] if getattr(widget, "choices", None) is not None else None
    if isinstance(widget, gr.CheckboxGroup) or getattr(widget, "multiselect", False):
        return isinstance(value, list) and all(item in (listed or []) for item in value)
    if listed is not None and not getattr(widget, "allow_custom_value", False):
        return value is None or value in listed
    return value is None or (isinstance(value, str) and _writable(value, widget))


def _writable(value: str, widget: Any) -> bool:
    """Half a character cannot be sent; a field of one line cannot hold two."""
    long = getattr(widget, "max_lines", 1) != 1
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return len(value) <= (20 * LONGEST_TEXT if long else LONGEST_TEXT) and (long or not set(value) & set("\r\n"))


def _tidy(spec: FieldSpec, value: Any) -> Any:
    """As the config would read it: YAML makes 1e-4 a text and yes a truth value."""
    if spec.kind == "bool":
        return value if isinstance(value, bool) else _refuse()
    if isinstance(value, bool):
        word = "yes" if value else "no"
        return word if word in spec.choices else _refuse()
    if spec.kind in ("int", "float") and isinstance(value, str):
        number = read_number(value)
        return value if number is None else number
    if spec.kind == "text" and isinstance(value, int | float):
        return str(value)
    if spec.kind == "yaml":
        return value if isinstance(value, list) else _refuse()
    if spec.kind in ("text", "choice", "int", "float") and not isinstance(value, str | int | float):
        return _refuse()
    if spec.kind in ("ints", "strings", "many") and not isinstance(value, list):
        return _refuse()
    if spec.kind == "ints":
        return [read_number(item) if isinstance(item, str) and item.strip().isdigit() else item for item in value]
    if spec.kind == "mapping":
        return {str(name): str(item) for name, item in value.items()}
    return value


def _refuse() -> Any:
    raise ValueError


def read_number(typed: str) -> int | float | None:
    for parse in (int, float):
        try:
            return parse(typed)
        except ValueError:
            continue
    return None


def _same(back: Any, value: Any, spec: FieldSpec) -> bool:
    """Does the field read what it was given? In a list of sections, what is left at its default may be left out."""
    if spec.kind != "yaml":
        return bool(back == value) or (back is None and value in ("", {}))
    if not isinstance(back, list) or len(back) != len(value):
        return False
    defaults = section_defaults(spec.section)
    return all(_full(one, defaults) == _full(other, defaults) for one, other in zip(back, value, strict=True))


def _full(item: Any, defaults: Mapping[str, Any]) -> Any:
    if isinstance(item, Section):
        item = item.model_dump(mode="json")
    return {**defaults, **item} if isinstance(item, Mapping) else item


# ---------------------------------------------------------------- what was typed, kept by the browser


@dataclass(frozen=True)
class Kept:
    """What a browser kept of the page: {key: what its widget showed}, the steps visited, the open one, the start's
    token, and what is typed for a sweep. From outside: `read_kept` takes only what fits."""

    values: Mapping[str, Any] = field(default_factory=dict)
    visited: tuple[int, ...] = ()
    step: str = ""
    token: str = ""
    sweep: Mapping[str, Any] | None = None


def keys(form: Form) -> list[str]:
    """The names under which a browser keeps the page's values, in the order of `NewRun.given`."""
    return ["recipe", "student.preset", "data.source", "student.kind", *map(key_of, form.bindings)]


def unpack(form: Form, kept: Mapping[str, Any], first: Filled, recipes: Sequence[str]) -> Filled:
    """What the page showed when it was left. first: what it shows untouched, for values that are missing or bad."""
    values = []
    for binding, start in zip(form.bindings, first.values, strict=True):
        value = kept.get(key_of(binding), start)
        values.append(value if fits(binding.widget, value) else start)
    source, kind = kept.get("data.source"), kept.get("student.kind")
    recipe, preset = kept.get("recipe", first.recipe), kept.get("student.preset")
    return Filled(
        str(source) if source in SOURCES else first.source,
        str(kind) if isinstance(kind, str) and kind in STUDENTS else first.kind,
        tuple(values),
        recipe=recipe if recipe is None or recipe in recipes else first.recipe,
        preset=preset if isinstance(preset, str) else "",
    )
