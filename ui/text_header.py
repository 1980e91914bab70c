"""What the bar on top of every page says: where one can go, and what machine this is."""

from __future__ import annotations

PAGES = "Pages"
RUNS, COMPARE, NEW_RUN = "Runs", "Compare", "New run"
THEME = "Light or dark"
CHECKING = "checking device…"
CORES = "{number} cores"
MEMORY = "{number:.0f} GB memory"
OFFLINE = "no network: the Hub is out of reach"
