"""The drawing of layers as SVG: every line between the right boxes, all of it in words too, nothing unescaped."""

from __future__ import annotations

import itertools
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import gradio as gr

from distill_core import recipes
from distill_core.services.drawing import drawing
from tests.unit.ui.fake_services import FakeServices
from ui.build import build_app
from ui.drawing import drawing_html, lessons, start_words
from ui.pages import new, new_drawing

EVIL = "<img src=x>"


def drawn(name: str, **changes: Any) -> dict[str, Any]:
    raw = recipes.load(name).config.model_dump(mode="json", exclude_none=True)
    return drawing(raw | changes)


def panels(html: str) -> list[ET.Element]:
    return [ET.fromstring(svg) for svg in re.findall(r"<svg viewBox.*?</svg>", html)]


def boxes(svg: ET.Element) -> list[tuple[float, float, str]]:
    """(left, middle, words) of every box."""
    found = []
    for group in svg.iter("g"):
        rect, words = group.find("rect"), group.find("text")
        assert rect is not None and words is not None
        middle = float(rect.attrib["y"]) + float(rect.attrib["height"]) / 2
        found.append((float(rect.attrib["x"]), middle, words.text or ""))
    return found


def lines(svg: ET.Element, classes: str) -> list[tuple[str, str]]:
    """(teacher's box, student's box) nearest to the ends of every line of a kind."""
    left = [box for box in boxes(svg) if box[0] < 100]
    right = [box for box in boxes(svg) if box[0] > 100]
    found = []
    for path in svg.iter("path"):
        if path.attrib["class"] == classes:
            numbers = [float(n) for n in re.findall(r"[\d.]+", path.attrib["d"])]
            start, end = numbers[1], numbers[-1]
            ends = [min(side, key=lambda box: abs(box[1] - at)) for side, at in ((left, start), (right, end))]
            found.append((ends[0][2], ends[1][2]))
    return found


def test_lines_run_between_the_layers_that_meet() -> None:
    first, second = panels(drawing_html(drawn("mt_bert")))
    assert lines(first, "sr-link") == [("Prediction", "Prediction"), ("Layer 2", "Layer 1"), ("Layer 4", "Layer 2")]
    assert lines(second, "sr-link") == [("Prediction", "Prediction"), ("Layer 2", "Layer 1"), ("Layer 3", "Layer 2")]
    taken = [("Embedding", "Embedding · 128"), ("Layer 1", "Layer 1"), ("Layer 2", "Layer 2")]
    assert lines(first, "sr-link sr-taken") == taken and lines(second, "sr-link sr-taken") == []


def test_boxes_do_not_touch_and_stand_inside() -> None:
    for name in ("mt_bert", "transfer_bilstm", "weak_teacher", "bert_emd"):
        for svg in panels(drawing_html(drawn(name))):
            height = float(svg.attrib["viewBox"].split()[3])
            for side in (True, False):
                middles = sorted(middle for left, middle, _ in boxes(svg) if (left < 100) == side)
                assert middles[0] > 0 and middles[-1] < height
                assert min(after - before for before, after in itertools.pairwise(middles)) >= 15


def test_each_teacher_has_its_colour_and_the_student_its_own() -> None:
    first, second = panels(drawing_html(drawn("mt_bert")))
    styles = [{rect.attrib["style"] for rect in svg.iter("rect")} for svg in (first, second)]
    assert styles == [{f"--role: var(--sr-teacher-{n})", "--role: var(--sr-student)"} for n in (1, 2)]


def test_many_lines_are_light_and_many_teachers_open_one_at_a_time() -> None:
    found = drawn("bert_emd", student={"kind": "transformer", "layers": 4, "hidden": 96, "heads": 4})
    assert len(lines(panels(drawing_html(found))[0], "sr-link sr-link-many")) == 16
    four = drawn("single_teacher", teachers=[{"source": "bundled:support-bert", "name": f"t{n}"} for n in range(4)])
    html = drawing_html(four)
    assert html.count("<details name=") == 4 and html.count(" open>") == 1 and len(panels(html)) == 4


def test_the_table_says_the_same_in_words() -> None:
    html = drawing_html(drawn("mt_bert"))
    rows = re.findall(r"<tr>(.*?)</tr>", html.split("<tbody>")[1])
    told = [[re.sub("<[^>]+>", "", cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)] for row in rows]
    assert told[0] == ["Prediction", "at random", "Soft labels", "Soft labels"]
    assert told[1] == ["First token", "has no weights", "–", "–"]
    assert told[2] == [
        "Layer 2", "as a copy of layer 2 of support-bert", "Hidden states, by token: layer 4",
        "Hidden states, by word: layer 3",
    ]  # fmt: skip
    assert told[-1][:2] == ["Embedding, 128", "as a copy of support-bert&#x27;s"]


def test_all_layers_of_a_teacher_are_said_to_be_all() -> None:
    found = drawn("bert_emd")
    part = next(part for part in found["student"]["parts"] if part["layer"] == 1)
    assert lessons(part, found["teachers"][0]) == ["Layers by optimal transport: all layers"]
    assert start_words({"learns": True, "given": {"how": "svd", "layer": 0}}, "A") == (
        "as an SVD of A's embedding",
        "SVD",
    )


def test_names_are_escaped_and_what_is_missing_is_said() -> None:
    found = drawn("single_teacher", teachers=[{"source": "bundled:support-bert", "name": EVIL}])
    assert EVIL not in drawing_html(found) and "&lt;img" in drawing_html(found)
    missing = {"missing": [{"field": "teachers", "message": f"no {EVIL} is chosen.", "hint": "Choose one."}]}
    html = drawing_html(missing)
    assert "No &lt;img src=x&gt; is chosen. Choose one." in html and "<svg" not in html
    assert 'data-drawing="missing"' in html and 'data-drawing=""' in drawing_html({})


def test_terms_that_cannot_work_are_told_below() -> None:
    found = drawn("mt_bert", objective={"matching": {"relations": 1}})
    assert "Not drawn, because it cannot work: “Attention relations” needs equal tokenisers" in drawing_html(found)


class Asked(FakeServices):
    def drawing(self, draft: dict[str, Any]) -> dict[str, Any]:
        self.draft = draft
        return {"missing": [{"field": "teachers", "message": "asked", "hint": ""}]}


def test_it_asks_of_what_is_typed_now_and_only_of_that(tmp_path: Path) -> None:
    services = Asked(tmp_path)
    with gr.Blocks():
        page = new.build(services)
    values = {binding.path: binding.widget.value for binding in page.form.bindings} | {"student.lstm_hidden": 96}
    html = new_drawing.told(page, services, ("bundled", "bilstm", *(values[b.path] for b in page.form.bindings)))
    assert services.draft["student"]["lstm_hidden"] == 96 and "Asked" in html
    app = build_app(services, tmp_path)
    later = [f for f in app.fns.values() if "StillroomDrawing?.later" in str(f.js)]
    labels = {getattr(app.blocks[target], "elem_id", "") for target, _ in later[0].targets}
    assert len(later) == 1
    assert {"field-student-layer_choice", "field-objective-hidden_layers", "field-student-kind"} <= labels
    assert not {"field-name", "field-training-epochs", "field-measure-threads"} & labels
