"""The lines of Python that load an export without this project, as its README gives them. No torch."""

from __future__ import annotations

import json
from dataclasses import dataclass

_TEXTS = {
    "example": "a text to classify",
    "word": "Ada Lovelace lived in London.",
    "piece": "a text with a {mask} in it",
}

# ---------------------------------------------------------------- transformers

_TRANSFORMERS = """import torch
from transformers import {auto}, AutoTokenizer

tokenizer, model = AutoTokenizer.from_pretrained("."), {auto}.from_pretrained(".")
texts = [{text}]{pairs}
found = tokenizer(texts, padding=True, truncation=True, max_length={max_tokens}, return_tensors="pt")
with torch.inference_mode():
    logits = model(**found).logits{pick}
{answer}
"""
_TRANSFORMERS_ANSWER = {
    "example": "print([model.config.id2label[number] for number in logits.argmax(-1).tolist()])",
    "word": """for row, pieces in zip(logits.argmax(-1).tolist(), found["input_ids"].tolist()):
    tags = [model.config.id2label[number] for number in row]
    print(list(zip(tokenizer.convert_ids_to_tokens(pieces), tags)))""",
    "piece": """for row, pieces in zip(logits.argmax(-1), found["input_ids"]):
    print(tokenizer.convert_ids_to_tokens(row[pieces == tokenizer.mask_token_id].tolist()))""",
}

# ---------------------------------------------------------------- ONNX Runtime

_ONNX = """{first}import numpy as np
import onnxruntime
from tokenizers import Tokenizer

tokenizer, session = Tokenizer.from_file("tokenizer.json"), onnxruntime.InferenceSession("model.onnx")
texts = [{text}]{pairs}
found = tokenizer.encode_batch(texts)
inputs = {{
{feed}
}}
logits = session.run(None, inputs)[0]
{answer}
"""
_FEED = {
    "input_ids": '"input_ids": np.array([one.ids for one in found])',
    "attention_mask": '"attention_mask": np.array([one.attention_mask for one in found])',
    "token_type_ids": '"token_type_ids": np.array([one.type_ids for one in found])',
}
_ONNX_ANSWER = {
    "example": """labels = json.load(open("labels.json", encoding="utf-8"))
print([labels[number] for number in logits.argmax(-1)])""",
    "word": """labels = json.load(open("labels.json", encoding="utf-8"))
for row, one in zip(logits.argmax(-1), found):
    print([(piece, labels[number]) for piece, number in zip(one.tokens, row)])""",
    "piece": """mask = tokenizer.token_to_id({mask})
for row, one in zip(logits.argmax(-1), found):
    print([tokenizer.id_to_token(number) for number in row[np.array(one.ids) == mask]])""",
}

_OWN = {
    "example": "print(student.predict([{text}]))",
    "word": "print(student.tag([{text}]))",
    "piece": "print(student.fill([{text}]))",
}
_STILLROOM = """from distill_core.predict import StudentPredictor

student = StudentPredictor.load(".")
{answer}
"""


@dataclass(frozen=True)
class Use:
    """How an export is loaded.

    library: "transformers", "onnx", or "stillroom" where only this project holds such a model. unit: what gets one
    prediction. inputs: of the graph. mask: the tokeniser's mask piece, where it has one. pairs: are rows pairs of
    texts? temperature: what logits are divided by before they become probabilities.
    """

    library: str
    unit: str
    max_tokens: int
    inputs: tuple[str, ...] = ()
    mask: str = "[MASK]"
    pairs: bool = False
    temperature: float = 1.0


def use_lines(use: Use) -> str:
    """Python that answers for a list `texts`, run inside the folder. In it `logits` are [B, C], or [B, T, C] for words
    and hidden pieces: one row a piece."""
    text = _TEXTS[use.unit].format(mask=use.mask)
    if use.library == "stillroom":
        return _STILLROOM.format(answer=_OWN[use.unit].format(text=_quoted(text)))
    text, pairs = _quoted(text), ""
    if use.pairs:
        text, pairs = f'({text}, "a second text")', "  # each a pair"
    if use.library == "transformers":
        return _TRANSFORMERS.format(
            auto="AutoModelForMaskedLM" if use.unit == "piece" else "AutoModelForTokenClassification",
            text=text,
            pairs=pairs,
            max_tokens=use.max_tokens,
            pick="[:, 0]" if use.unit == "example" else "",
            answer=_TRANSFORMERS_ANSWER[use.unit],
        )
    return _ONNX.format(
        text=text,
        pairs=pairs,
        feed="\n".join(f"    {_FEED[name]}," for name in use.inputs),
        answer=_ONNX_ANSWER[use.unit].format(mask=_quoted(use.mask)),
        first="" if use.unit == "piece" else "import json\n",
    )


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def use_words(use: Use) -> str:
    """What the lines need, and what is to be known of them."""
    if use.library == "stillroom":
        return (
            "No class of `transformers` computes this model exactly, so this folder needs Stillroom "
            "(on the import path). The ONNX export of the same student needs onnxruntime and tokenizers alone."
        )
    if use.library == "onnx":
        needs = "Inside this folder, with `onnxruntime`, `tokenizers` and `numpy` installed:"
    else:
        needs = "Inside this folder, with `torch` and `transformers` installed:"
        if use.unit == "example":
            needs += (
                " the student classifies by a plain linear layer on the first token, which the token classifier of "
                "its kind computes exactly (sequence classifiers have a layer more)."
            )
    if use.temperature != 1:
        needs = f"Probabilities are the softmax of logits / {use.temperature:.4g}, as fitted on validation. {needs}"
    return needs
