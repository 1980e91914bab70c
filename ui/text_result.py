"""What a finished run's page says beside the conclusion, which stands in its report: tables, verdict, thresholds."""

from __future__ import annotations

from typing import Any

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

WORDS: dict[str, Any] = {"arms": ARMS, "done": "Done.", **TABLES, "verdict": VERDICT}
