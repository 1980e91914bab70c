"""What the student step says of measured latency."""

from __future__ import annotations

TITLE = "Measured on this machine"
MODEL, STUDENT, SPEEDUP = "Model", "Student", "Speed-up"
BATCH = "batch {size}"
#: columns below a batch size, by the name of the figure in a row
COLUMNS = {"p50": "ms", "cpu_ms": "CPU ms"}
#: what speed-ups are made of, by the name of the figure in a row
FIGURES = {"cpu_ms": "CPU time", "p50": "the clock"}
CELL = "{p50} ms in the middle of {repeats} calls; 95 of 100 took at most {p95} ms; {cpu} ms of CPU time."
STATES = {
    "": "Student and teachers are timed while this step is open.",
    "starting": "Getting ready to measure: some seconds …",
    "measuring": "Measuring … about a second",
    "ready": "Speed-up against {teacher}, by {figure}. With random weights: what is learnt does not change the speed.",
}
FAILED = "Not measured: {error}"
AGAIN = "Try again"
HOW = "How measured?"
FIGURE_SAID = {
    "cpu_ms": "The times are those of the clock; the speed-up is made of CPU time, which is the same work without the "
    "waiting on a machine that does other things.",
    "p50": "The times are those of the clock, and so is the speed-up.",
}
REPORT_SAID = "A run measures again, with the weights it trained, for longer, and in turn; its report says what counts."
WAITING = "…"
