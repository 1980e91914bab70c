"""What the Compare page says: costs, roles, tables, filters, and words for what is missing."""

from __future__ import annotations

from typing import Any

from distill_core.services.compare import MOST

TITLE = "Compare"
INTRO = (
    "Finished runs side by side: what each keeps of its teachers' quality, at what cost, and which nothing else beats."
)
#: {name} is filled in by the page
WORDS: dict[str, Any] = {
    "costs": {"latency": "Latency", "size": "Size", "time": "Training time"},
    "axes": {
        "latency": "one call at batch {batch}, median, ms",
        "size": "size on disk, MB",
        "time": "training of the student, s",
    },
    "heights": {"kept": "Quality kept", "test": "Test {metric}"},
    "height": "Height",
    "kept_axis": "quality kept, % of the run's best teacher",
    "test_axis": "test {metric}, %",
    "runtime": "Runtime",
    "batch": "Batch",
    "against": "Against",
    "chosen": "Chosen runs",
    "remove": "Leave {name} out",
    "add": "Choose runs",
    "roles": {"student": "student", "control": "control", "teacher": "teacher"},
    "arms": {"main": "student", "no_teacher": "student, no teachers", "uniform": "student, uniform weights"},
    "quality": "quality",
    "front": "front",
    "front_line": "Pareto front",
    "off_front": "hollow: something else is better",
    "front_how": "On the front: no model of the same data has a higher validation {metric} at no more of the cost, or "
    "the same at less. Validation chose; heights are test, so the line may fall. Bars are 95% intervals, where known.",
    "controls_how": "A control is the student's own network with other weights: what was timed of the one holds for "
    "the other. Its training time is its own.",
    "teachers_time": "Teachers are not drawn against training time: finetuned teachers are shared by runs, and told "
    "together.",
    "untimed": "Not measured at this batch and runtime, so not drawn: {names}.",
    "exported": "Timed as exports on this runtime. Quality is that of the students before export, because test is not "
    "asked again; on validation the exports changed it by: {names}.",
    "exported_one": "{name} {points} points",
    "unplaced": "Not drawn, because a figure is missing: {names}.",
    "nothing_placed": "Nothing can be drawn against this; choose another cost, batch or runtime.",
    "references": "The best teachers differ ({names}), so equal shares kept are not equal quality: look at test "
    "{metric} too.",
    "other_data": "These runs learnt from {count} different data sets, metrics or splits. Each has a front of its own.",
    "unknown_data": "This run's report does not say which data it had (an earlier version wrote it), so it is "
    "compared with itself alone.",
    "open_run": "Click a point to open its run.",
    "table": "Figures",
    "head": ["Model", "Keeps", "Validation", "Test", "p50, ms", "Size", "Parameters", "Training"],
    "curves": "Validation {metric} of the students",
    "steps": "optimizer step",
    "no_curves": "No validation curve was recorded.",
    "seed": "{name}, seed {seed}",
    "example": "Example",
    "examples_too": "Examples too",
    "examples_first": "These runs ship with the project, to show what stands here; their times are of the machine they "
    "were made on. Once a run of yours is finished, yours are listed, and “Examples too” sets these beside them.",
    "machines": "Measured on different machines: {machines}. Latencies of different machines are never on one front: "
    "choose by the runtime. Training times are drawn together, so mind whose they are.",
    "machines_board": "Measured on different machines: {machines}. Latencies of the chosen runtime alone are shown; "
    "training times come from each run's own machine.",
    "machine": "{names} on {machine}",
    "settings": "Settings that differ",
    "same_settings": "All these runs have the same settings.",
    "one_run": "Choose a second run to see which settings differ.",
    "unread": "Settings cannot be compared: the config of {names} cannot be read.",
    "setting": "Setting",
    "unset": "–",
    "left_out": "{name} is left out: {why}",
    "none_title": "Nothing chosen yet.",
    "none": "Tick two or more runs below. You will see which of them keeps most quality at what latency, size and "
    "training time, with the Pareto front drawn, the settings that differ, and their validation curves laid over each "
    "other.",
    "too_many": "At most " + str(MOST) + " runs can be compared at once.",
    "lost": "The app did not answer; try again in a moment.",
    "board": "Leaderboard",
    "board_about": "All finished runs, by the data they learnt from. Tick those to compare.",
    "board_head": ["Run", "Keeps", "Validation", "Test", "p50, ms", "Size", "Parameters", "Training"],
    "no_runs": "No finished run yet. The demo on the first page takes about two minutes; then it stands here.",
    "no_match": "No finished run matches.",
    "data": "Data",
    "task": "Task",
    "tag": "Tag",
    "all": "all",
    "archived_too": "Archived runs too",
    "archived": "archived",
    "sort": "Best first by",
    "orders": {
        "kept": "quality kept",
        "test": "test quality",
        "size": "size",
        "latency": "latency",
        "time": "training time",
    },
    "timing": "Latency: batch {batch}, {runtime}.",
    "no_timing": "No latency was measured.",
    "pick": "Compare {name}",
    "compare": "Compare",
}
MOST_RUNS = MOST
#: on the Runs page
TICK = "Tick finished runs to compare them."
