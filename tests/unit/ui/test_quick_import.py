"""Gradio without its stubs for editors is Gradio all the same."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

CODE = """
import json, sys
from ui import quick_import
quick_import.no_stubs()
quick_import.no_stubs()
finders = sum(isinstance(finder, quick_import._Finder) for finder in sys.meta_path)
import gradio as gr
from gradio import component_meta
component_meta.create_or_modify_pyi("a class", "its name", [])
with gr.Blocks() as app:
    box, button = gr.Textbox(), gr.Button()
    button.click(lambda said: said.upper(), box, box, api_name="shout")
left = sum(isinstance(finder, quick_import._Finder) for finder in sys.meta_path)
print(json.dumps({
    "once": finders, "left": left, "ours": component_meta.create_or_modify_pyi is quick_import._nothing,
    "events": [hasattr(gr.Textbox, name) for name in ("change", "input", "submit", "blur")],
    "answer": app.fns[0].fn("so"), "source": component_meta.__spec__.origin.endswith("component_meta.py"),
}))
"""


def test_nothing_is_written_and_components_have_their_events():
    done = subprocess.run([sys.executable, "-c", CODE], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "once": 1,
        "left": 0,
        "ours": True,
        "events": [True] * 4,
        "answer": "SO",
        "source": True,
    }


def test_this_gradio_has_what_is_taken_out():
    """Were it called otherwise one day, the start would be slow again, and nobody would know."""
    import gradio

    source = Path(gradio.__file__).with_name("component_meta.py").read_text(encoding="utf-8")
    assert "def create_or_modify_pyi(" in source
    assert "        create_or_modify_pyi(" in source
