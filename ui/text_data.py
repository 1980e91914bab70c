"""What the Data step of New run says of the data it has looked at."""

from __future__ import annotations

TITLE = "The data"
FIRST_ROWS, CLASSES, LENGTHS, FOUND = "First rows", "Balance", "Lengths", "What was found"
#: what a column is used as
ROLES = {"text": "text", "text_pair": "second text", "label": "label", "language": "language"}
UNUSED = "not used"
USED_AS = "used as"
WHOLE = "{read} training rows."
PART = "The first {read} of about {about} training rows. What is below counts these alone; Review checks all of them."
PART_OF_UNKNOWN = "The first {read} training rows. What is below counts these alone; Review checks all of them."
SPLITS = {"train": "Training", "validation": "Validation", "test": "Test", "transfer": "Transfer (no labels)"}
#: what a balance counts
COUNTED = {"rows": "rows", "entities": "entities", "words": "words"}
IN_SPLIT = "{number} {counted}"
AND_MORE_CLASSES = "and {number} more: {counted} {what}"
BAR_VALUE = "{number} · {share}"
UNITS = {"tokens": "tokens", "words": "words", "characters": "characters"}
SPAN, SINGLE, OPEN = "{first} to {last}", "{first}", "{first} or more"
LENGTH_SAID = "{rows} inputs in {unit}: half have at most {median}, 95% at most {high}; the longest has {longest}."
AS_LIST = "The same as a list"
CUT = "At {limit} tokens, {share} of them are cut."
NONE_CUT = "None is longer than the {limit} tokens that are read."
#: a remedy's button, and what it says once it is on
REMEDIES = {
    "merge_label_spellings": ("Merge the spellings", "Undo: keep the spellings apart"),
    "drop_duplicates": ("Drop the duplicates", "Undo: keep the duplicates"),
    "drop_conflicting": ("Drop the contradictions", "Undo: keep the contradictions"),
}
SEVERITIES = {"error": "Error", "warning": "Warning", "info": "Note"}
MENDED = "Mended"
ON_WITHOUT = "{name} is on, and finds nothing to do."
NOTHING_FOUND = "Nothing to mend."
FILES_STAY = "Your files stay as they are: a remedy works on the rows while they are read."
HUB = "Its first rows are shown here once a data set is named; the whole set is fetched when the run is checked."
NOT_YET = "Not looked at yet: {error}"
