"""The bundled demo: its grammar, the committed data, and the two teacher checkpoints."""

from __future__ import annotations

import csv
import importlib
import json
import re
import struct
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

DEMO = Path(__file__).resolve().parents[3] / "assets" / "demo"
TEACHERS = ("support-bert", "support-roberta")
OWN_MODULES = ("grammar", "frames", "lexicon", "build", "measure")


def load(name: str) -> ModuleType:
    """Import a module of the demo folder, which is not a package, and leave the import path as it was."""
    sys.path.insert(0, str(DEMO))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(DEMO))


@pytest.fixture(scope="module")
def grammar() -> Iterator[ModuleType]:
    before = {name: sys.modules.pop(name, None) for name in OWN_MODULES}
    yield load("grammar")
    for name, module in before.items():
        sys.modules.pop(name, None)
        if module is not None:
            sys.modules[name] = module


@pytest.fixture(scope="module")
def parts(grammar: ModuleType) -> dict[str, list[tuple[str, str]]]:
    return grammar.dataset()


def test_the_same_seed_gives_the_same_text(grammar: ModuleType, parts: dict) -> None:
    assert grammar.dataset() == parts
    assert grammar.dataset(seed=grammar.SEED + 100)["train"] != parts["train"]
    assert grammar.conversations(50) == grammar.conversations(50)


def test_sizes(grammar: ModuleType, parts: dict) -> None:
    assert {name: len(rows) for name, rows in parts.items()} == {"train": 1500, "transfer": 6000, "test": 1500}
    lengths = [len(text.split()) for rows in parts.values() for text, _ in rows]
    assert 8 < sum(lengths) / len(lengths) < 20
    assert max(lengths) < 48


def test_every_intent_is_covered_about_equally(grammar: ModuleType, parts: dict) -> None:
    assert len(grammar.INTENTS) >= 8
    for name in ("train", "test"):
        counts = Counter(label for _, label in parts[name])
        assert set(counts) == set(grammar.INTENTS)
        assert max(counts.values()) < 1.25 * min(counts.values())
    assert {label for _, label in parts["transfer"]} == {""}


def test_label_noise_is_as_declared(grammar: ModuleType, parts: dict) -> None:
    true = {made.text: made.label for made in grammar.messages(grammar.SEED, 1500, grammar.TRAIN)}
    wrong = sum(true[text] != label for text, label in parts["train"])
    assert 0 < wrong / 1500 <= 1.5 * grammar.LABEL_NOISE


def test_templates_and_slot_values_of_the_sides_are_disjoint(grammar: ModuleType) -> None:
    train, test = grammar.templates(grammar.TRAIN), grammar.templates(grammar.TEST)
    assert len(train) > 200 and len(test) > 200
    assert not train & test
    seen, held_out = grammar.slot_values(grammar.TRAIN), grammar.slot_values(grammar.TEST)
    assert seen.keys() == held_out.keys()
    for name in seen:
        assert seen[name] and held_out[name]
        assert not seen[name] & held_out[name], name


def test_each_side_draws_from_its_own_pools(grammar: ModuleType, parts: dict) -> None:
    """Held-out items and order numbers occur in no training text, and the other way round."""
    conversations = [text for text, _ in grammar.conversations(5000)]
    seen = [text for name in ("train", "transfer") for text, _ in parts[name]] + conversations
    tested = [text for text, _ in parts["test"]]
    for slot in ("item", "city", "ref", "carrier"):
        for side, texts in ((grammar.TEST, seen), (grammar.TRAIN, tested)):
            other_side = grammar.slot_values(1 - side)[slot]
            # "lamp" is a value of one side and "wall lamp" one of the other.
            values = {v for v in grammar.slot_values(side)[slot] if not any(v in other for other in other_side)}
            pattern = re.compile(r"\b(?:" + "|".join(map(re.escape, sorted(values))) + r")\b", re.IGNORECASE)
            assert not [text for text in texts if pattern.search(text)], slot


def test_no_text_occurs_twice(grammar: ModuleType, parts: dict) -> None:
    texts = {name: [text.lower() for text, _ in rows] for name, rows in parts.items()}
    for rows in texts.values():
        assert len(set(rows)) == len(rows)
    assert not set(texts["test"]) & (set(texts["train"]) | set(texts["transfer"]))
    assert not set(texts["train"]) & set(texts["transfer"])
    assert not set(texts["test"]) & {text.lower() for text, _ in grammar.conversations(5000)}


def test_negation_order_and_second_topics_are_common(grammar: ModuleType) -> None:
    made = grammar.messages(1, 1000, grammar.TRAIN)
    assert 0.5 < sum(row.other is not None for row in made) / len(made) < 0.8
    assert all(row.other != row.label for row in made)
    assert sum("not" in row.text or "n't" in row.text for row in made) > 150


@pytest.mark.parametrize("part", ["train", "transfer", "test"])
def test_committed_files_equal_the_generated_ones(parts: dict, part: str) -> None:
    with (DEMO / "data" / f"{part}.csv").open(encoding="utf-8", newline="") as handle:
        rows = list(csv.reader(handle))
    if part == "transfer":
        assert rows == [["text"], *([text] for text, _ in parts[part])]
    else:
        assert rows == [["text", "label"], *([text, label] for text, label in parts[part])]


def header(path: Path) -> dict:
    """The header of a safetensors file."""
    with path.open("rb") as handle:
        (length,) = struct.unpack("<Q", handle.read(8))
        return json.loads(handle.read(length))


@pytest.mark.parametrize("name", TEACHERS)
def test_checkpoints_are_small_float32_safetensors(name: str) -> None:
    path = DEMO / "teachers" / name / "model.safetensors"
    assert path.stat().st_size <= 6_000_000
    tensors = {key: value for key, value in header(path).items() if key != "__metadata__"}
    assert tensors
    assert {value["dtype"] for value in tensors.values()} == {"F32"}


def test_teachers_differ_in_architecture_and_tokeniser() -> None:
    configs, tokenisers = [], []
    for name in TEACHERS:
        configs.append(json.loads((DEMO / "teachers" / name / "config.json").read_text(encoding="utf-8")))
        tokenisers.append(json.loads((DEMO / "teachers" / name / "tokenizer.json").read_text(encoding="utf-8")))
    assert [config["model_type"] for config in configs] == ["bert", "roberta"]
    assert configs[0]["hidden_size"] != configs[1]["hidden_size"]
    assert [coded["model"]["type"] for coded in tokenisers] == ["WordPiece", "BPE"]
    assert set(tokenisers[0]["model"]["vocab"]) != set(tokenisers[1]["model"]["vocab"])
    for config, coded in zip(configs, tokenisers, strict=True):
        assert config["vocab_size"] == len(coded["model"]["vocab"])
