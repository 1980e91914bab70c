"""Figures of the demo's README: finetuned teachers, bag-of-words baseline, and a small student on its own."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grammar
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

EPOCHS = 4
BATCH = 16
LR = 4e-4
LENGTH = 48
Rows = list[tuple[str, int]]


def read(path: Path) -> Rows:
    """(text, label number) rows of a labelled CSV file."""
    with path.open(encoding="utf-8", newline="") as handle:
        return [(row["text"], grammar.INTENTS.index(row["label"])) for row in csv.DictReader(handle)]


def batches(tokenizer: Any, rows: Rows, size: int, shuffle: torch.Generator | None = None) -> list[dict[str, Tensor]]:
    """Padded batches, shuffled when a generator is given."""
    order = torch.randperm(len(rows), generator=shuffle).tolist() if shuffle else list(range(len(rows)))
    made = []
    for at in range(0, len(order), size):
        part = [rows[index] for index in order[at : at + size]]
        texts = [text for text, _ in part]
        coded = tokenizer(texts, padding=True, truncation=True, max_length=LENGTH, return_tensors="pt")
        made.append({**coded, "labels": torch.tensor([label for _, label in part])})
    return made


@torch.no_grad()
def accuracy(model: nn.Module, logits: Callable[[dict[str, Tensor]], Tensor], parts: list[dict[str, Tensor]]) -> float:
    """Share of right answers."""
    model.eval()
    right = sum(int((logits(part).argmax(-1) == part["labels"]).sum()) for part in parts)
    return right / sum(len(part["labels"]) for part in parts)


def fit(
    model: nn.Module,
    logits: Callable[[dict[str, Tensor]], Tensor],
    tokenizer: Any,
    splits: tuple[Rows, Rows, Rows],
    *,
    epochs: int,
    batch: int,
    lr: float,
    seed: int,
) -> tuple[float, float, float]:
    """Plain training loop; (validation accuracy, test accuracy at the best validation epoch, seconds per epoch)."""
    train, valid, test = splits
    gen = torch.Generator().manual_seed(seed)
    valid_parts, test_parts = (batches(tokenizer, rows, 64) for rows in (valid, test))
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.01)
    steps = epochs * -(-len(train) // batch)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / (0.1 * steps), 1 - step / steps)
    )
    best_valid, best_state, spent = -1.0, {}, 0.0
    for _ in range(epochs):
        began = time.time()
        model.train()
        for part in batches(tokenizer, train, batch, gen):
            loss = cross_entropy(logits(part), part["labels"])
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
        spent += time.time() - began
        score = accuracy(model, logits, valid_parts)
        if score >= best_valid:
            best_valid, best_state = score, {k: v.clone() for k, v in model.state_dict().items()}
    model.load_state_dict(best_state)
    return best_valid, accuracy(model, logits, test_parts), spent / epochs


def finetune(folder: Path, splits: tuple[Rows, Rows, Rows], seed: int = 0) -> tuple[float, float, float]:
    """Finetune one teacher checkpoint as a classifier."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    torch.manual_seed(seed)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=len(grammar.INTENTS))

    def logits(part: dict[str, Tensor]) -> Tensor:
        return model(**{key: value for key, value in part.items() if key != "labels"}).logits

    return fit(model, logits, tokenizer, splits, epochs=EPOCHS, batch=BATCH, lr=LR, seed=seed)


class Student(nn.Module):
    """A BiLSTM with max pooling, about 110,000 parameters."""

    def __init__(self, vocab: int, labels: int, embed: int = 40, hidden: int = 56) -> None:
        super().__init__()
        self.embed = nn.Embedding(vocab, embed, padding_idx=0)
        self.lstm = nn.LSTM(embed, hidden, batch_first=True, bidirectional=True)
        self.drop = nn.Dropout(0.2)
        self.out = nn.Linear(2 * hidden, labels)

    def forward(self, part: dict[str, Tensor]) -> Tensor:
        """Logits of a batch."""
        seen = part["attention_mask"].bool().unsqueeze(-1)
        states, _ = self.lstm(self.drop(self.embed(part["input_ids"])))
        return self.out(self.drop(states.masked_fill(~seen, -1e4).amax(1)))


def student_alone(folder: Path, splits: tuple[Rows, Rows, Rows], seed: int = 0) -> tuple[float, float, float]:
    """Train the student on the labelled rows alone, without any teacher."""
    from transformers import AutoTokenizer

    torch.manual_seed(seed)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = Student(len(tokenizer), len(grammar.INTENTS))
    return fit(model, model, tokenizer, splits, epochs=15, batch=16, lr=3e-3, seed=seed)


def bag_of_words(splits: tuple[Rows, Rows, Rows]) -> tuple[float, float]:
    """TF-IDF of words and word pairs with logistic regression; C has the best validation accuracy."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    (train, train_y), (valid, valid_y), (test, test_y) = (tuple(zip(*rows, strict=True)) for rows in splits)
    vectorizer = TfidfVectorizer(ngram_range=(1, 2)).fit(train)
    strengths = (0.3, 1, 3, 10, 30, 100)
    models = [LogisticRegression(C=c, max_iter=1000).fit(vectorizer.transform(train), train_y) for c in strengths]
    best = max(models, key=lambda model: model.score(vectorizer.transform(valid), valid_y))
    return best.score(vectorizer.transform(valid), valid_y), best.score(vectorizer.transform(test), test_y)


def show(name: str, figures: tuple[float, float, float]) -> None:
    """Print one line of the report."""
    valid_score, test_score, seconds = figures
    print(f"{name}: validation {valid_score:.3f} test {test_score:.3f} ({seconds:.1f} s an epoch)", flush=True)


def report(data: Path, folders: list[Path]) -> None:
    """Print all figures."""
    from transformers import AutoTokenizer

    rows, test = read(data / "train.csv"), read(data / "test.csv")
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(0)).tolist()
    cut = len(rows) // 10
    splits = ([rows[i] for i in order[cut:]], [rows[i] for i in order[:cut]], test)
    for folder in folders:
        lengths = [len(ids) for ids in AutoTokenizer.from_pretrained(folder)([t for t, _ in rows + test])["input_ids"]]
        print(f"{folder.name}: tokens per message mean {sum(lengths) / len(lengths):.1f}, longest {max(lengths)}")
    valid_score, test_score = bag_of_words(splits)
    print(f"bag of words: validation {valid_score:.3f} test {test_score:.3f}", flush=True)
    for folder in folders:
        show(folder.name, finetune(folder, splits))
    show("student alone", student_alone(folders[0], splits))
