"""The bundled tagging set: its grammar, the committed data, the teacher checkpoint, and the figures of its README."""

from __future__ import annotations

import importlib
import json
import re
import struct
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from distill_core.layout import BUNDLED_DATA, BUNDLED_TEACHERS

TAGGING = Path(__file__).resolve().parents[3] / "assets" / "tagging"
TEACHER = TAGGING / "teachers" / "office-bert"
CODES = ("de", "en", "es", "fr", "nl")
OWN_MODULES = ("grammar", "schema", "build", "measure", *(f"lang_{code}" for code in CODES))
TAGS = {"O", *(f"{mark}-{kind}" for mark in "BI" for kind in ("LOC", "ORG", "PER"))}


@pytest.fixture(scope="module")
def own() -> Iterator[dict[str, ModuleType]]:
    """The modules of the folder, which is not a package; the import path and other "grammar"s are left as they were."""
    before = {name: sys.modules.pop(name, None) for name in OWN_MODULES}
    sys.path.insert(0, str(TAGGING))
    try:
        yield {name: importlib.import_module(name) for name in ("grammar", "build", "measure")}
    finally:
        sys.path.remove(str(TAGGING))
        for name, module in before.items():
            sys.modules.pop(name, None)
            if module is not None:
                sys.modules[name] = module


@pytest.fixture(scope="module")
def grammar(own: dict[str, ModuleType]) -> ModuleType:
    return own["grammar"]


@pytest.fixture(scope="module")
def parts(grammar: ModuleType) -> dict[str, list[Any]]:
    return grammar.dataset()


def occurs(values: set[str], tokens: list[tuple[str, ...]]) -> list[str]:
    """The values that stand somewhere among the tokens as they are written."""
    texts = [f" {' '.join(row)} " for row in tokens]
    return sorted(value for value in values if any(f" {value} " in text for text in texts))


def test_the_same_seed_gives_the_same_notes(grammar: ModuleType, parts: dict) -> None:
    assert grammar.dataset() == parts
    assert grammar.dataset(seed=grammar.SEED + 100)["train"] != parts["train"]
    assert grammar.handled(50) == grammar.handled(50)


@pytest.mark.parametrize("part", ["train", "transfer", "test"])
def test_committed_files_equal_the_generated_ones(grammar: ModuleType, parts: dict, part: str) -> None:
    lines = (TAGGING / "data" / f"{part}.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == grammar.records(part, parts[part])
    assert {tuple(json.loads(line)) for line in lines} == (
        {("tokens", "language")} if part == "transfer" else {("tokens", "tags", "language")}
    )


def test_sizes_and_languages(parts: dict) -> None:
    for part, each in (("train", 250), ("transfer", 1000), ("test", 250)):
        assert Counter(row.language for row in parts[part]) == dict.fromkeys(CODES, each)
        # The rows are shuffled: a cut anywhere has every language.
        assert {row.language for row in parts[part][:60]} == set(CODES)
        lengths = [len(row.tokens) for row in parts[part]]
        assert 12 < sum(lengths) / len(lengths) < 22 and max(lengths) <= 40


def test_tags_are_valid_iob2(parts: dict) -> None:
    for rows in parts.values():
        for row in rows:
            assert len(row.tokens) == len(row.tags)
            for before, tag in zip(("O", *row.tags), row.tags, strict=False):
                assert tag in TAGS
                assert not tag.startswith("I-") or before in (tag, "B-" + tag[2:]), row


def test_tokens_have_no_white_space_and_punctuation_stands_alone(parts: dict) -> None:
    tokens = {token for rows in parts.values() for row in rows for token in row.tokens}
    assert all(token and token == "".join(token.split()) for token in tokens)
    # "l'", "'s" and "pagina's" keep their apostrophe.
    mixed = {token for token in tokens if re.search(r"\w", token) and re.search(r"[^\w']", token)}
    assert not mixed


def test_every_type_is_common_and_some_notes_have_no_name(parts: dict) -> None:
    for part in ("train", "test"):
        for code in CODES:
            rows = [row for row in parts[part] if row.language == code]
            counts = Counter(tag for row in rows for tag in row.tags)
            assert min(counts[f"B-{kind}"] for kind in ("LOC", "ORG", "PER")) > 80
            assert 0.04 < sum(set(row.tags) == {"O"} for row in rows) / len(rows) < 0.2


def test_the_same_name_is_a_person_a_firm_or_a_place(grammar: ModuleType, parts: dict) -> None:
    """Single-word names that stand as several types, in the training part and in the test part."""
    for part in ("train", "test"):
        kinds: dict[str, set[str]] = {}
        for row in parts[part]:
            for start, end, kind in grammar.spans(row.tags):
                if end - start == 1:
                    kinds.setdefault(row.tokens[start].lower(), set()).add(kind)
        assert sum(len(found) > 1 for found in kinds.values()) > 60
        assert sum(len(found) == 3 for found in kinds.values()) > 5


def test_names_have_lower_case_inner_words_and_lost_capitals(grammar: ModuleType, parts: dict) -> None:
    for part in ("train", "test"):
        names = [row.tokens[a:b] for row in parts[part] for a, b, _ in grammar.spans(row.tags)]
        inner = sum(len(name) > 2 and any(word.islower() for word in name[1:-1]) for name in names)
        lower = sum(all(word.islower() for word in name if word.isalpha()) for name in names)
        assert inner / len(names) > 0.05
        assert 0.02 < lower / len(names) < 0.12


def test_templates_and_slot_values_of_the_sides_are_disjoint(grammar: ModuleType) -> None:
    train, test = grammar.templates(grammar.TRAIN), grammar.templates(grammar.TEST)
    assert len(train) > 400 and len(test) > 200
    assert not train & test
    seen, held_out = grammar.slot_values(grammar.TRAIN), grammar.slot_values(grammar.TEST)
    assert seen.keys() == held_out.keys() and all(seen.values()) and all(held_out.values())
    # No first name of one side is a surname of the other, either.
    words = [{word.lower() for pool in side.values() for word in pool} for side in (seen, held_out)]
    assert not words[0] & words[1]


def test_each_side_draws_from_its_own_pools(grammar: ModuleType, parts: dict) -> None:
    """Names of the test side stand in no text of the training side, pre-training included, and the other way round.

    Only the training side's first names may stand in the test part, before a surname.
    """
    seen = [row.tokens for name in ("train", "transfer") for row in parts[name]]
    seen += [note.tokens for note, _ in grammar.handled(3000)]
    tested = [row.tokens for row in parts["test"]]
    for slot in "fstn":
        assert not occurs(grammar.slot_values(grammar.TEST)[slot], seen)
        if slot != "f":
            assert not occurs(grammar.slot_values(grammar.TRAIN)[slot], tested)
    assert len(occurs(grammar.slot_values(grammar.TEST)["n"], tested)) > 200


def test_no_name_of_the_test_part_stands_in_the_training_side(grammar: ModuleType, parts: dict) -> None:
    """Whole names, as the entity they are; a typo may make one name another, which is let pass twice."""

    def names(rows: list[Any]) -> set[tuple[str, str]]:
        return {
            (" ".join(row.tokens[start:end]).lower(), kind)
            for row in rows
            for start, end, kind in grammar.spans(row.tags)
        }

    shared = names(parts["test"]) & names(parts["train"] + parts["transfer"])
    assert len(shared) <= 2, shared


def test_test_frames_are_new_arrangements_of_known_words(grammar: ModuleType) -> None:
    for spoken in grammar.LANGUAGES.values():
        tables = [spoken.frames, spoken.plain, spoken.asides, spoken.openers, spoken.closers, spoken.orgs]
        known = {word.lower() for table in tables for text in table.train for word in text.replace("{A}", " ").split()}
        asked = [word for text in spoken.frames.test for word in text.replace("{A}", " ").split()]
        assert sum(word.lower() in known for word in asked) / len(asked) > 0.98


def test_no_note_occurs_twice(parts: dict) -> None:
    keys = {name: [row.key for row in rows] for name, rows in parts.items()}
    assert len({key for rows in keys.values() for key in rows}) == sum(map(len, keys.values())) == 7500


def test_handling_lines_mark_names_mostly_rightly(grammar: ModuleType) -> None:
    counts: Counter[str] = Counter()
    for note, line in grammar.handled(3000):
        roles = grammar.LANGUAGES[note.language].roles
        marks: dict[int, set[str]] = {}
        for word, mark in line:
            marks.setdefault(word, set()).add(mark)
        outside = [at for at, tag in enumerate(note.tags) if tag == "O"]
        assert all(marks.get(at, {"-"}) == {"-"} for at in outside)
        counts.update(outside=len(outside), passed=sum(at in marks for at in outside))
        for start, end, kind in grammar.spans(note.tags):
            counts["names"] += 1
            if start in marks and marks[start] != {"-"}:
                (keyword,) = marks[start]
                assert all(marks[at] == {keyword, "+"} for at in range(start + 1, end))
                counts.update(listed=1, wrong=keyword not in roles[kind])
    assert counts["listed"] / counts["names"] == pytest.approx(grammar.LISTED_RATE, abs=0.03)
    assert counts["passed"] / counts["outside"] == pytest.approx(grammar.PASSED_RATE, abs=0.02)
    # A misfiled name gets any type's keyword: one time in three it is the right one.
    assert counts["wrong"] / counts["listed"] == pytest.approx(grammar.MISFILED_RATE * 2 / 3, abs=0.02)


def test_spans_and_repair(own: dict[str, ModuleType]) -> None:
    tags = ("B-PER", "I-PER", "O", "B-LOC", "B-LOC", "I-LOC")
    assert own["grammar"].spans(tags) == [(0, 2, "PER"), (3, 4, "LOC"), (4, 6, "LOC")]
    broken = ["I-PER", "I-PER", "I-LOC", "O", "I-ORG", "B-ORG", "I-ORG"]
    assert own["measure"].repair(broken) == ["B-PER", "I-PER", "B-LOC", "O", "B-ORG", "B-ORG", "I-ORG"]
    assert own["measure"].repair(list(tags)) == list(tags)


def test_shapes_and_f1(own: dict[str, ModuleType]) -> None:
    measure = own["measure"]
    assert [measure.shape(word) for word in ("Ashford", "KX204", "d'", "Émile")] == ["Xxx", "XXdd", "x'", "Xxx"]
    rows = [measure.Row(["Ann", "Ashford", "in", "Ashford"], ["B-PER", "I-PER", "O", "B-LOC"], "en")]
    # One of two entities found, two guessed: precision and recall are both one half.
    assert measure.f1(rows, [["B-PER", "O", "O", "B-LOC"]]) == pytest.approx(50.0)
    assert measure.f1(rows, [["B-PER", "I-PER", "O", "I-LOC"]]) == pytest.approx(100.0)


def test_marks_are_predicted_at_first_pieces(own: dict[str, ModuleType]) -> None:
    transformers = pytest.importorskip("transformers")
    tokenizer = transformers.AutoTokenizer.from_pretrained(TEACHER)
    note = own["grammar"].Note(("Ann", "Zwartewijk", "called"), ("B-PER", "I-PER", "O"), "en", "single")
    line = [(0, "contact"), (1, "contact"), (1, "+"), (2, "-")]
    (row,) = own["build"].encode(tokenizer, [(note, line)])
    pieces = tokenizer.convert_ids_to_tokens(row.ids)
    found = [(pieces[position][0], tokenizer.decode([piece]).lstrip("#")) for position, piece in row.marks]
    assert found == [("A", "contact"), ("Z", "contact"), ("Z", "+"), ("c", "-")]
    assert pieces[row.marks[1][0] + 1].startswith("##")  # the surname has several pieces, and only its first counts


def test_the_set_is_registered() -> None:
    assert BUNDLED_DATA["office-notes"] == TAGGING / "data"
    assert BUNDLED_TEACHERS["office-bert"] == TEACHER


def test_the_checkpoint_is_small_float32_safetensors() -> None:
    path = TEACHER / "model.safetensors"
    assert path.stat().st_size <= 6_000_000
    with path.open("rb") as handle:
        (length,) = struct.unpack("<Q", handle.read(8))
        header = json.loads(handle.read(length))
    tensors = {key: value for key, value in header.items() if key != "__metadata__"}
    assert tensors and {value["dtype"] for value in tensors.values()} == {"F32"}


def test_the_teacher_loads_and_knows_its_text(parts: dict) -> None:
    """It has the masked-language-model head, splits the test's names, and guesses masked pieces far above chance."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    tokenizer = transformers.AutoTokenizer.from_pretrained(TEACHER)
    model, info = transformers.AutoModelForMaskedLM.from_pretrained(TEACHER, output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"]
    assert model.config.model_type == "bert" and model.config.vocab_size == len(tokenizer)
    assert sum(parameter.numel() for parameter in model.parameters()) < 1_500_000
    rows = [list(row.tokens) for row in parts["test"]]
    coded = tokenizer(rows, is_split_into_words=True)["input_ids"]
    assert not any(tokenizer.unk_token_id in ids for ids in coded)
    assert max(map(len, coded)) <= model.config.max_position_embeddings
    batch = tokenizer(rows[:64], is_split_into_words=True, padding=True, return_tensors="pt")
    ids = batch["input_ids"]
    chosen = (torch.rand(ids.shape, generator=torch.Generator().manual_seed(0)) < 0.1) & (ids > 4)
    with torch.no_grad():
        logits = model(**{**batch, "input_ids": ids.masked_fill(chosen, tokenizer.mask_token_id)}).logits
    assert (logits.argmax(-1)[chosen] == ids[chosen]).float().mean() > 0.25


def test_readme_states_the_committed_measurements() -> None:
    readme = (TAGGING / "README.md").read_text(encoding="utf-8")
    found = json.loads((TAGGING / "measurements.json").read_text(encoding="utf-8"))
    for name, score in found["f1"].items():
        cells = [score["validation"], score["test"], *(score["languages"][code] for code in CODES)]
        assert f"| {name} | {' | '.join(f'{cell:.1f}' for cell in cells)} |" in readme
    assert f"{found['pieces']['mean']:.1f} pieces on average and {found['pieces']['longest']} at most" in readme


def test_the_set_has_the_difficulty_aimed_for() -> None:
    found = json.loads((TAGGING / "measurements.json").read_text(encoding="utf-8"))["f1"]
    teacher = found["office-bert"]["test"]
    assert 85 <= teacher <= 95
    assert teacher - found["most frequent tag"]["test"] >= 15
    assert teacher - found["logistic regression"]["test"] >= 5
