"""What is said of sweeps: on New run, where one begins; on its own page; in the list on Runs."""

from __future__ import annotations

from typing import Any

from ui.text_lists import KEPT_DAYS

#: on New run's Review
OPEN = "Try several settings"
INTRO = (
    "Instead of one run, a sweep: many short trials of these steps, each with other values of the settings below. "
    "Trials are judged by validation and never see the test; the best of them you promote to a run."
)
FIELD = "Setting"
VALUES = "Values"
VALUES_HELP = "With commas between them (16, 32, 64), or a range: 0.0005 to 0.01 log, 32 to 128 step 32."
MORE = "Add a setting"
SAMPLER = "How values are chosen"
SAMPLERS = {
    "tpe": "Learning from earlier trials (TPE)",
    "grid": "Every combination (grid)",
    "random": "At random",
    "gp": "Gaussian process, for few trials of numbers",
    "nsga2": "Evolution (NSGA-II), for many trials and several objectives",
}
TRIALS = "Trials at most"
MINUTES = "Minutes at most"
MINUTES_HELP = "Empty: no limit. No trial begins after so much work."
COSTS = "Weigh quality against"
COSTS_HELP = "Nothing: the highest validation quality wins."
COST_CHOICES = {"parameters": "Parameters", "latency": "Latency", "time": "Training time"}
PRUNE = "End hopeless trials early"
PRUNE_HELP = "When validation falls below the median of the trials before. Not together with costs."
START = "Start sweep"
STEPS_FIRST = "The steps above are not complete yet; they are what every trial shares. What is missing stands there."
NO_FIELD = "Choose at least one setting and give it values."
TOO_MANY_COSTS = "Weigh quality against two of these at most."
PLAN = "{count} combinations; {trials} will be tried."
BAD_NUMBER = "{name}: this is no number."

#: the page of a sweep
OPENING = "Opening the sweep …"
NO_SUCH = "No such sweep"
UNKNOWN = "There is no sweep with this name here. The link may belong to another machine."
LOST = "Reconnecting … the app does not answer; the sweep itself goes on."
PROGRESS = "Progress of the sweep"
STOP, GO_ON = "Stop", "Go on"
SETTINGS = "Settings"
COMMAND = "The same sweep without the page (the settings saved as sweep.yaml):"
PARALLEL = "Settings and what came of them"
MATTERS = "What matters"
ALL_RUNS = "All runs"
MENU, RENAME, DELETE = "More", "Rename", "Delete"
NAME, SAVE, CANCEL = "Name", "Save", "Cancel"
CURVES = "Learning curves"

WORDS: dict[str, Any] = {
    "title": "{name} – Stillroom",
    "of": "{tried} of {of} tried",
    "tried": "{tried} tried",
    "left": "about {time} left",
    "minutes": "for {minutes} min of work",
    "work": "{time} of work",
    "queued": "Waiting for its turn: runs that wait go first, then the sweep starts by itself.",
    "gave_way": "Making way for a run; the sweep goes on by itself afterwards.",
    "starting": "Starting: loading PyTorch, about 10 s.",
    "first": "The first trial takes longest: it teaches and asks the teachers, for all that follow.",
    "now": "Trial {number}: {note}",
    "now_share": "Trial {number}, {share}: {note}",
    "getting_ready": "getting ready",
    "stopping": "Writing a checkpoint, then stopping.",
    "stopped": "Stopped. What is finished stays; Go on continues, also with the trial that was under way.",
    "failed": "The sweep failed",
    "interrupted": "The sweep was interrupted",
    "why": {
        "trials": "All trials of the budget are used.",
        "minutes": "The minutes of the budget are used.",
        "all": "Every combination was tried.",
        "refused": "The last proposals were all refused; the table says why.",
    },
    "quality": "Validation {metric}",
    "quality_axis": "validation {metric}, %",
    "costs": {"parameters": "Parameters", "latency": "Latency", "time": "Training time"},
    "axes": {
        "parameters": "parameters of the student",
        "latency": "one call at batch {batch}, median, ms",
        "time": "training of the student, s",
    },
    "front": "Validation {metric} against {cost}",
    "best": "Best so far",
    "trial_axis": "trial",
    "trial": "Trial {number}",
    "teacher": "best teacher {value}",
    "on_front": "no other trial is better in one and as good in the other",
    "off_front": "hollow: another trial is better",
    "front_line": "Pareto front",
    "best_line": "best so far",
    "ended_early": "ended early",
    "choice_how": "Chosen on validation alone: trials have no test rows. The best of many is a little too good; the "
    "test of the run it is promoted to tells.",
    "no_points": "A point appears here for every finished trial.",
    "no_lines": "A line appears here for every finished trial.",
    "parallel_how": "Each line is a trial, from its settings to what came of it. Click one to find it in the table.",
    "no_curves": "A curve appears here after the first evaluation of a trial.",
    "curves_how": "Validation after each evaluation, a line for each trial: in colour the best and the one under way, "
    "dashed up to a cross where one was ended early. Click one to find it in the table.",
    "step_axis": "optimizer step",
    "at_step": "step {step}: {value}",
    "under_way": "under way",
    "archive": "Archive",
    "unarchive": "Take out of the archive",
    "archived": "archived",
    "stop_first": "Stop the sweep first.",
    "deleting": "Deleting …",
    "importance_few": "Which settings matter is told from {fewest} finished trials on; {finished} so far.",
    "importance_equal": "The trials do not differ in this yet.",
    "importance_how": "How well each setting tells the better trials from the others, as shares of 100% (PED-ANOVA). "
    "From few trials it is a hint, no proof.",
    "for_objective": "For {name}",
    "trials_head": "Trials",
    "number": "Trial",
    "work_head": "Work",
    "outcome": "Outcome",
    "states": {
        "begun": "under way",
        "paused": "paused",
        "done": "finished",
        "pruned": "ended early",
        "refused": "refused",
        "failed": "failed",
    },
    "pruned_why": "below the median after {count} evaluations",
    "on_front_tag": "front",
    "best_tag": "best",
    "promote": "Promote to run",
    "promote_how": "Start trial {number} as a run, with {seeds}, controls and the test",
    "seeds_one": "one seed",
    "seeds": "{count} seeds",
    "open_run": "Open its run",
    "promoting": "Starting the run …",
    "promoted": "Trial {number} is now a run.",
    "sort": "Sort by {name}",
    "no_trials": "No trial yet.",
    "none": "none",
    "lost": "The app did not answer; try again in a moment.",
    "settings_lost": "The app did not answer; close and open this again.",
}
#: the list on Runs
LIST_TITLE = "Sweeps"
ARCHIVED_TOO = "Archived sweeps too"
TRASH = "Deleted sweeps"
TRASH_ABOUT = "Kept for " + KEPT_DAYS + ", then removed from the disk."
LIST_WORDS = {
    "of": WORDS["of"],
    "tried": WORDS["tried"],
    "best": "best {value} {metric}",
    "archived": WORDS["archived"],
    "all_archived": "All sweeps are archived.",
    "restore": "Take back",
    "undo": "Undo",
    "was_deleted": "{name} was deleted. It can be taken back for " + KEPT_DAYS + ".",
    "restored": "{name} is back.",
    "lost": WORDS["lost"],
    "none": "No sweep yet. One tries several settings and shows which are worth a run: New run, step Review, “"
    + OPEN
    + "”.",
}
