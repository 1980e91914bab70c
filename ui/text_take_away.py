"""What a finished run's page says about taking the student away: formats, building, refusals, the card, the Hub."""

from __future__ import annotations

from distill_core.export.formats import ALLOWED_LOSS, FORMATS

HEAD = "Take it away"
KEPT = "The student as Stillroom keeps it: weights, tokeniser, labels, and the lines that load it with this project."
LOSS = "May lose at most, points of validation quality"
TEACHER = "Measure the teacher on the same runtime too"
LICENCE = "Licence for the card"
CARD = "Model card"
PUSH = "Push to the Hub"
REPOSITORY = "Repository"
TOKEN = "Token"
PRIVATE = "Private"
FORMAT = "Format"
DEFAULT_LOSS = ALLOWED_LOSS

#: format → what it is, below its title
ABOUT = {
    "safetensors": "Loads with transformers, where one of its classes computes this student exactly.",
    "onnx": "The same numbers as a graph; needs onnxruntime and tokenizers alone.",
    "onnx-int8": "Weights in int8: smaller, often faster. Rounding may cost quality, so it is measured.",
}
assert set(ABOUT) == set(FORMATS)

#: handed to the page's script; {…} is filled there
WORDS = {
    "about": ABOUT,
    "none": "not built",
    "building": "building",
    "ready": "ready",
    "refused": "refused",
    "failed": "failed",
    "build": "Build",
    "again": "Build again",
    "cancel": "Cancel",
    "cancelling": "Cancelling …",
    "download": "Download",
    "packing": "Packing …",
    "quality": "Validation {metric}",
    "kept": "nothing lost",
    "lost": "{points} points lost",
    "gained": "{points} points more",
    "agreement": "Same answers",
    "size": "Size",
    "latency": "p50, batch {batch}",
    "speedup": "{times} as fast as {teacher}",
    "slower": "{times} the speed of {teacher}",
    "how": "How measured?",
    "rows": "Quality and same answers: on the {rows} validation rows of the run, beside the student before export.",
    "protocol": "Latency: one call for a whole batch of {tokens} tokens each, {threads} thread(s), {runtime} on "
    "{device}; all models take turns, {repeats} timed calls. In torch the student takes {torch}.",
    "same_runtime": "The speed-up compares with {teacher} on the same runtime.",
    "needs_us": "No class of transformers computes this student exactly: this folder needs Stillroom. The ONNX exports "
    "do not.",
    "allowed": "At most {points} points may be lost.",
    "no_card": "There is a card for each export that is built.",
    "pushing": "Uploading …",
    "pushed": "It is on the Hub: ",
    "push": "Push",
    "lost_app": "The app did not answer; try again in a moment.",
}

IMPORT = "Import a run"
IMPORT_HELP = "A zip of a run's folder, made on another machine."
