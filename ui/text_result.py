"""What a finished run's page says beside the conclusion, which stands in its report: tables, verdict, thresholds."""

from __future__ import annotations

from typing import Any

from ui import text_pieces, text_worth

ARMS = {"main": "Student", "no_teacher": "Student, no teachers", "uniform": "Student, uniform weights"}

#: {name} is filled in by the page
TABLES: dict[str, Any] = {
    "how": "How measured?",
    "model": "Model",
    "best": "best",
    "over_seeds": "{low}–{high} over seeds",
    "student": "Student",
    "rows": {"example": "rows", "word": "sentences", "piece": "texts"},
    "agreed": {"example": "rows", "word": "words", "piece": "hidden pieces"},
    "quality": "Quality",
    "test_quality": "Test {metric}, %",
    "interval": "95% interval",
    "agreement": "Agreement",
    "measured_once": "Measured once on {rows} after training ended; checkpoints were chosen on validation.",
    "test_rows": "{count} test {rows}",
    "the_test_rows": "the test {rows}",
    "intervals": "Intervals: {method}. Agreement: share of test {units} on which the student says what the best "
    "teacher says ({teacher}).",
    "linearised": "normal, over test {rows}, 95%",
    "wilson": "Wilson score, 95%",
    "mean_over_seeds": "Mean over seeds {seeds}; the range is the lowest and highest seed.",
    "one_seed": "One seed: {seeds}.",
    "size": "Size",
    "parameters": "Parameters",
    "on_disk": "On disk",
    "fewer_parameters": " fewer parameters, ",
    "fewer_bytes": " fewer bytes than ",
    "size_how": [
        "Everything on the inference path is counted: embeddings, encoder, in-path projections, pooling and "
        "classifier.",
        "Bytes: weights as fp32 safetensors, for teacher and student alike.",
    ],
    "latency": "Latency",
    "p50": "p50, ms",
    "p95": "p95, ms",
    "batch": "Batch {batch}",
    "speed_up": "{times} speed-up",
    "slower": "{times} (slower)",
    "latency_how": "Time of one call for a whole batch of {tokens} tokens each, {threads} thread(s), "
    "{runtime}{device}.",
    "on_device": " on {device}",
    "calls_how": "{warmup} warm-up calls, then {repeats} timed ones; p50 and p95 are their percentiles.",
    "speed_how": "Speed-up: the best teacher's p50 divided by the student's, at equal batch, length, threads and "
    "runtime.",
    "exported": "Student, {title}",
    "exports_size_how": "Exports: the bytes of their model files. int8 keeps the number of weights and rounds them.",
    "exports": "Latency of the exports",
    "export": "Export",
    "batch_head": "Batch",
    "teacher": "Teacher",
    "times": "{model}, p50 / p95, ms",
    "speed": "Speed-up",
    "exports_how": "Exports: measured when they were built, {tokens} tokens, {threads} thread(s), ONNX Runtime on "
    "{device}, {repeats} timed calls; student and teacher take turns, each as a graph on the same runtime.",
    "exports_alone": "Where an export stands alone, the teacher was not measured on its runtime; build it again with "
    "that box ticked.",
    "controls": "Controls",
    "arm": "Arm",
    "test": "Test, %",
    "gain": "Student's gain, points",
    "p": "p",
    "missing": {
        "already_uniform": "not needed, the teachers' weights are constant already.",
        "constant_unused": "not needed, soft labels are off.",
        "single_teacher": "not needed with one teacher.",
        "not_requested": "not run.",
    },
    "controls_how": [
        "No teachers: the same student, data order and steps, hard labels alone on the labelled rows.",
        "Uniform: as the student, with constant teacher weights equal to the mean weight, so that only the weighting "
        "differs.",
    ],
    "p_how": "p: {test} with one seed, paired over seeds otherwise; corrected after Holm over the controls.",
    "p_paired": "paired over test {rows}",
    "p_mcnemar": "McNemar's test",
    "kinds": {"example": ["Class", "Rows"], "f1": ["Type", "Entities"], "word": ["Tag", "Words"]},
    "per": "Per {kind}",
    "f1": "{model} F1, %",
    "precision": "Precision",
    "recall": "Recall",
    "per_language": "Per language",
    "language": "Language",
    "of": "{model}, {metric}, %",
    "mean_of_languages": "Mean of languages",
}

VERDICT: dict[str, Any] = {
    "looking": "Looking at the evidence …",
    "failed": "The verdict could not be had: the app did not answer.",
    "again": "Try again",
    "status": {"met": "met", "missed": "missed", "unsure": "not sure", "open": "not judged"},
    "thresholds": "Thresholds",
    "own": "set by you, kept with this run",
    "default": "by default",
    "back": "Back to default",
    "about": "Ship needs every threshold met with its whole 95% interval; one that is missed says no; one whose "
    "interval lies on both sides says that there is not enough evidence. An empty field asks for nothing.",
    "fields": [
        ["keep", "Quality kept, at least", "% of the best teacher's"],
        ["smaller", "Parameters, at least", "× fewer"],
        ["megabytes", "Size, at most", "MB"],
        ["latency_ms", "Latency, at most", "ms a call (median)"],
        ["faster", "Speed, at least", "× the best teacher's"],
        ["slice_loss", "Loss in any slice, at most", "points"],
    ],
    "batch": "Latency and speed at batch",
    "gain": "The teachers have to be shown to have helped (needs several seeds)",
    "saved": "Kept with this run.",
    "not_kept": "Judged so here; an example keeps nothing.",
    "command": "The same without the page: python -m distill_core verdict RUN_FOLDER --keep 97 --smaller 10",
    "lost": "What was lost",
    "lost_none": "Of {slices} classes, languages, lengths and rare slices none is shown to fall behind.",
    "lost_head": ["Where", "{rows}", "Against", "Student", "Other", "Difference", "p"],
    "lost_how": [
        "The student that is taken away against the best teacher, and against the same student without teachers, on "
        "the rows of each slice alone: {tests} paired tests ({method}), adjusted by Holm, so that looking at many "
        "places does not find what is not there.",
        "Lengths are quarters of the test rows, in the student's pieces. A class is rare with less than half of an "
        "even share.",
    ],
    "lost_method": {"accuracy": "exact McNemar", "ratio": "t over test {rows}"},
    "small": "Too few rows to be tested: {names}.",
    "nothing_kept": "This run was made before predictions were kept, so what follows from single answers (what was "
    "lost, confusion, calibration, examples, the teachers' errors) cannot be shown. Run it again to have it.",
}

DETAIL: dict[str, Any] = {
    "looking": "Reading the kept predictions …",
    "failed": "They could not be read: the app did not answer.",
    "again": "Try again",
    "nothing_kept": "This run kept no predictions; run it again to see this.",
    "single_answers": "In masked LM rows alone were counted when this run was made, so there are no single answers to "
    "show. Run it again to see this.",
    "too_many": "The test hides too many pieces to keep every answer: texts alone are counted.",
    "student": "Student",
    "teacher": "Best teacher, {name}",
    "confusion": "Who is taken for whom",
    "confusion_head": "gold ↓ said →",
    "confusion_cell": "{count} of {gold} taken for {said}",
    "confusion_how": [
        "Counts of the test: a row is the gold class, a column what was said. Colour is the share of the row; the "
        "diagonal is right.",
        "In tagging of entities: words, by type, wherever in an entity they stand.",
    ],
    "left_out": "{count} classes with fewer mistakes are not shown.",
    "calibration": "Calibration",
    "calibrated": "Sure by {confidence}, right in {accuracy}: expected calibration error {ece} points.",
    "axes": ["how sure", "how often right"],
    "bin": "{low}–{high}: {count} answers, sure by {confidence}, right in {accuracy}",
    "perfect": "as often right as sure",
    "after": "with temperature {value}",
    "temperature": "A temperature of {value}, fitted on {fitted} validation answers, brings the error on test from "
    "{before} to {after} points. It changes no prediction, only how sure the student says it is.",
    "use": "Use it",
    "used": "In use: the saved student answers with temperature {value}, when it is tried and on the command line.",
    "unuse": "Do not use it",
    "temperature_failed": "It could not be changed: {error}",
    "no_temperature": "No temperature can be fitted: too few validation answers were kept, or none of them is wrong.",
    "calibration_how": [
        "Expected calibration error: {bins} equally wide bins of confidence; the distance between mean confidence and "
        "accuracy in each, weighted by its answers (Guo et al. 2017). The area of a dot is the share of answers in it.",
        "The temperature divides all logits; it has the least negative log-likelihood on validation.",
    ],
    "teachers": "Teachers examined",
    "teachers_said": "Some teacher is right on {oracle}: an oracle that always asked the right one would gain {gain} "
    "points over the best. The student is right on {student}, and on {beyond} rows that all teachers have wrong.",
    "teachers_one": "The teacher is right on {oracle}. The student is right on {student}, and on {beyond} rows that "
    "the teacher has wrong.",
    "teachers_head": ["Teacher", "Right", "Wrong", "Wrong like {name}"],
    "teachers_how": [
        "In a column of another teacher: rows both have wrong, and their share of the rows that either has wrong. Low "
        "shares mean that the teachers complete each other. In tagging: words.",
    ],
    "cost": "Cost",
    "price": "Price of the machine per hour",
    "cost_head": ["Model", "Batch", "Predictions per second", "A million cost"],
    "cost_how": [
        "From the median latency measured in this run, one call after the other on a machine in full use, with inputs "
        "of {tokens} tokens. In the currency of your price.",
    ],
    "energy": "Energy",
    "no_energy": "The energy of this run was not measured: it is a setting of the Method step (measure.energy), off by "
    "default.",
}

EXAMPLES: dict[str, Any] = {
    "title": "Where they disagree",
    "against": "Student and",
    "who": "Who is right",
    "whose": {"any": "anyone", "student": "the student", "teacher": "the teacher", "neither": "neither"},
    "class": "Class",
    "all": "all",
    "sure": "Student at least this sure, %",
    "order": "Order",
    "orders": {"row": "as in the test", "student": "surest student first", "teacher": "surest teacher first"},
    "csv": "CSV",
    "found": "{total} rows; page {page} of {pages}",
    "none": "There are no such rows.",
    "before": "Before",
    "next": "Next",
    "row": "Row",
    "text": "Text",
    "gold": "Gold",
    "missing": {
        "hub": "Texts of Hub data are not fetched again for this page; rows are named by their numbers.",
        "large": "The data are too large to be read again for this page; rows are named by their numbers.",
        "foreign": "The data lie where this app may not read; rows are named by their numbers.",
        "unread": "The data can no longer be read; rows are named by their numbers.",
    },
    "no_text": "(not in the data any more)",
    "right": "right",
    "wrong": "wrong",
    "failed": "The app did not answer; try again in a moment.",
}

TRY: dict[str, Any] = {
    "title": "Try it",
    "roles": {"student": "Student", "control": "Student, no teachers"},
    "label": {
        "example": "A text, or one a line; two texts with a tab between where pairs are classified",
        "word": "A text, or one a line",
        "piece": "A text with [MASK] where a word is to be guessed, or one a line",
    },
    "placeholder": {"example": "", "word": "", "piece": "where is my [MASK]"},
    "go": "Try it",
    "upload": "From a file (TXT, CSV, JSONL)",
    "csv": "CSV",
    "text": "Text",
    "starting": "Starting the helper that holds the models: about 10 s, the first time … {seconds} s",
    "measuring": "Loading the models, then asking each … {seconds} s",
    "failed": "The app did not answer; try again in a moment.",
    "large": "The file has more than a million characters; give a smaller one.",
    "time": "{time} ms, {each} ms a text",
    "absent": "cannot be asked",
    "beyond": "beyond the length limit",
    "no_entity": "no entity",
    "left_out": "The first {most} texts were tried; {left} were left out.",
    "how": "Time of one call for all these texts, tokenising included, after one that does not count: on {device}, "
    "{threads} thread(s), with whatever else this machine is doing. What counts is the latency above.",
    "control": {
        "not_run": "The control without teachers was not run, so it cannot be tried.",
        "too_large": "The control without teachers was not kept: its weights are too large.",
    },
}

OFFLINE: dict[str, str] = {
    "button": "Report for others",
    "about": "One HTML file with verdict, charts, protocol and limits; it opens offline and prints to PDF.",
    "failed": "The app did not answer; try again in a moment.",
}

WORDS: dict[str, Any] = {
    #: what is said otherwise where there is one teacher: nobody is the best of them
    "with_one_teacher": [["best teacher", "teacher"], ["Best teacher", "Teacher"]],
    "arms": ARMS,
    "done": "Done.",
    **TABLES,
    "verdict": VERDICT,
    "detail": DETAIL,
    "examples": EXAMPLES,
    "try": TRY,
    "offline": OFFLINE,
    "worth": text_worth.WORDS,
    "pieces": text_pieces.WORDS,
}
