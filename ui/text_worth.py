"""What a finished run's page says about what can be measured on request: labels' worth, arms without a teacher."""

from __future__ import annotations

from distill_core.extras.state import USUAL_MOST

#: handed to the page's script; {…} is filled there
WORDS = {
    "usual": USUAL_MOST,
    "sizes": [1, 2, 4, 8, 16],
    "title": {"curve": "How many labels is it worth?", "without": "What does each teacher add?"},
    "about": {
        "curve": "Trains the same student without teachers on fewer and more labels, and reads off how many it needs "
        "to be as good as the distilled one.",
        "without": "Trains the student again without each of its teachers, from their answers on disk, and compares.",
    },
    "measure": "Measure it: about {time}",
    "about_seconds": "{s} s",
    "about_minutes": "{min} min",
    "about_hours": "{h} h",
    "measure_plain": "Measure it",
    "again": "Measure it again",
    "go_on": "Go on",
    "stop": "Stop",
    "stopping": "Stopping …",
    "most": "Up to",
    "times": "{times}× the labels",
    "left": "{time} left",
    "stopped": "Stopped. What was finished is kept.",
    "meanwhile": "It goes on when this page is closed.",
    "took": "It took {time}.",
    "failed": "The app did not answer; try again in a moment.",
    "missing": {
        "no_labels": "A masked language model learns from texts alone: it needs no labels.",
        "none_spare": "Each teacher of this run teaches something that no other does, so none can be left out.",
    },
    "axes": ["labelled {rows}", "test {metric}"],
    "chart": "Test {metric} of the same student without teachers by number of labels; the distilled student stands at "
    "{student}.",
    "point": "{labels} labels ({times} of the run's), seed {seed}: {test}",
    "lines": {"curve": "Student, no teachers", "student": "Student", "teacher": "Best teacher, {name}"},
    "crossing": "≈ {labels}",
    "head": ["Labels", "Of the run's", "Test {metric}, %", "Student better by, points", "95% interval"],
    "without_head": ["Without", "Test {metric}, %", "Difference, points", "95% interval", "p"],
    "how": {
        "curve": [
            "The same student, validation and test rows as the run; hard labels alone. Sets are nested and every class "
            "(in tagging: language) keeps its share. Each trial takes as many steps as the run's student, and at least "
            "the run's epochs over its rows; the state with the best validation quality is kept, and test is evaluated "
            "once.",
            "These students start from the checkpoint as it was before it learnt from labels here, so that no label "
            "reaches them in their weights; the control without teachers starts as the student does.",
            "The curve is made to rise (pool adjacent violators) and read between its points on the logarithm of the "
            "number of labels, never beyond them. Interval: where the 95% interval of the paired difference between "
            "student and curve holds zero.",
        ],
        "without": [
            "Main again with one teacher left out: the same seeds, order and steps, the others' answers from disk and "
            "weighed among themselves. A teacher that gave the student its first weights still does.",
            "Differences are paired: t over seeds, exact McNemar (or t over test {rows}) with one seed; p is adjusted "
            "after Holm over the teachers.",
        ],
    },
}
