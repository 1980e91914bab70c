"""Exports read back from their files and asked like a student: batch in, outputs out."""

from __future__ import annotations

from pathlib import Path

import onnxruntime
import torch
from torch import nn
from transformers import AutoModelForMaskedLM, AutoModelForTokenClassification

from distill_core.export.graph import INPUTS, LOGITS
from distill_core.models.encoders import model_inputs, quiet
from distill_core.models.types import Batch, Outputs
from distill_core.models.words import first_piece_states


class OnnxModel:
    """A graph of `export.graph` on the CPU.

    Args:
        path: of the .onnx file.
        unit: what the student predicts for; where words or hidden pieces are asked for, those of the batch are picked
            out of the graph's rows.
        threads: CPU threads of the session.
    """

    def __init__(self, path: Path, unit: str, *, threads: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 3
        # Waiting threads sleep (docs/adr/0010).
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._names = {entry.name for entry in self._session.get_inputs()}
        self._unit = unit

    def __call__(self, batch: Batch) -> Outputs:
        types = torch.zeros_like(batch.input_ids) if batch.type_ids is None else batch.type_ids
        given = dict(zip(INPUTS, (batch.input_ids, batch.mask.long(), types), strict=True))
        feed = {name: tensor.numpy() for name, tensor in given.items() if name in self._names}
        logits = torch.from_numpy(self._session.run([LOGITS], feed)[0])
        if self._unit == "example":
            return Outputs(logits, logits)
        logits, mask = first_piece_states(logits, batch.words if self._unit == "word" else batch.asked())
        return Outputs(logits, logits, word_mask=mask)

    def eval(self) -> OnnxModel:
        return self


class TransformersModel(nn.Module):
    """A safetensors export that `transformers` loads by itself.

    Args:
        folder: its files.
        unit: as in `OnnxModel`; for whole texts the token classifier's first row counts.
    """

    def __init__(self, folder: Path, unit: str) -> None:
        super().__init__()
        kind = AutoModelForMaskedLM if unit == "piece" else AutoModelForTokenClassification
        with quiet():
            self.model = kind.from_pretrained(
                folder, dtype=torch.float32, use_safetensors=True, local_files_only=True
            ).eval()
        self._unit = unit

    def forward(self, batch: Batch) -> Outputs:
        logits = self.model(**model_inputs(self.model.base_model, batch)).logits
        if self._unit == "example":
            return Outputs(logits[:, 0], logits[:, 0])
        logits, mask = first_piece_states(logits, batch.words if self._unit == "word" else batch.asked())
        return Outputs(logits, logits, word_mask=mask)
