"""What a run's page says of the run: where it is, what goes wrong, and the headings of its parts."""

from __future__ import annotations

OPENING = "Opening the run …"
NO_SUCH_RUN = "No such run"
ALL_RUNS, HOME = "All runs", "Home"
LOST = "Reconnecting … the app does not answer; the run itself goes on."
RESUME = "Resume"
PROGRESS = "Progress of the run"
RESULT = "Result"
BESIDE = "Teachers beside the student"
BESIDE_LATER = "Sizes and latency appear once the models are built."
FINDINGS = "Data findings"
SETTINGS = "Settings"
COMMAND = "The same run without the page:"
DOWNLOAD = "Download the student"
#: handed to the page's script; {…} is filled there
WORDS = {
    "title": "{name} – Stillroom",
    #: what a run does in each stage
    "stages": {
        "prepare": "reading the data",
        "teachers": "training the teachers",
        "cache": "asking the teachers",
        "distil": "distilling",
        "measure": "measuring",
        "done": "done",
    },
    "stage_is": "{stage}: {state}",
    "states": {"waiting": "waiting", "started": "now", "halted": "not finished", "finished": "finished"},
    "took": "took {time}",
    "left": "{time} left",
    "measuring": "measuring…",
    "next": "Next in the queue; starts by itself.",
    "number": "Number {number} in the queue; starts by itself.",
    "queued": "Waiting in the queue; starts by itself.",
    "starting": "Starting: loading PyTorch, about 10 s.",
    "stopping": "Writing a checkpoint, then stopping.",
    "failed": "The run failed",
    "interrupted": "The run was interrupted",
    "no_reason": "It ended without saying why; the log tells more.",
    "nothing_lost": "Nothing recorded is lost. Resume goes on from the last checkpoint.",
    "lost": "The app did not answer; try again in a moment.",
    "settings_lost": "The app did not answer; close and open this again.",
    "student": "student",
    "parameters": "Parameters",
    "bytes": "On disk",
    "bytes_how": "fp32 safetensors",
    "latency": "Latency, batch {batch}",
    "latency_how": "ms p50",
    "latency_preview": "ms p50, preview",
    "fewer": "{times} fewer parameters than the teacher",
    "fewer_several": "{times} fewer parameters than the smallest teacher",
    "no_findings": "No findings so far.",
}
