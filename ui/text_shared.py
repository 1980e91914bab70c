"""Words of every page's scripts (`js/common.js`): amounts, lengths of time, how long ago."""

from __future__ import annotations

#: handed to each script as `props.shared`; {…} is filled there
WORDS = {
    "seconds": "{s} s",
    "minutes": "{min} min {s} s",
    "hours": "{h} h {min} min",
    "just_now": "just now",
    "minutes_ago": "{min} min ago",
    "hours_ago": "{h} h ago",
}
