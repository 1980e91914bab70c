"""What a person reads stands in the text tables: the page's scripts hold no English."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[3] / "ui" / "js"
#: words that the browser or a library asks for, spelt like a person's
NAMES = {"Enter", "Escape", "Notification", "system-ui, sans-serif", "x unified"} | {
    "top right",
    "top center",
    "bottom center",
}
UNITS = {"B", "GB", "M", "MB", "k", "kB", "ms"}
#: a comment, or a literal; a slash after what ends a value divides, after anything else it begins an expression
PIECES = re.compile(
    r"//[^\n]*|/\*.*?\*/|(?<=[(,=:\[!&|?{};\n])\s*/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n])+/[a-z]*"
    r"|(?P<literal>\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)",
    re.DOTALL,
)


def literals(script: str) -> list[str]:
    """The texts between quotes, without comments, regular expressions and what a template fills in."""
    found = (match["literal"] for match in PIECES.finditer(script))
    return [re.sub(r"\$\{[^}]*\}", "0", literal[1:-1]) for literal in found if literal]


def is_english(literal: str) -> bool:
    """Two words side by side, a capitalised word, or a word that is set beside something (a blank at its end).

    Not: class names, selectors, addresses, one small word (a key), units.
    """
    if literal in NAMES or re.search(r"[#\[\]=<>{}]|[.:]\w|\w\(|--|\bsr-\w|^\?", literal):
        return False
    words = [word for word in re.findall(r"[A-Za-z]+", literal) if word not in UNITS | NAMES]
    if not words:
        return False
    beside = re.search(r"[A-Za-z]{2,}[,:;]? [A-Za-z]", literal) is not None
    capital = re.fullmatch(r"\W*[A-Z][a-z]{2,}\W*", literal) is not None
    fragment = literal != literal.strip() and any(len(word) > 1 for word in words)
    return beside or capital or fragment


@pytest.mark.parametrize("path", sorted(SCRIPTS.glob("*.js")), ids=lambda path: path.name)
def test_a_script_holds_no_english(path: Path) -> None:
    assert [literal for literal in literals(path.read_text(encoding="utf-8")) if is_english(literal)] == []


@pytest.mark.parametrize(
    "said",
    [
        '"No runs yet."',
        "'Size'",
        '" left"',
        "`took ${time} in all`",
        '"Latency, batch "',
        '"The run\'s end"',
        '"try again"',
    ],
)
def test_english_is_found(said: str) -> None:
    script = f'// Some words, "quoted here"\nconst a = b / 2, c = x => {said} + "sr-a"; /* more words */ d("x") / 2;'
    assert [literal for literal in literals(script) if is_english(literal)] != []


@pytest.mark.parametrize(
    "said",
    ['"sr-muted sr-small"', '"#run-name"', '"runs"', '" · "', '" kB"', '"?view=new&from="', '"14px,3px"', '"Escape"',
     '"> button.label-wrap"', "/some words [\"']/g"],
)  # fmt: skip
def test_what_a_script_needs_is_let_pass(said: str) -> None:
    assert [literal for literal in literals(f"const a = f({said});") if is_english(literal)] == []
