"""What the lists of runs say: the last ones on Home, all of them on Runs, the archive, the trash."""

from __future__ import annotations

from distill_core.services import KEPT_S

KEPT_DAYS = f"{KEPT_S / 86400:.0f} days"
TITLE = "Runs"
LAST = "Last runs"
LOST = "Reconnecting … the app does not answer."
SEARCH = "Search names and tags"
ARCHIVED_TOO = "Archived runs too"
#: handed to the page's script; {…} is filled there
WORDS = {
    "undo": "Undo",
    "was_deleted": "{name} was deleted. It can be taken back for " + KEPT_DAYS + ".",
    "restored": "{name} is back.",
    "restore": "Take back",
    "trash": "Deleted runs",
    "trash_about": "Kept for " + KEPT_DAYS + ", then removed from the disk.",
    "no_match": "No run matches.",
    "archived": "archived",
    "starting": "starting",
    "smaller": "{times} smaller",
    "faster": "{times} faster",
    "slower": "{times} the speed",
    "keeps": "keeps {share}",
    "all": "All runs",
    #: a heading, and how its figures are measured
    "columns": {
        "run": ["Run", ""],
        "status": ["Status", ""],
        "data": ["Data", ""],
        "teachers": ["Teachers", ""],
        "student": ["Student", ""],
        "kept": ["Quality kept", "Student's test quality as a share of the best teacher's"],
        "compression": ["Compression", "Best teacher's parameters divided by the student's"],
        "speedup": ["Speed-up", "At the largest batch measured"],
        "when": ["When", ""],
    },
    "none": "No runs yet.",
    "none_here": "Your runs will stand here.",
    "what_a_run_is": "A run trains teachers, distils a student, and measures both.",
    "demo_takes": "The demo takes about two minutes.",
    #: words before, between and after two links
    "begin": ["Start with the demo on", "the first page", ", or", "set up your own", "."],
}
