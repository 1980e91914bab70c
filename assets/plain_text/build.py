"""Rebuild the bundled plain text from the demo's grammar. Takes a second; the same seeds give the same text.

Run from anywhere::

    python assets/plain_text/build.py
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "demo"))

import grammar  # noqa: E402  (the folder is not a package)

#: file → seed, lines, and the side of the grammar they come from
PARTS = {
    "train": (60, 8_000, grammar.TRAIN),
    "validation": (61, 500, grammar.TRAIN),
    "test": (62, 1_000, grammar.TEST),
}


def texts() -> dict[str, list[str]]:
    """The lines of each file; no line stands in two of them, upper and lower case alike."""
    found: dict[str, list[str]] = {}
    seen: set[str] = set()
    for part, (seed, count, side) in PARTS.items():
        found[part] = [made.text for made in grammar.messages(seed, count, side, seen)]
        seen |= {text.lower() for text in found[part]}
    return found


def main() -> None:
    """Write the files."""
    for part, lines in texts().items():
        (HERE / f"{part}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
        print(f"{part}: {len(lines)} lines")


if __name__ == "__main__":
    main()
