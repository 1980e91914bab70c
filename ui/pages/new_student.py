"""Step 3 of New run: the student's kind and size, from a preset or by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from distill_core.catalogue import STUDENTS, USUAL_STUDENT
from distill_core.shapes import STUDENT_PRESETS
from ui import drafts, text
from ui.fields import read, shown
from ui.forms import Form
from ui.pages import new_drawing, new_latency


@dataclass
class StudentStep:
    preset: gr.Dropdown
    kind: gr.Radio
    kinds: dict[str, gr.Column]
    latency: new_latency.LatencyBlock
    drawing: new_drawing.DrawingBlock

    @property
    def restores(self) -> list[Any]:
        return [self.preset, *self.kinds.values()]

    def restore(self, values: Mapping[str, Any]) -> list[Any]:
        preset = values.get("student.preset")
        known = preset if preset in STUDENT_PRESETS else ""
        return [gr.update(value=known), *(gr.update(visible=name == values["student.kind"]) for name in self.kinds)]


def build(form: Form, values: dict[str, Any]) -> StudentStep:
    """values: {path: value} the page starts from."""
    chosen = values.get("student.kind", USUAL_STUDENT)
    preset = gr.Dropdown(
        [(text.OWN_PRESET, ""), *((title, name) for name, (title, _) in STUDENT_PRESETS.items())],
        value="", label=text.PRESET, info=text.PRESET_HELP, elem_id="field-student-preset",
    )  # fmt: skip
    kind = gr.Radio(kinds(), value=chosen, label="Kind of student", elem_id="field-student-kind")
    latency = new_latency.build()
    groups = {}
    for name, entry in STUDENTS.items():
        with gr.Column(visible=name == chosen) as groups[name]:
            own = values if name == chosen else {}
            form.fields(drafts.section_fields(entry.load(), "student."), tags=(name,), values=own)
    return StudentStep(preset, kind, groups, latency, new_drawing.build())


def kinds() -> list[tuple[str, str]]:
    """(title, name) of every kind of student."""
    return [(entry.title, name) for name, entry in STUDENTS.items()]


def fill(form: Form, name: str) -> list[Any]:
    """A preset's fields into the student's widgets; first the kind. Fields it does not speak of stay as they are."""
    bindings = student_bindings(form)
    if name not in STUDENT_PRESETS:
        return [gr.skip()] * (1 + len(bindings))
    fields = dict(STUDENT_PRESETS[name][1])
    kind = fields["kind"]
    updates = []
    for binding in bindings:
        key = binding.path.removeprefix("student.")
        ours = binding.counts({"student": kind}) and key in fields
        updates.append(gr.update(value=shown(binding.spec, fields[key])) if ours else gr.skip())
    return [gr.update(value=kind), *updates]


def is_preset(form: Form, name: Any, kind: Any, typed: Sequence[Any]) -> bool:
    """Do the values typed still have this preset's shape? Of no preset there is nothing to lose."""
    if name not in STUDENT_PRESETS:
        return True
    fields = STUDENT_PRESETS[name][1]
    own = {
        binding.path.removeprefix("student."): read(binding.spec, value)
        for binding, value in zip(student_bindings(form), typed, strict=True)
        if binding.counts({"student": fields["kind"]})
    }
    return bool(kind == fields["kind"]) and all(own.get(key) == value for key, value in fields.items() if key != "kind")


def student_bindings(form: Form) -> list[Any]:
    return [binding for binding in form.bindings if binding.path.startswith("student.")]


def wire(step: StudentStep, form: Form) -> None:
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    widgets = [binding.widget for binding in student_bindings(form)]
    step.kind.change(
        lambda kind: [gr.update(visible=name == kind) for name in step.kinds],
        step.kind,
        [*step.kinds.values()],
        **quiet,
    )
    step.preset.input(lambda name: fill(form, name), step.preset, [step.kind, *widgets], **quiet)
    slid = [binding for binding in student_bindings(form) if binding.spec.slider]
    names = json.dumps([binding.widget.elem_id for binding in slid])
    follow = f"(...values) => {{ window.StillroomSliders?.follow({names}, values); return []; }}"
    gr.on([b.widget.change for b in slid], None, [b.widget for b in slid], None, js=follow, **quiet)
    # What was changed by hand is no preset any more. `input` is not told of pasting and deleting, `change` also of what
    # a preset or a file fills in: so the values decide.
    gr.on(
        [step.kind.change, *(widget.change for widget in widgets)],
        lambda name, kind, *typed: gr.skip() if is_preset(form, name, kind, typed) else "",
        [step.preset, step.kind, *widgets], step.preset, trigger_mode="always_last", **quiet,
    )  # fmt: skip
