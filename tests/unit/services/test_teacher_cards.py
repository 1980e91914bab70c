from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from distill_core import recipes
from distill_core.layout import BUNDLED_TEACHERS
from distill_core.services import check_config, drafts
from distill_core.services.teacher_cards import TRAINED, cards
from tests.hub_server import HubServer
from tests.unit import tiny_checkpoints as tiny
from tests.unit.test_hub import ask


def draft(*sources: str, mode: str = "separate", **student: Any) -> dict[str, Any]:
    raw = recipes.load("demo").config.model_dump(mode="json", exclude_none=True)
    raw["teachers"] = [{"source": source} for source in sources]
    raw["teacher_training"] = {"mode": mode}
    raw["student"] = {"kind": "bilstm", **student}
    return raw


def classifier(folder: Path, *labels: str) -> Path:
    return tiny.save(folder, head="classifier", id2label=dict(enumerate(labels)), num_labels=len(labels))


def test_the_light_is_told_against_the_teacher_the_vocabulary_comes_from() -> None:
    bert, roberta = "bundled:support-bert", "bundled:support-roberta"
    first = cards(draft(bert, roberta, bert))
    assert [card["light"]["state"] for card in first] == ["same", "other", "same"]
    assert {card["light"]["reference"] for card in first} == {"support-bert"}
    second = cards(draft(bert, roberta, init_teacher=2))
    assert [card["light"]["state"] for card in second] == ["other", "same"]


def test_a_padded_vocabulary_is_no_other_tokeniser(tmp_path: Path) -> None:
    plain = tiny.save(tmp_path / "plain")
    padded = tiny.save(tmp_path / "padded", vocab_size=len(tiny.PIECES) + 64)
    found = cards(draft(str(plain), str(padded)))
    assert [card["light"]["state"] for card in found] == ["same", "padded"]


def test_bundled_teachers_tell_their_licence() -> None:
    found = cards(draft(*(f"bundled:{name}" for name in BUNDLED_TEACHERS)))
    assert {card["name"]: card["licence"] for card in found} == dict.fromkeys(BUNDLED_TEACHERS, "apache-2.0")


def test_sizes_memory_and_what_is_downloaded() -> None:
    trained, used = cards(draft("bundled:support-bert"))[0], cards(draft("bundled:support-bert", mode="as_is"))[0]
    assert trained["bytes"] == 4 * trained["parameters"] and trained["memory"] == TRAINED * trained["bytes"]
    assert used["memory"] == used["bytes"] and not used["trained"]
    assert trained["where"] == "bundled" and trained["download"] == 0 and trained["error"] is None


def test_another_label_space_is_told_once_the_labels_are_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.setattr(drafts, "_CACHE", drafts.Cache())  # another test may have looked at the demo's data
    raw = draft(str(classifier(tmp_path / "own", "good", "bad")), mode="as_is")
    assert cards(raw)[0]["light"]["state"] == "same"
    check_config(raw)  # now the labels of the data are remembered
    light = cards(raw)[0]["light"]
    assert light["state"] == "labels" and "good" in light["said"]


def test_the_licence_is_read_from_the_card_beside_the_weights(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    classifier(folder, "a", "b")
    assert cards(draft(str(folder)))[0]["licence"] is None
    (folder / "README.md").write_text("---\nlanguage: en\nlicense: 'apache-2.0'\n---\nlicense: none\n")
    assert cards(draft(str(folder)))[0]["licence"] == "apache-2.0"


def test_one_that_cannot_teach_says_why_and_how_out(tmp_path: Path) -> None:
    folder = tmp_path / "pickled"
    classifier(folder, "a", "b")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    card, other = cards(draft(str(folder), "bundled:support-bert"))
    assert "pickle" in card["error"]["message"].lower() + card["error"]["hint"].lower() and card["error"]["hint"]
    assert "light" not in card and other["light"]["state"] in ("same", "other")


def test_folders_stay_hidden_where_only_uploads_count(tmp_path: Path) -> None:
    found = cards(draft("/etc", "bundled:support-bert", ""), uploads_only=tmp_path)
    assert [card["number"] for card in found] == [1]


@pytest.mark.parametrize("raw", [{}, {"teachers": 3}, {"teachers": [None, {"source": 7}]}, {"student": []}])
def test_a_half_typed_draft_has_no_cards(raw: dict[str, Any]) -> None:
    assert cards(raw) == []


def test_on_the_hub_licence_and_download_are_told_before_anything_is_fetched(tmp_path: Path) -> None:
    folder = tmp_path / "hub" / "models" / "one" / "tiny"
    folder.parent.mkdir(parents=True)
    classifier(folder, "a", "b")
    size = (folder / "model.safetensors").stat().st_size
    code = (
        "import json\nfrom distill_core.services.teacher_cards import cards\n"
        "from huggingface_hub import snapshot_download\n"
        f"raw = json.loads({json.dumps(json.dumps(draft('one/tiny')))})\n"
        "print(json.dumps(cards(raw)))\nsnapshot_download('one/tiny')\nprint(json.dumps(cards(raw)))\n"
    )
    with HubServer(tmp_path / "hub", facts={"one/tiny": {"tags": ["license:mit"]}}) as server:
        before, after = (json.loads(line)[0] for line in ask(code, server.environment(tmp_path / "hf")))
    assert (before["where"], before["licence"], before["download"]) == ("hub", "mit", size)
    assert after["download"] == 0 and after["parameters"] == before["parameters"]
    shutil.rmtree(tmp_path / "hf")
