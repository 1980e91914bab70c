"""Figures of the tagging set's README: the finetuned teacher and two baselines that do not pre-train."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

EPOCHS = 5
BATCH = 16
LR = 4e-4
SEEDS = (0, 1, 2)
IGNORE = -100
Tags = list[list[str]]


@dataclass(frozen=True)
class Row:
    """One labelled note."""

    tokens: list[str]
    tags: list[str]
    language: str


@dataclass(frozen=True)
class Splits:
    """The rows to train on, those cut from them to choose by, and the test rows."""

    train: list[Row]
    valid: list[Row]
    test: list[Row]


def read(path: Path) -> list[Row]:
    """The rows of a labelled JSONL file."""
    with path.open(encoding="utf-8") as handle:
        return [Row(**json.loads(line)) for line in handle]


def split(data: Path) -> Splits:
    """Cut 10% of the labelled rows for validation, in the same order on every machine."""
    rows, test = read(data / "train.jsonl"), read(data / "test.jsonl")
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(0)).tolist()
    cut = len(rows) // 10
    return Splits([rows[at] for at in order[cut:]], [rows[at] for at in order[:cut]], test)


def repair(tags: list[str]) -> list[str]:
    """Valid IOB2: an I- tag that continues nothing of its type becomes B-."""
    made: list[str] = []
    for tag in tags:
        goes_on = tag.startswith("I-") and made and made[-1] in (tag, "B-" + tag[2:])
        made.append(tag if tag == "O" or goes_on else "B-" + tag[2:])
    return made


def f1(rows: list[Row], guesses: Tags) -> float:
    """Entity-level micro F1 in percent: seqeval, strict IOB2; guesses are repaired first."""
    from seqeval.metrics import f1_score
    from seqeval.scheme import IOB2

    gold, repaired = [row.tags for row in rows], [repair(tags) for tags in guesses]
    return 100 * float(f1_score(gold, repaired, mode="strict", scheme=IOB2, zero_division=0))


def scores(splits: Splits, valid: Tags, test: Tags) -> dict[str, Any]:
    """Validation and test F1, and the test F1 of each language."""
    found: dict[str, Any] = {"validation": f1(splits.valid, valid), "test": f1(splits.test, test), "languages": {}}
    for language in sorted({row.language for row in splits.test}):
        at = [index for index, row in enumerate(splits.test) if row.language == language]
        found["languages"][language] = f1([splits.test[index] for index in at], [test[index] for index in at])
    return found


def most_frequent_tag(splits: Splits) -> dict[str, Any]:
    """Each word gets the tag it has most often in the training rows, unknown words get O."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row in splits.train:
        for token, tag in zip(row.tokens, row.tags, strict=True):
            counts[token][tag] += 1
    best = {token: found.most_common(1)[0][0] for token, found in counts.items()}

    def guess(rows: list[Row]) -> Tags:
        return [[best.get(token, "O") for token in row.tokens] for row in rows]

    return scores(splits, guess(splits.valid), guess(splits.test))


def shape(token: str) -> str:
    """Letters as X or x, digits as d, runs of three and more shortened to two."""
    marked = re.sub(r"[^\W\d_]", lambda match: "X" if match.group().isupper() else "x", token)
    return re.sub(r"(.)\1+", r"\1\1", re.sub(r"\d", "d", marked))


def features(row: Row) -> list[dict[str, float]]:
    """For each word: itself, its shape and first and last letters, the two words and shapes either side, language."""
    made = []
    for at, token in enumerate(row.tokens):
        low = token.lower()
        found = {f"word {low}": 1.0, f"shape {shape(token)}": 1.0, f"start {low[:3]}": 1.0, f"end {low[-3:]}": 1.0}
        found |= {f"language {row.language}": 1.0, "first": float(at == 0)}
        for step in (-2, -1, 1, 2):
            other = row.tokens[at + step] if 0 <= at + step < len(row.tokens) else ""
            found |= {f"{step} word {other.lower()}": 1.0, f"{step} shape {shape(other)}": 1.0}
        made.append(found)
    return made


def logistic_regression(splits: Splits) -> dict[str, Any]:
    """Logistic regression on word, shape and neighbours; C has the best validation F1."""
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.linear_model import LogisticRegression

    vectorizer = DictVectorizer()
    seen = vectorizer.fit_transform([found for row in splits.train for found in features(row)])
    tags = [tag for row in splits.train for tag in row.tags]

    def guess(model: Any, rows: list[Row]) -> Tags:
        flat = iter(model.predict(vectorizer.transform([found for row in rows for found in features(row)])))
        return [[str(next(flat)) for _ in row.tokens] for row in rows]

    models = [LogisticRegression(C=c, max_iter=500).fit(seen, tags) for c in (0.3, 1, 3, 10, 30)]
    best = max(models, key=lambda model: f1(splits.valid, guess(model, splits.valid)))
    return scores(splits, guess(best, splits.valid), guess(best, splits.test))


def batches(
    tokenizer: Any, rows: list[Row], labels: list[str], size: int, shuffle: torch.Generator | None = None
) -> list[dict[str, Tensor]]:
    """Padded batches with a label at the first piece of each word, shuffled when a generator is given."""
    order = torch.randperm(len(rows), generator=shuffle).tolist() if shuffle else list(range(len(rows)))
    made = []
    for at in range(0, len(order), size):
        part = [rows[index] for index in order[at : at + size]]
        coded = tokenizer(
            [row.tokens for row in part], is_split_into_words=True, padding=True, truncation=True, return_tensors="pt"
        )
        targets = torch.full(coded["input_ids"].shape, IGNORE)
        for index, row in enumerate(part):
            before = None
            for position, word in enumerate(coded.word_ids(index)):
                if word is not None and word != before:
                    targets[index, position] = labels.index(row.tags[word])
                before = word
        made.append({**coded, "labels": targets})
    return made


@torch.no_grad()
def predict(model: Any, tokenizer: Any, rows: list[Row], labels: list[str]) -> Tags:
    """The tags of all words of all rows; a word cut off by the length limit gets O."""
    model.eval()
    made: Tags = []
    for part in batches(tokenizer, rows, labels, 64):
        best = model(**{key: value for key, value in part.items() if key != "labels"}).logits.argmax(-1)
        for guess, target in zip(best, part["labels"], strict=True):
            made.append([labels[number] for number in guess[target != IGNORE].tolist()])
    return [tags + ["O"] * (len(row.tokens) - len(tags)) for row, tags in zip(rows, made, strict=True)]


def finetune(source: Any, tokenizer: Any, splits: Splits, seed: int) -> dict[str, Any]:
    """Finetune a checkpoint folder (or, for a config, random weights) as a tagger; the best validation epoch counts."""
    from transformers import AutoModelForTokenClassification

    labels = ["O", *(f"{mark}-{kind}" for kind in ("LOC", "ORG", "PER") for mark in "BI")]
    torch.manual_seed(seed)
    if isinstance(source, Path):
        model = AutoModelForTokenClassification.from_pretrained(source, num_labels=len(labels))
    else:
        source.num_labels = len(labels)
        model = AutoModelForTokenClassification.from_config(source)
    shuffle = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=LR, weight_decay=0.01)
    steps = EPOCHS * -(-len(splits.train) // BATCH)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / (0.1 * steps), 1 - step / steps)
    )
    best, best_valid, state = -1.0, [], {}
    for _ in range(EPOCHS):
        model.train()
        for part in batches(tokenizer, splits.train, labels, BATCH, shuffle):
            target = part.pop("labels")
            loss = cross_entropy(model(**part).logits.transpose(1, 2), target, ignore_index=IGNORE)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
        guesses = predict(model, tokenizer, splits.valid, labels)
        score = f1(splits.valid, guesses)
        if score >= best:
            best, best_valid = score, guesses
            state = {key: value.clone() for key, value in model.state_dict().items()}
    model.load_state_dict(state)
    return scores(splits, best_valid, predict(model, tokenizer, splits.test, labels))


def average(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """The means of several seeds' scores, with each seed's test F1 beside them."""
    return {
        "validation": mean(run["validation"] for run in runs),
        "test": mean(run["test"] for run in runs),
        "test_by_seed": [run["test"] for run in runs],
        "languages": {code: mean(run["languages"][code] for run in runs) for code in runs[0]["languages"]},
    }


def show(name: str, found: dict[str, Any]) -> None:
    """Print one line of the report."""
    languages = " ".join(f"{code} {score:.1f}" for code, score in found["languages"].items())
    print(f"{name}: validation {found['validation']:.1f} test {found['test']:.1f} ({languages})", flush=True)


def report(data: Path, teacher: Path, out: Path) -> None:
    """Measure everything, print it, and write it as JSON (F1 in percent, one decimal)."""
    from transformers import AutoConfig, AutoTokenizer

    splits, tokenizer = split(data), AutoTokenizer.from_pretrained(teacher)
    lengths = [
        len(ids)
        for rows in (splits.train, splits.valid, splits.test)
        for ids in tokenizer([row.tokens for row in rows], is_split_into_words=True)["input_ids"]
    ]
    found: dict[str, Any] = {"pieces": {"mean": round(mean(lengths), 1), "longest": max(lengths)}}
    print(f"pieces a note: mean {mean(lengths):.1f}, longest {max(lengths)}", flush=True)
    models: dict[str, dict[str, Any]] = {}
    for name, measured in (
        ("most frequent tag", lambda: most_frequent_tag(splits)),
        ("logistic regression", lambda: logistic_regression(splits)),
        (teacher.name, lambda: average([finetune(teacher, tokenizer, splits, seed) for seed in SEEDS])),
        (
            f"{teacher.name} without pre-training",
            lambda: average([finetune(AutoConfig.from_pretrained(teacher), tokenizer, splits, seed) for seed in SEEDS]),
        ),
    ):
        models[name] = measured()
        show(name, models[name])
    found["f1"] = models
    rounded = json.loads(json.dumps(found), parse_float=lambda text: round(float(text), 1))
    out.write_text(json.dumps(rounded, indent=2) + "\n", encoding="utf-8")
