"""What the result of a masked language model says otherwise than other results: its answers are for hidden pieces."""

from __future__ import annotations

from typing import Any

WORDS: dict[str, Any] = {
    "verdict": {
        "lost_none": "Of {slices} kinds and frequencies of hidden pieces, languages and lengths of texts none is shown "
        "to fall behind.",
        "lost_how": [
            "The student that is taken away against the best teacher, and against the same student without teachers, "
            "on the hidden pieces of each slice alone: {tests} paired tests ({method}), adjusted by Holm, so that "
            "looking at many places does not find what is not there. The pieces of one text are no independent "
            "answers: what is sampled are texts.",
            "Lengths are quarters of the test texts, in the student's pieces. How often a piece was seen is counted in "
            "the training text.",
        ],
    },
    "detail": {
        "confusion": "Most frequent mistakes",
        "confusion_how": [
            "Hidden pieces of the test, by what stood there and what was said instead; “of” is how often this piece "
            "was hidden. A table of all pieces against all others would be mostly empty.",
            "A piece whose name begins with ## goes on with a word.",
        ],
        "mistakes_said": "Wrong on {wrong} of {units} hidden pieces, in {kinds} different ways.",
        "mistakes_head": ["Hidden", "Said instead", "Times", "Of"],
        "calibration_how": [
            "One answer for each hidden piece: the most probable piece, and its probability.",
            "Expected calibration error: {bins} equally wide bins of confidence; the distance between mean confidence "
            "and accuracy in each, weighted by its answers (Guo et al. 2017). The area of a dot is the share of "
            "answers in it.",
        ],
        "no_temperature": "No temperature is offered: fitting one takes the scores of the whole vocabulary at every "
        "hidden piece, and those are not kept.",
        "teachers_said": "Some teacher is right on {oracle} of the hidden pieces: an oracle that always asked the "
        "right one would gain {gain} points over the best. The student is right on {student}, and on {beyond} pieces "
        "that all teachers have wrong.",
        "teachers_one": "The teacher is right on {oracle} of the hidden pieces. The student is right on {student}, and "
        "on {beyond} pieces that the teacher has wrong.",
        "teachers_how": [
            "In a column of another teacher: hidden pieces both have wrong, and their share of those that either has "
            "wrong. Low shares mean that the teachers complete each other.",
        ],
    },
    "groups": "Kinds of hidden pieces",
    "groups_head": [
        "Hidden pieces",
        "How many",
        "Student, %",
        "{teacher}, %",
        "No teachers, %",
        "Student's loss",
        "Teacher's",
    ],
    "group_names": {
        "piece": "What they are",
        "frequency": "How often the training text has them",
        "hidden": "How they were hidden",
    },
    "groups_how": [
        "Share of the hidden pieces of the test that were guessed; loss: mean −log p of what stood there, in nats.",
        "A word is a run of letters, digits and underscores. Words are hidden whole: of the pieces chosen 80% become "
        "the mask piece, 10% another piece, and 10% stay as they are.",
    ],
    "examples": {
        "class": "Pieces",
        "whose": {"any": "anyone", "student": "the student", "teacher": "the teacher", "neither": "neither"},
        "found": "{pieces} hidden pieces in {total} texts; page {page} of {pages}",
        "none": "There are no such pieces.",
    },
    "text": "Text {row}",
    "hidden": "Hidden",
    "others": "{count} other hidden pieces of this text",
    "other": "One other hidden piece of this text",
    "of_gold": "gold {share}",
    "how_hidden": {"another piece": "another piece stood there", "left as it was": "left as it was"},
    "how": [
        "Marked in a text: what was hidden; the numbers lead to the lines below it. Lines that come first are those on "
        "which student and teacher differ. Beside an answer stands its probability, below a wrong one that of what "
        "stood there.",
    ],
}
