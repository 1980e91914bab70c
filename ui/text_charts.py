"""What the run's charts say: titles, axes, buttons, and words for what is missing."""

from __future__ import annotations

from typing import Any

STEPS = "optimizer step"
MINUTES = "minutes of work"

#: key → (title, what is measured). Charts stand on the page in this order.
CHARTS = {
    "quality": ("Validation accuracy", "%"),
    "loss": ("Loss terms", "unweighted"),
    "kl": ("Teachers' losses", "soft labels, unweighted"),
    "weight": ("Teachers' weights", "mean over a window"),
    "disagreement": ("Teachers' disagreement", "nats"),
    "rate": ("Learning rate", ""),
    "speed": ("Throughput", "examples/s"),
    "use": ("Device use", "%"),
    "memory": ("Memory", "GB"),
}
#: the first chart's title once the run tells what its quality is called
VALIDATION = "Validation {metric}"
WAITING = "Waiting for the first measurement."
ENDED = "Nothing was measured before the run ended."
MISSING = {
    "weight": "No teacher is weighted in this run.",
    "disagreement": "Not measured in this run: it takes two teachers with the same classes.",
}
ARMS = {"main": "student", "no_teacher": "no teachers", "uniform": "uniform weights"}
DEVICE = {
    "cpu_share": "CPU, of this run's cores",
    "memory_process": "process, resident",
    "accelerator_share": "accelerator, all processes",
    "accelerator_allocated": "accelerator, tensors",
    "accelerator_reserved": "accelerator, reserved",
}
HEAD = "How it went"
TOOLBAR = {
    "label": "Charts",
    "whose": "Losses and rate of",
    "teachers": "the teachers' training",
    "smooth": "Smoothing",
    "off": "off",
    "over": "over {points} points",
    "log": "Log scale for losses and rate",
    "reset": "Reset zoom",
    "png": "PNG",
    "csv": "CSV",
    "failed": "The chart could not be saved; try again in a moment.",
}


def words() -> dict[str, Any]:
    """All of it, as the page's script takes it."""
    return {
        "steps": STEPS,
        "minutes": MINUTES,
        "charts": CHARTS,
        "validation": VALIDATION,
        "waiting": WAITING,
        "ended": ENDED,
        "missing": MISSING,
        "arms": ARMS,
        "device": DEVICE,
        "toolbar": TOOLBAR,
    }
