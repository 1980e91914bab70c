"""What the student step says of layers: who teaches which, and what each part starts as."""

from __future__ import annotations

TITLE = "Layers"
FIGURE = "{student} beside {teacher}: the same stands in the table below."
PANEL = "{teacher}, {layers} × {hidden}"
STUDENT = "Student: {words}"
WAITING = "The layers of teachers and student are drawn while this step is open."
MISSING = "The layers are drawn once this is there:"
LEFT_OUT = "Not drawn, because it cannot work: {message} {hint}"
TABLE = "The same as a table"
PART, STARTS, LEARNS = "Student", "Starts", "Learns from {teacher}"
#: what a part starts as, in full and in the box: by `given.how`, and whether it names a layer
GIVEN = {
    ("copied", True): ("as a copy of layer {layer} of {teacher}", "copy of {layer}"),
    ("copied", False): ("as a copy of {teacher}'s", "copy"),
    ("svd", False): ("as an SVD of {teacher}'s embedding", "SVD"),
    ("if_equal", False): ("as a copy of {teacher}'s where it is of the same kind, else at random", "copy"),
}
RANDOM = ("at random", "random")
NO_WEIGHTS = "has no weights"
NOTHING = "–"
#: legend: what passes over before training
TAKEN = {"copied": "Copied before training", "svd": "SVD before training", "if_equal": "Copied before training"}
LEVELS = {"token": "by token", "word": "by word", "pooled": "pooled vectors"}
IN_STAGES = "in {stages}"
#: one lesson in the table
LESSONS = {
    "layer": "{title}: layer {layers}",
    "layers": "{title}: layers {layers}",
    "every": "{title}: all layers",
    "other": "{title}",
}
NO_LINKS = "Nothing of this teacher's reaches the student: no term learns from it."
