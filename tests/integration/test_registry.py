"""A student and a task need one module and one line of the catalogue each: nothing else in the house knows these."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_a_new_student_and_a_new_task_are_a_module_and_a_line_each():
    """In a process of its own, so that the lines are there before anything asks the catalogue."""
    command = [sys.executable, "-m", "pytest", "-p", "tests.toys.registered", "-p", "no:cacheprovider", "-q"]
    done = subprocess.run(
        [*command, "tests/toys/checks.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        env={**os.environ, "GRADIO_ANALYTICS_ENABLED": "False"},
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
