"""The other sides of speed.py: TextBrewer, and a subclass of Hugging Face's Trainer. The teacher is asked at each step.

Both get the fused AdamW, the same clipping, schedule, dropout, batch size and objective as ours.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader
from transformers import (
    BertForMaskedLM,
    BertForSequenceClassification,
    BertForTokenClassification,
    Trainer,
    TrainingArguments,
    get_linear_schedule_with_warmup,
)

from benchmarks.speed_work import (
    BATCH,
    HARD,
    HIDDEN,
    LEARNING_RATE,
    SOFT,
    STUDENT,
    TEACHER,
    TEMPERATURE,
    Material,
    Work,
    config,
)

KINDS = {
    "classification": BertForSequenceClassification,
    "tagging": BertForTokenClassification,
    "masked_lm": BertForMaskedLM,
}


def run(peer: str, work: Work, given: Material, folder: Path, *, padded: bool) -> dict[str, float]:
    """CPU seconds of training."""
    torch.manual_seed(0)
    kind: Any = KINDS[work.task]
    teachers = [kind(config(TEACHER, given.classes)).eval() for _ in range(work.teachers)]
    return taught(peer, work, given, (teachers, kind(config(STUDENT, given.classes))), folder, padded=padded)


def taught(
    peer: str,
    work: Work,
    given: Material,
    models: tuple[list[Any], Any],
    folder: Path,
    *,
    padded: bool = False,
    seed: int = 1,
) -> dict[str, float]:
    """CPU seconds of training the student, in place. models: (teachers, student)."""
    teachers, student = models
    rows = given.rows()
    rows = rows[: len(rows) // given.copies]  # another masking in each epoch would cost it the same

    def collate(some: list[dict[str, Any]]) -> dict[str, Tensor]:
        width = work.padded if padded else max(len(row["input_ids"]) for row in some)
        ids = torch.full((len(some), width), given.encoded.pad_id)
        mask = torch.zeros((len(some), width), dtype=torch.long)
        for place, row in enumerate(some):
            ids[place, : len(row["input_ids"])] = torch.tensor(row["input_ids"])
            mask[place, : len(row["input_ids"])] = 1
        if work.task == "classification":
            return {"input_ids": ids, "attention_mask": mask, "labels": torch.tensor([row["labels"] for row in some])}
        labels = torch.full((len(some), width), -100)
        for place, row in enumerate(some):
            labels[place, : len(row["labels"])] = torch.tensor(row["labels"])
        return {"input_ids": ids, "attention_mask": mask, "labels": labels}

    began = time.process_time()
    torch.manual_seed(seed)
    (_textbrewer if peer == "textbrewer" else _trainer)(work, teachers, student, rows, collate, folder, seed)
    return {"trained": time.process_time() - began}


def _textbrewer(
    work: Work, teachers: list[Any], student: Any, rows: Any, collate: Any, folder: Path, seed: int
) -> None:
    from textbrewer import DistillationConfig, GeneralDistiller, MultiTeacherDistiller, TrainingConfig

    kind = MultiTeacherDistiller if work.teachers > 1 else GeneralDistiller
    distiller = kind(
        train_config=TrainingConfig(output_dir=str(folder), log_dir=str(folder / "log"), device="cpu"),
        distill_config=DistillationConfig(
            temperature=TEMPERATURE, hard_label_weight=HARD, kd_loss_type="ce", kd_loss_weight=SOFT
        ),
        model_T=teachers if work.teachers > 1 else teachers[0],
        model_S=student,
        adaptor_T=lambda batch, said: {"logits": said.logits},
        adaptor_S=lambda batch, said: {"logits": said.logits, "losses": said.loss},
    )
    steps = work.epochs * -(-len(rows) // BATCH)
    loader = DataLoader(rows, batch_size=BATCH, shuffle=True, collate_fn=collate)
    optimizer = torch.optim.AdamW(student.parameters(), lr=LEARNING_RATE, fused=True)
    with distiller:
        distiller.train(
            optimizer, loader, num_epochs=work.epochs, max_grad_norm=1.0,
            scheduler_class=get_linear_schedule_with_warmup,
            scheduler_args={"num_warmup_steps": steps // 10, "num_training_steps": steps},
        )  # fmt: skip


class _Distiller(Trainer):
    """As its documentation tells to change the loss."""

    teachers: list[Any]
    maps: nn.ModuleList | None = None

    def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, **rest: Any) -> Any:
        hidden = self.maps is not None
        said = model(**inputs, output_hidden_states=hidden)
        asked = {name: value for name, value in inputs.items() if name != "labels"}
        loss = HARD * said.loss
        for number, teacher in enumerate(self.teachers):
            with torch.no_grad():
                told = teacher(**asked, output_hidden_states=hidden)
            units = (inputs["labels"] >= 0) if said.logits.ndim == 3 else slice(None)
            ours = functional.log_softmax(said.logits[units] / TEMPERATURE, dim=-1)
            theirs = functional.softmax(told.logits[units] / TEMPERATURE, dim=-1)
            part = functional.kl_div(ours, theirs, reduction="batchmean") * TEMPERATURE**2
            loss = loss + SOFT / len(self.teachers) * part
            if self.maps is not None:
                mask = inputs["attention_mask"].unsqueeze(-1)
                apart = (self.maps[number](said.hidden_states[-1]) - told.hidden_states[-1]) * mask
                each = apart.square().mean(dim=-1).sum(dim=1) / mask.sum(dim=(1, 2))
                loss = loss + HIDDEN * each.mean()
        return (loss, said) if return_outputs else loss


def _trainer(work: Work, teachers: list[Any], student: Any, rows: Any, collate: Any, folder: Path, seed: int) -> None:
    if work.hidden:
        # Maps are trained along: the Trainer optimises what the model holds.
        student.maps = nn.ModuleList(nn.Linear(STUDENT[1], TEACHER[1]) for _ in teachers)
    made = _Distiller(
        model=student,
        args=TrainingArguments(
            output_dir=str(folder), per_device_train_batch_size=BATCH, num_train_epochs=work.epochs,
            learning_rate=LEARNING_RATE, weight_decay=0.01, warmup_steps=0.1, max_grad_norm=1.0, use_cpu=True,
            optim="adamw_torch_fused", save_strategy="no", report_to="none", disable_tqdm=True, seed=seed,
            remove_unused_columns=False, logging_steps=50,
        ),
        train_dataset=rows,
        data_collator=collate,
    )  # fmt: skip
    made.teachers, made.maps = teachers, getattr(student, "maps", None)
    made.train()
