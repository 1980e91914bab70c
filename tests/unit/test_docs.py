"""docs/methods.md and docs/guide.md name what is there, all of it, and nothing that is gone."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from distill_core import config, recipes
from distill_core.catalogue import DIVERGENCES, STUDENTS, TASKS, TERMS, WEIGHTINGS, Entry

ROOT = Path(__file__).resolve().parent.parent.parent
METHODS = (ROOT / "docs" / "methods.md").read_text(encoding="utf-8")
GUIDE = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
#: section of the page → the part of the catalogue it is about, and that part's name in tests that go through all of it
SECTIONS: dict[str, tuple[dict[str, Entry], str]] = {
    "Terms": (TERMS, "TERMS"),
    "Soft-label losses": (DIVERGENCES, "DIVERGENCES"),
    "Weightings": (WEIGHTINGS, "WEIGHTINGS"),
    "Students": (STUDENTS, "STUDENTS"),
    "Tasks": (TASKS, "TASKS"),
}
ENTRIES = [(section, name) for section, (entries, _) in SECTIONS.items() for name in entries]
PATHS = sorted(set(re.findall(r"`([\w/.-]+\.py)`", METHODS)))


def section_of(text: str, title: str, level: int = 2) -> str:
    """What stands between this heading and the next one of its level or above."""
    mark = "#" * level
    found = re.search(rf"^{mark} {re.escape(title)}\n(.*?)(?=^#{{1,{level}}} |\Z)", text, re.M | re.S)
    assert found, f"there is no heading {mark} {title}"
    return found[1]


def rows_of(section: str) -> dict[str, list[str]]:
    """Name → the other cells of each row of a section's table whose first cell is `name`."""
    lines = (line for line in section.splitlines() if line.startswith(("| `", "| [`")))
    cells = ([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines)
    return {re.sub(r"[\[\]`]|\(.*\)", "", first): rest for first, *rest in cells}


def place_of(path: str) -> Path | None:
    """Where a path of the page lies: modules below distill_core, tests below tests, else from the root."""
    return next(
        (base / path for base in (ROOT / "distill_core", ROOT / "tests", ROOT) if (base / path).is_file()), None
    )


def test_the_pages_tables_hold_the_catalogue_and_no_more():
    for title, (entries, _) in SECTIONS.items():
        assert list(rows_of(section_of(METHODS, title))) == list(entries), title


@pytest.mark.parametrize(("title", "name"), ENTRIES)
def test_every_entry_stands_beside_its_module_paper_and_test(title, name):
    entries, together = SECTIONS[title]
    entry, cells = entries[name], rows_of(section_of(METHODS, title))[name]
    module, _, attribute = entry.target.partition(":")
    assert find_spec(module) is not None
    assert f"`{module.removeprefix('distill_core.').replace('.', '/')}.py`" in cells
    assert not entry.paper or any(entry.paper in cell for cell in cells)
    tests = re.findall(r"`([\w/.]+/test_\w+\.py)`", cells[-1])
    assert tests
    texts = [(ROOT / "tests" / test).read_text(encoding="utf-8") for test in tests]
    wanted = (rf"\b{attribute}\b", rf"[\"']{name}[\"']", rf"\b{together}\b", r"\bMATCHING\b", rf"\b{module}\b")
    assert any(re.search(pattern, text) for text in texts for pattern in wanted), f"{tests} do not speak of {name}"


@pytest.mark.parametrize("name", recipes.names())
def test_every_recipe_has_a_row_and_a_section(name):
    row = rows_of(section_of(METHODS, "Recipes"))[name]
    said = section_of(METHODS, name, level=3)
    assert all(f"**{word}**" in said for word in ("Computes", "Needs"))
    settings = recipes.load(name).config
    numbers = re.findall(r"\d{4}\.\d{5}", recipes.load(name).about.paper)
    assert numbers and row[0] == ", ".join(numbers)
    stages = settings.training.stages
    terms = [term for stage in stages for term in stage.weights()] if stages else list(settings.objective.weights())
    assert [term for term in re.findall(r"`(\w+)`", row[1]) if term in TERMS] == list(dict.fromkeys(terms))
    weighting = settings.objective.teacher_weighting
    assert weighting == "uniform" or f"`{weighting}`" in row[1]


def test_there_are_no_recipes_on_the_page_that_are_gone():
    section = section_of(METHODS, "Recipes")
    assert set(rows_of(section)) == set(recipes.names())
    assert set(re.findall(r"^### (\w+)$", section, re.M)) == set(recipes.names())


@pytest.mark.parametrize("path", PATHS)
def test_files_that_are_named_exist(path):
    assert place_of(path), f"docs/methods.md names {path}, which is not there"


@pytest.mark.parametrize("page", [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        other = (page.parent / path).resolve() if path else page
        assert other.exists(), f"{page.name}: {target}"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", other.read_text(encoding="utf-8"), re.M)
            slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert anchor in slugs, f"{page.name}: {target}"


def test_the_readme_lists_all_recipes_under_a_spaces_header():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    header, body = text.removeprefix("---\n").split("\n---\n", 1)
    assert yaml.safe_load(header)["sdk"] == "docker"
    table = re.findall(r"^\| (`.*?) \|", section_of(body, "Your own data"), re.M)
    assert set(re.findall(r"`(\w+)`", " ".join(table))) == set(recipes.names())


def test_every_decision_is_listed():
    folder = ROOT / "docs" / "adr"
    listed = re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", (folder / "README.md").read_text(encoding="utf-8"))
    assert listed == sorted(path.name for path in folder.glob("[0-9]*.md"))


@pytest.mark.parametrize("text", re.findall(r"```yaml\n(.*?)```", GUIDE, re.S))
def test_configs_in_the_guide_are_valid(text):
    assert config.from_yaml(text).teachers
