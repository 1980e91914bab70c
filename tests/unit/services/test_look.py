from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from distill_core.data import heads
from distill_core.layout import BUNDLED_TEACHERS
from distill_core.services import drafts
from distill_core.services.look import look


@pytest.fixture(autouse=True)
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drafts, "_CACHE", drafts.Cache())


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    path = tmp_path / "reviews.csv"
    rows = [
        {"text": f"review {i % 150}", "label": "Good" if i % 30 == 0 else ("good", "bad")[i % 2]} for i in range(300)
    ]
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


def test_a_small_file_is_taken_whole(reviews: Path) -> None:
    found = look({"data": {"source": "files", "train": str(reviews)}})
    assert found["whole"] and found["read"] == found["about"] == 300
    assert found["columns"] == [{"name": "text", "role": "text"}, {"name": "label", "role": "label"}]
    assert {row["label"] for row in found["balance"]} == {"Good", "good", "bad"}
    lengths = found["lengths"]
    assert lengths["unit"] == "words" and sum(item["count"] for item in lengths["bins"]) == lengths["rows"]
    assert lengths["rows"] == sum(found["sizes"].values())
    offers = {finding["remedy"] for finding in found["findings"] if finding.get("remedy")}
    assert {"drop_duplicates", "merge_label_spellings"} <= offers and found["remedies"] == []


def test_remedies_that_are_on_are_told(reviews: Path) -> None:
    chosen = {"merge_label_spellings": True, "drop_duplicates": True}
    found = look({"data": {"source": "files", "train": str(reviews), "remedies": chosen}})
    assert found["remedies"] == list(chosen)
    assert {row["label"] for row in found["balance"]} == {"good", "bad"}
    assert all(finding["applied"] for finding in found["findings"] if finding.get("remedy"))


def test_a_long_file_is_looked_at_in_part_and_says_so(reviews: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heads.is_long, "__defaults__", (2000,))
    monkeypatch.setattr(heads.heads_of, "__defaults__", (2000,))
    found = look({"data": {"source": "files", "train": str(reviews)}})
    assert not found["whole"] and 50 < found["read"] < 250
    assert found["about"] == pytest.approx(300, rel=0.1)
    assert sum(sum(row["counts"].values()) for row in found["balance"]) <= found["read"]


def test_tokens_of_a_teacher_that_lies_here(reviews: Path) -> None:
    teacher = {"source": f"bundled:{next(iter(BUNDLED_TEACHERS))}"}
    found = look({"data": {"source": "files", "train": str(reviews), "max_tokens": 64}, "teachers": [teacher]})
    assert found["lengths"]["unit"] == "tokens" and found["lengths"]["limit"] == 64
    assert 0 <= found["lengths"]["over"] <= 1


def test_a_teacher_on_the_hub_is_not_waited_for(reviews: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("distill_core.checkpoints.inspect_light", lambda *_: pytest.fail("asked the Hub"))
    found = look({"data": {"source": "files", "train": str(reviews)}, "teachers": [{"source": "owner/name"}]})
    assert found["lengths"]["unit"] == "words"


def test_what_cannot_be_looked_at_is_told_at_its_field(reviews: Path, tmp_path: Path) -> None:
    assert look({"data": {"source": "files"}})["field"].startswith("data")
    assert look({})["error"]
    barred = look({"data": {"source": "files", "train": str(reviews)}}, uploads_only=tmp_path / "uploads")
    assert barred["field"] == "data.train" and "rows" not in barred
    missing = look({"data": {"source": "files", "train": str(tmp_path / "none.csv")}})
    assert missing["rows"] == [] and missing["findings"][0]["severity"] == "error"


def test_broken_parquet_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1" + b"x" * 200)
    found = look({"data": {"source": "files", "train": str(tmp_path / "a.parquet")}})
    assert "Parquet" in found["findings"][0]["message"]


def hub_look(rows: list[dict[str, object]], monkeypatch: pytest.MonkeyPatch, there: int | None) -> dict[str, object]:
    """A look at a Hub set whose first rows are these."""
    from distill_core.data import hub

    def load(config: object) -> dict[str, pd.DataFrame]:
        head = hub._HEAD.get()
        assert head is not None
        frame = pd.DataFrame(rows[: head.rows])
        head.read["train"], head.there["train"] = len(frame), there
        return {"train": frame}

    monkeypatch.setattr(hub, "load_hub", load)
    return look({"data": {"source": "hub", "name": "acme/reviews", "labelled_per_class": 5000}})


def test_the_first_rows_of_a_hub_set_do_not_speak_for_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[dict[str, object]] = [{"text": f"review {i % 200}", "label": "good"} for i in range(900)]  # sorted
    found = hub_look(rows, monkeypatch, 25_000)
    assert (found["whole"], found["read"], found["about"]) == (False, 500, 25_000)
    codes = {finding["code"] for finding in found["findings"]}  # type: ignore[attr-defined]
    assert not codes & {"one_label", "small_budget", "rare_class"}
    assert found["rows"][0] == {"text": "review 0", "label": "good"}  # type: ignore[index]
    monkeypatch.setattr(drafts, "_CACHE", drafts.Cache())
    assert hub_look(rows, monkeypatch, None)["about"] is None


def test_a_short_hub_set_is_judged_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    found = hub_look([{"text": f"review {i}", "label": "good"} for i in range(40)], monkeypatch, 40)
    assert found["whole"] and found["about"] == 40
    assert "one_label" in {finding["code"] for finding in found["findings"]}  # type: ignore[attr-defined]


def test_a_hub_set_that_cannot_be_reached_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    from distill_core.data import hub
    from distill_core.errors import NetworkError

    asked = []

    def load(config: object) -> dict[str, pd.DataFrame]:
        asked.append(config)
        raise NetworkError("The Hub cannot be reached.", hint="Choose files.")

    monkeypatch.setattr(hub, "load_hub", load)
    for _ in range(2):
        found = look({"data": {"source": "hub", "name": "acme/reviews"}})
        assert "cannot be reached" in found["findings"][0]["message"]
    assert len(asked) == 2
