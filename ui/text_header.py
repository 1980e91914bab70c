"""What the bar on top of every page says: where one can go, and what machine this is."""

from __future__ import annotations

PAGES = "Pages"
RUNS, COMPARE, NEW_RUN = "Runs", "Compare", "New run"
THEME = "Light or dark"
CHECKING = "checking device…"
CORES = "{number} cores"
MEMORY = "{number:.0f} GB memory"
OFFLINE = "no network: the Hub is out of reach"
ZERO_GPU = "This Space's GPU is lent for moments at a time (ZeroGPU): runs use its CPU."
RESTORING = "Runs are being taken back from the backup."
BACKUP_ERROR = "{said} Runs go on; what is new is not kept until that is mended."
NOT_RESTORED = "{run} could not be taken back from the backup: {why}"
