"""Rebuild the bundled demo: data, tokenisers, teacher checkpoints, and the figures in the README.

Run from anywhere, in this order or all at once::

    python assets/demo/build.py --data --teachers --measure

Everything is seeded. ``--data`` takes a second, ``--teachers`` some minutes on a CPU, ``--measure`` about two.
"""

from __future__ import annotations

import argparse
import csv
import math
import random
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import grammar  # noqa: E402  (the folder is not a package)

DATA = HERE / "data"
TEACHERS = HERE / "teachers"
CONVERSATIONS = 48_000
BATCH = 64
MAX_LENGTH = 80


@dataclass(frozen=True)
class Recipe:
    """How one teacher is made."""

    name: str
    kind: str
    vocab: int
    layers: int
    width: int
    heads: int
    seed: int
    epochs: float
    lr: float


RECIPES = (
    Recipe("support-bert", "bert", vocab=1600, layers=4, width=128, heads=4, seed=11, epochs=2.6, lr=1.2e-3),
    Recipe("support-roberta", "roberta", vocab=1200, layers=3, width=160, heads=5, seed=12, epochs=2.6, lr=1.2e-3),
)


def write_data(folder: Path = DATA) -> None:
    """Write train.csv, transfer.csv and test.csv."""
    folder.mkdir(parents=True, exist_ok=True)
    for part, rows in grammar.dataset().items():
        with (folder / f"{part}.csv").open("w", encoding="utf-8", newline="") as handle:
            writer = csv.writer(handle, lineterminator="\n")
            if part == "transfer":
                writer.writerow(["text"])
                writer.writerows([text] for text, _ in rows)
            else:
                writer.writerow(["text", "label"])
                writer.writerows(rows)
        print(f"{part}: {len(rows)} rows")


def train_wordpiece(core: Any, special: list[str], size: int, texts: list[str]) -> dict[str, int]:
    """Learn a WordPiece vocabulary with the normaliser and splitter of ``core``.

    The trainer numbers the "##x" characters in the order of a hash map, and ties between merges go by number, so
    that each run would give another vocabulary. Handing in all characters as special tokens fixes their numbers.
    """
    from tokenizers import Tokenizer, models, trainers

    letters = sorted({char for text in texts for char in core.normalizer.normalize_str(text)} - {" "})
    fixed = special + letters + [f"##{char}" for char in letters]
    scratch = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    scratch.normalizer, scratch.pre_tokenizer = core.normalizer, core.pre_tokenizer
    trainer = trainers.WordPieceTrainer(vocab_size=size, special_tokens=fixed, show_progress=False)
    scratch.train_from_iterator(texts, trainer)
    return scratch.get_vocab()


def train_tokenizer(recipe: Recipe, texts: list[str]) -> Any:
    """Train a lower-casing WordPiece (BERT) or a cased byte-level BPE (RoBERTa) and wrap it for transformers."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    if recipe.kind == "bert":
        special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        core = Tokenizer(models.WordPiece(unk_token="[UNK]"))
        core.normalizer = normalizers.BertNormalizer(lowercase=True)
        core.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        core.decoder = decoders.WordPiece()
        vocab = train_wordpiece(core, special, recipe.vocab, texts)
        core.model = models.WordPiece(vocab, unk_token="[UNK]")
        core.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
        pad, unk, cls, sep, mask = special
        names = ["input_ids", "token_type_ids", "attention_mask"]
    else:
        special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
        core = Tokenizer(models.BPE())
        core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
        core.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=recipe.vocab,
            special_tokens=special,
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        )
        core.train_from_iterator(texts, trainer)
        core.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=True)
        cls, pad, sep, unk, mask = special
        names = ["input_ids", "attention_mask"]
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        pad_token=pad,
        unk_token=unk,
        cls_token=cls,
        sep_token=sep,
        mask_token=mask,
        bos_token=cls if recipe.kind == "roberta" else None,
        eos_token=sep if recipe.kind == "roberta" else None,
        model_max_length=MAX_LENGTH,
        model_input_names=names,
    )


def new_model(recipe: Recipe, tokenizer: Any) -> Any:
    """A masked language model with random weights."""
    import torch
    from transformers import BertConfig, BertForMaskedLM, RobertaConfig, RobertaForMaskedLM

    torch.manual_seed(recipe.seed)
    shape = {
        "vocab_size": len(tokenizer),
        "hidden_size": recipe.width,
        "num_hidden_layers": recipe.layers,
        "num_attention_heads": recipe.heads,
        "intermediate_size": 4 * recipe.width,
        "pad_token_id": tokenizer.pad_token_id,
        "initializer_range": 0.05,  # narrow layers start too small with the usual 0.02
    }
    if recipe.kind == "bert":
        return BertForMaskedLM(BertConfig(max_position_embeddings=MAX_LENGTH, **shape))
    # RoBERTa counts positions from the padding id on.
    shape.update(bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id, type_vocab_size=1)
    return RobertaForMaskedLM(RobertaConfig(max_position_embeddings=MAX_LENGTH + tokenizer.pad_token_id + 1, **shape))


def encode_pairs(tokenizer: Any, pairs: list[tuple[str, str]]) -> list[tuple[list[int], list[int]]]:
    """Token ids of the messages (with special tokens) and of their answers (without)."""
    asked = tokenizer([text for text, _ in pairs], truncation=True, max_length=MAX_LENGTH)["input_ids"]
    replies = tokenizer([text for _, text in pairs], add_special_tokens=False)["input_ids"]
    return list(zip(asked, replies, strict=True))


def losses(model: Any, batch: list[tuple[list[int], list[int]]], tokenizer: Any, gen: Any) -> tuple[Any, Any]:
    """The two losses of a batch: masked words of the message, and words of the answer.

    The answer's words are predicted, as a bag, from the state of the first token, through the same head. Only the
    message as a whole tells what the answer is about, so this trains the state that a classifier reads later.
    """
    import torch
    from torch.nn.functional import cross_entropy

    width = max(len(ids) for ids, _ in batch)
    ids = torch.tensor([row + [tokenizer.pad_token_id] * (width - len(row)) for row, _ in batch])
    special = torch.tensor([tokenizer.pad_token_id, tokenizer.cls_token_id, tokenizer.sep_token_id])
    chosen = (torch.rand(ids.shape, generator=gen) < 0.12) & ~torch.isin(ids, special)
    hide = chosen & (torch.rand(ids.shape, generator=gen) < 0.8)
    encoder, head = (model.bert, model.cls) if hasattr(model, "bert") else (model.roberta, model.lm_head)
    hidden = encoder(
        input_ids=ids.masked_fill(hide, tokenizer.mask_token_id),
        attention_mask=(ids != tokenizer.pad_token_id).long(),
    ).last_hidden_state
    owner = torch.tensor([at for at, (_, reply) in enumerate(batch) for _ in reply])
    words = torch.tensor([token for _, reply in batch for token in reply])
    return cross_entropy(head(hidden[chosen]), ids[chosen]), cross_entropy(head(hidden[:, 0])[owner], words)


def pretrain(recipe: Recipe, pairs: list[tuple[str, str]]) -> None:
    """Train one tokeniser and masked language model and save both."""
    import torch

    began = time.time()
    tokenizer = train_tokenizer(recipe, [text for pair in pairs[:12_000] for text in pair])
    model = new_model(recipe, tokenizer)
    model.eval()  # no dropout: a few passes over the text are too few to learn it by heart
    rows = encode_pairs(tokenizer, pairs)
    rng = random.Random(recipe.seed)
    gen = torch.Generator().manual_seed(recipe.seed)
    steps = int(recipe.epochs * len(rows) / BATCH)
    optimizer = torch.optim.AdamW(model.parameters(), lr=recipe.lr, weight_decay=0.01, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / (0.06 * steps), 0.5 + 0.5 * math.cos(math.pi * step / steps))
    )
    queue: list[list[tuple[list[int], list[int]]]] = []
    running = [0.0, 0.0]
    for step in range(steps):
        queue = queue or length_batches(rows, rng)
        masked, answer = losses(model, queue.pop(), tokenizer, gen)
        optimizer.zero_grad()
        (masked + 2 * answer).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        running = [running[0] + masked.item() / 100, running[1] + answer.item() / 100]
        if step % 100 == 99:
            spent = time.time() - began
            figures = f"words {running[0]:.3f} answers {running[1]:.3f} {spent:.0f}s"
            print(f"{recipe.name}: {step + 1}/{steps} {figures}", flush=True)
            running = [0.0, 0.0]
    folder = TEACHERS / recipe.name
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    size = (folder / "model.safetensors").stat().st_size / 1e6
    print(f"{recipe.name}: {size:.2f} MB, vocabulary {len(tokenizer)}, {time.time() - began:.0f}s")


def length_batches(rows: list[Any], rng: random.Random) -> list[list[Any]]:
    """Shuffled batches of rows of about the same length, which saves most of the padding."""
    order = sorted(rows, key=lambda row: (len(row[0]), rng.random()))
    batches = [order[at : at + BATCH] for at in range(0, len(order), BATCH)]
    rng.shuffle(batches)
    return batches


def main() -> None:
    """Parse the command line and run the chosen parts."""
    parser = argparse.ArgumentParser(description="Rebuild the bundled demo.")
    parser.add_argument("--data", action="store_true", help="write data/*.csv")
    parser.add_argument("--teachers", action="store_true", help="train tokenisers and checkpoints")
    parser.add_argument("--measure", action="store_true", help="finetune, compare, print the README's figures")
    parser.add_argument("--only", choices=[recipe.name for recipe in RECIPES], help="one teacher only")
    parser.add_argument("--threads", type=int, default=1, help="another number rounds differently (default: 1)")
    args = parser.parse_args()
    if not (args.data or args.teachers or args.measure):
        parser.error("choose at least one of --data, --teachers, --measure")
    if args.data:
        write_data()
    if args.teachers or args.measure:
        import torch

        torch.set_num_threads(args.threads)
    chosen = [recipe for recipe in RECIPES if args.only in (None, recipe.name)]
    if args.teachers:
        pairs = grammar.conversations(CONVERSATIONS)
        for recipe in chosen:
            pretrain(recipe, pairs)
    if args.measure:
        import measure

        measure.report(DATA, [TEACHERS / recipe.name for recipe in chosen])


if __name__ == "__main__":
    main()
