"""What New run says of the Hub and of teachers that are not here yet."""

from __future__ import annotations

SEARCH = {"model": "Search the Hub for a teacher", "dataset": "Search the Hub for a data set"}
#: handed to the page's script; {…} is filled there
WORDS = {
    "button": "Search",
    "asking": "Asking the Hub …",
    "none": "Nothing on the Hub is called like this.",
    "lost": "The app did not answer; try again in a moment.",
    "use": "Use",
    "used": "{name} was chosen.",
    "full": "There are eight teachers already; remove one first.",
    "downloads": "{count} downloads",
    "parameters": "{count} parameters",
    "licence": "licence {name}",
    "no_licence": "licence not told",
    "gated": "access on request",
    "splits": "{name} – choose a configuration:",
    "rows": "{split} ({count} rows)",
    "splits_unknown": "{name} was chosen. The Hub does not say which splits it has; the check reads them.",
    "configured": "{name}, configuration {config}, was chosen.",
}
OWN = "Use the student of a finished run"
OWN_WORDS = {
    "none": "No run here has a finished student yet. A large teacher can teach a middle-sized student, which then "
    "teaches a smaller one.",
    "kept": "kept {share} of its teachers' quality",
    "used": "The student of {name} was chosen.",
}
FIND = "Part of a name"
#: the light of a card: (colour, words, consequence)
LIGHTS = {
    "same": ("good", "Same vocabulary", "as {reference}: every kind of matching can be used."),
    "padded": (
        "good",
        "Same vocabulary, padded",
        "as {reference}, with unused entries at its end: every kind of matching can be used.",
    ),
    "other": (
        "warn",
        "Another tokeniser",
        "than {reference}: its answers count as they are, hidden states are matched word by word.",
    ),
    "labels": ("bad", "Another label space", "{said}"),
    "unknown": ("muted", "", ""),
}
REFUSED = "Cannot be used"
HERE = {"bundled": "bundled", "folder": "on this machine", "hub": "on this machine"}
TO_DOWNLOAD = "{size} to download"
UNKNOWN_DOWNLOAD = "download size not told"
MEMORY = {True: "{size} while it is trained", False: "{size} while it answers"}
MEMORY_HOW = {
    True: "Weights, gradients and the optimizer's two moments in fp32; activations come on top and grow by batch.",
    False: "Weights in fp32; activations come on top, and grow with the batch.",
}
