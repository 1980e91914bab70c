"""Rebuild the bundled tagging set: data, tokeniser, teacher checkpoint, and the figures in the README.

Run from anywhere, all at once or part by part::

    python assets/tagging/build.py
    python assets/tagging/build.py --data --teacher --measure

Everything is seeded. ``--data`` takes seconds, ``--teacher`` and ``--measure`` some minutes on a CPU.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import grammar  # noqa: E402  (the folder is not a package)

DATA = HERE / "data"
TEACHER = HERE / "teachers" / "office-bert"
NOTES = 200_000
BATCH = 32
MAX_LENGTH = 128
SEED = 21
LR = 1e-3
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
Handled = list[tuple[grammar.Note, list[tuple[int, str]]]]


@dataclass(frozen=True)
class Row:
    """One encoded note: its pieces with special tokens, and (position, piece) pairs of the marks to predict."""

    ids: list[int]
    marks: list[tuple[int, int]]


def write_data(folder: Path = DATA) -> None:
    """Write train.jsonl, transfer.jsonl and test.jsonl."""
    folder.mkdir(parents=True, exist_ok=True)
    for part, rows in grammar.dataset().items():
        with (folder / f"{part}.jsonl").open("w", encoding="utf-8", newline="\n") as handle:
            for record in grammar.records(part, rows):
                handle.write(json.dumps(record, ensure_ascii=False) + "\n")
        print(f"{part}: {len(rows)} rows")


def vocabulary_text(handled: Handled) -> list[str]:
    """What the tokeniser learns from: the words outside names and the marks, and the names of every 20th note.

    Names that are seen often would become pieces of their own, and names of the test side, which cannot, would look
    unlike them. With few names in this text most names of either side are several pieces.
    """
    text = []
    for index, (note, line) in enumerate(handled):
        pairs = zip(note.tokens, note.tags, strict=True)
        kept = [token for token, tag in pairs if tag == "O" or index % 20 == 0]
        text.append(" ".join(kept + [mark for _, mark in line]))
    return text


def train_tokenizer(texts: list[str], size: int = 2400) -> Any:
    """Train a cased WordPiece and wrap it for transformers.

    The trainer numbers the "##x" characters in the order of a hash map, and ties between merges go by number, so
    that each run would give another vocabulary. Handing in all characters as special tokens fixes their numbers.
    """
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    core.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=False)
    core.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    letters = sorted({char for text in texts for char in text} - {" "})
    fixed = [*SPECIAL, *letters, *(f"##{char}" for char in letters)]
    trainer = trainers.WordPieceTrainer(vocab_size=size, special_tokens=fixed, show_progress=False)
    core.train_from_iterator(texts, trainer)
    # A new model, without the characters as special tokens, that knows the vocabulary.
    final = Tokenizer(models.WordPiece(core.get_vocab(), unk_token="[UNK]"))
    final.normalizer, final.pre_tokenizer = core.normalizer, core.pre_tokenizer
    final.decoder = decoders.WordPiece()
    final.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    pad, unk, cls, sep, mask = SPECIAL
    return PreTrainedTokenizerFast(
        tokenizer_object=final,
        pad_token=pad,
        unk_token=unk,
        cls_token=cls,
        sep_token=sep,
        mask_token=mask,
        model_max_length=MAX_LENGTH,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )


def new_model(vocabulary: int) -> Any:
    """A masked language model with random weights: BERT, 4 layers of width 128."""
    import torch
    from transformers import BertConfig, BertForMaskedLM

    torch.manual_seed(SEED)
    config = BertConfig(
        vocab_size=vocabulary,
        hidden_size=128,
        num_hidden_layers=4,
        num_attention_heads=4,
        intermediate_size=512,
        max_position_embeddings=MAX_LENGTH,
        initializer_range=0.05,  # narrow layers start too small with the usual 0.02
        pad_token_id=0,
    )
    return BertForMaskedLM(config)


def encode(tokenizer: Any, handled: Handled) -> list[Row]:
    """Pieces of every note, and where and what to predict of its handling line."""
    coded = tokenizer(
        [list(note.tokens) for note, _ in handled], is_split_into_words=True, truncation=True, max_length=MAX_LENGTH
    )
    marks = sorted({mark for _, line in handled for _, mark in line})
    pieces = dict(zip(marks, tokenizer(marks, add_special_tokens=False)["input_ids"], strict=True))
    rows = []
    for index, (_, line) in enumerate(handled):
        first: dict[int, int] = {}
        for position, word in enumerate(coded.word_ids(index)):
            if word is not None:
                first.setdefault(word, position)
        wanted = [(first[word], piece) for word, mark in line if word in first for piece in pieces[mark]]
        rows.append(Row(coded["input_ids"][index], wanted))
    return rows


def losses(model: Any, batch: list[Row], gen: Any) -> tuple[Any, Any]:
    """The two losses of a batch: masked pieces of the notes, and marks of the handling lines.

    A mark (see ``grammar.handled``) is predicted from the state of its word's first piece, through the same head. One
    in eight pieces is to be predicted and most of these are masked, those of names too, so that the words around a
    name have to tell what it is.
    """
    import torch
    from torch.nn.functional import cross_entropy

    width = max(len(row.ids) for row in batch)
    ids = torch.tensor([row.ids + [0] * (width - len(row.ids)) for row in batch])
    chosen = (torch.rand(ids.shape, generator=gen) < 0.125) & (ids >= len(SPECIAL))
    hide = chosen & (torch.rand(ids.shape, generator=gen) < 0.85)
    hidden = model.bert(
        input_ids=ids.masked_fill(hide, SPECIAL.index("[MASK]")), attention_mask=(ids != 0).long()
    ).last_hidden_state
    masked = cross_entropy(model.cls(hidden[chosen]), ids[chosen])
    wanted = [(at, position, piece) for at, row in enumerate(batch) for position, piece in row.marks]
    if not wanted:  # short notes, none of them with a name
        return masked, masked.new_zeros(())
    owner, position, piece = torch.tensor(wanted).unbind(1)
    return masked, cross_entropy(model.cls(hidden[owner, position]), piece)


def length_batches(rows: list[Row], rng: random.Random) -> list[list[Row]]:
    """Shuffled batches of rows of about the same length, which saves most of the padding."""
    order = sorted(rows, key=lambda row: (len(row.ids), rng.random()))
    batches = [order[at : at + BATCH] for at in range(0, len(order), BATCH)]
    rng.shuffle(batches)
    return batches


def pretrain(folder: Path = TEACHER) -> None:
    """Train the tokeniser and the masked language model, one pass over the text, and save both."""
    import torch

    began = time.process_time()
    handled = grammar.handled(NOTES)
    tokenizer = train_tokenizer(vocabulary_text(handled[:24_000]))
    model = new_model(len(tokenizer))
    model.eval()  # no dropout: no note comes twice
    rows = encode(tokenizer, handled)
    gen = torch.Generator().manual_seed(SEED)
    queue = length_batches(rows, random.Random(SEED))
    steps = len(queue)
    optimizer = torch.optim.AdamW(model.parameters(), lr=LR, weight_decay=0.01, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / (0.06 * steps), 0.5 + 0.5 * math.cos(math.pi * step / steps))
    )
    running: Counter[str] = Counter()
    for step, batch in enumerate(queue):
        masked, marks = losses(model, batch, gen)
        optimizer.zero_grad()
        (masked + 2 * marks).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        running.update({"words": masked.item() / 250, "marks": marks.item() / 250})
        if step % 250 == 249:
            figures = " ".join(f"{name} {value:.3f}" for name, value in running.items())
            print(f"{step + 1}/{steps} {figures} {time.process_time() - began:.0f} s of processor time", flush=True)
            running.clear()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    size = (folder / "model.safetensors").stat().st_size / 1e6
    print(f"{folder.name}: {size:.2f} MB, {len(tokenizer)} pieces, {time.process_time() - began:.0f} s")


def main() -> None:
    """Parse the command line and run the chosen parts; without any, all of them."""
    parser = argparse.ArgumentParser(description="Rebuild the bundled tagging set.")
    parser.add_argument("--data", action="store_true", help="write data/*.jsonl")
    parser.add_argument("--teacher", action="store_true", help="train the tokeniser and the checkpoint")
    parser.add_argument("--measure", action="store_true", help="finetune, compare, write measurements.json")
    parser.add_argument("--threads", type=int, default=1, help="another number rounds differently (default: 1)")
    args = parser.parse_args()
    every = not (args.data or args.teacher or args.measure)
    if args.data or every:
        write_data()
    if args.teacher or args.measure or every:
        import torch

        torch.set_num_threads(args.threads)
    if args.teacher or every:
        pretrain()
    if args.measure or every:
        import measure

        measure.report(DATA, TEACHER, HERE / "measurements.json")


if __name__ == "__main__":
    main()
