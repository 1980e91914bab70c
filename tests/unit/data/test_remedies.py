"""Remedies: what they do to rows and labels, what they leave alone, and which finding offers which."""

import json
from collections import Counter

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from distill_core.config import FileData, Remedies
from distill_core.data import remedies
from distill_core.data.prepare import check, prepare
from distill_core.data.types import Rows

ALL = Remedies(merge_label_spellings=True, drop_duplicates=True, drop_conflicting=True)
QUIET = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
LABELS = st.sampled_from(["pos", "Pos", " POS ", "neg", "neg", "Neg"])
ROWS = st.lists(st.tuples(st.integers(0, 15), LABELS), min_size=5, max_size=60)


def anchors(start=1000, number=20):
    return [(f"anchor {i}", ("pos", "neg")[i % 2]) for i in range(start, start + number)]


def named(rows):
    return [(f"text {number}", label) for number, label in rows]


def offered(result):
    return {(finding.code, finding.remedy) for finding in result.findings if finding.remedy and not finding.applied}


def gold(data, rows):
    return [(text, data.labels[label]) for text, label in zip(rows.texts, rows.labels.tolist(), strict=True)]


# ---- rows


def rows_of(pairs, languages=None):
    return Rows(
        [t for t, _ in pairs], None, np.array([c for _, c in pairs]), list(range(len(pairs))), None, None, languages
    )


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(-1, 1))))
def test_repeated_and_conflicting_rows_are_those_that_a_count_finds(pairs):
    rows, counts = rows_of(pairs), Counter(pairs)
    again = [pairs[i] for i in remedies.repeated(rows)]
    assert Counter(again) == Counter({pair: n - 1 for pair, n in counts.items() if n > 1})
    torn = {text for text in "abc" if counts[text, 0] and counts[text, 1]}
    assert [pairs[i] for i in remedies.conflicting(rows)] == [p for p in pairs if p[0] in torn and p[1] >= 0]


def test_the_same_words_in_two_languages_are_no_duplicates():
    assert remedies.repeated(rows_of([("ok", 0), ("ok", 0), ("ok", 0)], ["de", "fr", "de"])) == [2]


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 2))), st.booleans(), st.booleans())
def test_mending_twice_is_mending_once(pairs, duplicates, conflicts):
    from distill_core.data.types import Findings

    chosen = Remedies(drop_duplicates=duplicates, drop_conflicting=conflicts)
    once = remedies.mend(rows_of(pairs), chosen, ("a.csv", "data.train", "training"), Findings())
    findings = Findings()
    twice = remedies.mend(once, chosen, ("a.csv", "data.train", "training"), findings)
    assert twice.texts == once.texts and not findings


# ---- spellings


@given(st.dictionaries(st.text("aAbB é", max_size=4), st.integers(1, 5)), st.lists(st.text("aAbBc", max_size=3)))
def test_every_spelling_becomes_the_most_frequent_one_of_its_group(train, others):
    changes = remedies.spellings(train, others)
    after = {changes.get(label, label) for label in [*train, *others]}
    assert not set(changes.values()) & set(changes)  # nothing is renamed twice
    assert all(remedies.spelling_key(a) == remedies.spelling_key(b) for a, b in changes.items())
    for group in remedies.spelt_alike(train):
        kept = set(group) & after
        assert len(kept) == 1 and train[kept.pop()] == max(train[label] for label in group)


def test_accents_encoded_in_two_ways_are_one_spelling():
    assert remedies.spellings({"café": 3, "cafe\u0301": 1}, []) == {"cafe\u0301": "café"}


# ---- from files to splits


@QUIET
@given(ROWS, ROWS, st.lists(st.integers(0, 20), max_size=20))
def test_test_and_validation_files_keep_their_rows_and_training_stands_once(write, train, measured, free):
    config = FileData(
        train=write("train", named(train) + anchors()),
        validation=write("validation", named([(n + 100, label) for n, label in measured]) + anchors(2000)),
        test=write("test", named([(n + 200, label) for n, label in measured]) + anchors(3000)),
        transfer=write("free", [(f"text {n}",) for n in free] + [("free",)] * 2, "text"),
    )
    merged = config.model_copy(update={"remedies": Remedies(merge_label_spellings=True)})
    mended = config.model_copy(update={"remedies": ALL})
    before, after = check(merged, seed=1), check(mended, seed=1)
    assert before.ok and after.ok
    assert not offered(after)
    one, other = prepare(merged, seed=1), prepare(mended, seed=1)
    assert one.labels == other.labels and len(one.labels) == 2
    for split in ("test", "validation"):
        assert gold(one, getattr(one, split)) == gold(other, getattr(other, split))
        assert len(getattr(other, split)) == len(measured) + 20
    key = remedies.spelling_key
    truth = {(f"text {n}", key(label)) for n, label in train} | set(anchors())
    texts = Counter(text for text, _ in truth)
    kept = gold(other, other.train)
    assert sorted((text, key(label)) for text, label in kept) == sorted(p for p in truth if texts[p[0]] == 1)
    assert len(set(other.transfer.texts)) == len(other.transfer)
    assert "free" in other.transfer.texts


@QUIET
@given(ROWS, st.integers(0, 3))
def test_rows_held_out_for_the_test_do_not_depend_on_what_is_dropped(write, train, seed):
    path = write("train", [(text, label.strip().lower()) for text, label in named(train)] + anchors())
    plain = check(FileData(train=path), seed=seed)
    if not plain.ok:
        return
    dropping = Remedies(drop_duplicates=True, drop_conflicting=True)
    mended = FileData(train=path, remedies=dropping)
    if not check(mended, seed=seed).ok:
        return
    one, other = prepare(FileData(train=path), seed=seed), prepare(mended, seed=seed)
    assert one.test.texts == other.test.texts and one.test.labels.tolist() == other.test.labels.tolist()
    assert {*other.train.texts, *other.validation.texts} <= {*one.train.texts, *one.validation.texts}


def test_tidy_data_are_the_same_with_every_remedy(write):
    path = write("train", anchors(number=60))
    plain, mended = (prepare(FileData(train=path, remedies=r), seed=1) for r in (Remedies(), ALL))
    assert plain.fingerprint == mended.fingerprint and not any(f.applied for f in mended.findings)


def test_each_finding_offers_its_remedy_and_says_afterwards_what_it_did(write):
    untidy = [("twice", "pos"), ("twice", "pos"), ("torn", "pos"), ("torn", "neg"), ("odd", "Pos"), ("", "pos")]
    config = FileData(
        train=write("train", anchors(number=60) + untidy), test=write("test", [*anchors(5000), ("t", "NEG")])
    )
    result = check(config)
    assert offered(result) == {
        ("duplicate_text", "drop_duplicates"),
        ("conflicting_labels", "drop_conflicting"),
        ("label_spelling", "merge_label_spellings"),
        ("unknown_label", "merge_label_spellings"),
    }
    empty = next(f for f in result.findings if f.code == "empty_text")
    assert "left out" in empty.message and empty.remedy is None
    after = check(config.model_copy(update={"remedies": ALL}))
    assert after.ok and not offered(after) and after.labels == ["neg", "pos"]
    told = {f.remedy: f.message for f in after.findings if f.applied}
    assert told == {
        "merge_label_spellings": "Spellings merged: “NEG” as “neg”, “Pos” as “pos” (2 rows).",
        "drop_conflicting": "2 rows of train.csv with a text that has more than one label: left out of training. "
        "Rows 63 and 64.",
        "drop_duplicates": "1 row of train.csv with a text that stood there before: left out of training. Row 62.",
    }


def test_duplicates_alone_do_not_decide_between_labels(write):
    rows = [("torn", "pos"), ("torn", "pos"), ("torn", "neg")]
    config = FileData(
        train=write("train", anchors(number=60) + rows),
        validation=write("validation", anchors(3000)),
        test=write("test", anchors(5000)),
        remedies=Remedies(drop_duplicates=True),
    )
    data = prepare(config, seed=1)
    assert sorted(pair for pair in gold(data, data.train) if pair[0] == "torn") == [("torn", "neg"), ("torn", "pos")]
    assert offered(check(config)) == {("conflicting_labels", "drop_conflicting")}


def test_repeats_in_the_test_are_told_and_kept_without_a_remedy(write):
    config = FileData(train=write("train", anchors(number=60)), test=write("test", anchors(5000) + [("x", "pos")] * 3))
    finding = next(f for f in check(config).findings if f.code == "duplicate_text")
    assert finding.remedy is None and "kept as they are" in finding.message
    data = prepare(config.model_copy(update={"remedies": ALL}), seed=1)
    assert data.test.texts.count("x") == 3


def test_plain_text_is_learnt_from_once(tmp_path):
    path = tmp_path / "texts.txt"
    path.write_text("\n".join([f"line {i}" for i in range(60)] * 2), encoding="utf-8")
    config = FileData(task="masked_lm", train=str(path))
    assert ("duplicate_text", "drop_duplicates") in offered(check(config))
    data = prepare(config.model_copy(update={"remedies": ALL}), seed=1)
    assert len(set(data.train.texts)) == len(data.train)


# ---- tagging


def sentences(number, start=0, kind="PER"):
    return [
        {"tokens": [f"no{i}", "Ada", "Byron"], "tags": ["O", f"B-{kind}", f"I-{kind}"]}
        for i in range(start, start + number)
    ]


def test_types_of_entities_spelt_alike_become_one_and_repeats_go(tmp_path):
    mixed = {"tokens": ["both", "Ada", "Byron"], "tags": ["O", "B-PER", "I-per"]}
    other = {"tokens": ["no1", "Ada", "Byron"], "tags": ["O", "O", "B-PER"]}
    train = [*sentences(60), *sentences(5, 100, "per"), mixed, other, *sentences(1, 2)]
    files = {"train": train, "test": sentences(40, 500, "Per")}
    for name, rows in files.items():
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    config = FileData(task="tagging", **{name: str(tmp_path / f"{name}.jsonl") for name in files})
    assert {name for _, name in offered(check(config))} == {"drop_conflicting", "merge_label_spellings"} | {
        "drop_duplicates"
    }
    mended = config.model_copy(update={"remedies": ALL})
    result, data = check(mended), prepare(mended, seed=1)
    assert result.ok and not offered(result)
    assert data.labels == ["O", "B-PER", "I-PER"] and len(data.test) == 40
    assert data.test.tags[0].tolist() == [0, 1, 2]
    rows = Rows.concat([data.train, data.validation])
    assert rows.tags[rows.texts.index("both Ada Byron")].tolist() == [0, 1, 2]  # one entity, not two
    assert "no1 Ada Byron" not in rows.texts and rows.texts.count("no2 Ada Byron") == 1


def test_plain_tags_spelt_alike_become_one(tmp_path):
    rows = [{"tokens": [f"w{i}", "b"], "tags": ["NN", "vb" if i % 9 == 0 else "VB"]} for i in range(90)]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    config = FileData(task="tagging", train=str(tmp_path / "a.jsonl"), remedies=ALL)
    assert prepare(config, seed=1).labels == ["NN", "VB"]
