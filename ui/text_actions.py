"""What a run's page says about what can be done with the run: buttons, notes, log, comparison."""

from __future__ import annotations

MENU = "More"
DESCRIBE = "Name, tags, notes"
DELETE = "Delete"
NAME, TAGS, NOTES = "Name", "Tags", "Notes"
TAGS_HELP = "separated by commas"
SAVE = "Save"
DIFFERS = "What differs from"
LOG = "Log"
SEARCH = "Search"
#: handed to the page's scripts; {…} is filled there
WORDS = {
    "example": "Example: stays as it is",
    "stop": "Stop",
    "cancel": "Cancel",
    "retry": "Retry with {what}",
    "resume": "Resume",
    "again": "Try again",
    "change_data": "Change the data",
    "change_teachers": "Change the teachers",
    "change_student": "Change the student",
    "change_method": "Change the settings",
    "duplicate": "Duplicate with changes",
    "archive": "Archive",
    "unarchive": "Take out of the archive",
    "notify": "Tell me when it ends",
    "notified": "You will be told when it ends.",
    "denied": "The browser does not allow this page to notify you; allow it in the browser's settings of this site.",
    "ended": "{name}: {status}",
    "saving": "Saving …",
    "saved": "Saved.",
    "lost": "The app did not answer; try again in a moment.",
    "deleting": "Deleting …",
    "stop_first": "Stop the run first.",
    "no_log": "Nothing yet.",
    "log_all": "{total} lines",
    "log_found": "{found} of {total} lines",
    "log_more": "the last {shown} of {found}",
    "nothing_found": "No line holds this.",
    "choose_run": "Choose a run",
    "no_other_runs": "There is no other run yet.",
    "same_settings": "Both runs have the same settings.",
    "setting": "Setting",
    "this_run": "This run",
    "unset": "–",
}
#: not every failure is a size
RETRY_WORDS = {"batch_size": "batch {value}", "learning_rate": "learning rate {value}"}
