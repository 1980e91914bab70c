"""Tables and situations for the tests of weightings."""

import numpy as np
import torch

from distill_core.weighting import Situation, Table, TeacherWeighting

RANDOM = np.random.default_rng(0)
LOGITS = [RANDOM.normal(0, 3, (12, 4)).astype(np.float32) for _ in range(3)]
GOLD = np.array([0, 1, 2, 3, -1, 0, -1, 2, 3, 1, -1, 0])
STUDENT = RANDOM.normal(0, 1, (12, 4)).astype(np.float32)
POOLED = RANDOM.normal(0, 1, (12, 6)).astype(np.float32)
SIZES = [300, 100, 200]


def table(order=(0, 1, 2), gold=GOLD, pooled_width=6):
    return Table([LOGITS[i] for i in order], gold, [SIZES[i] for i in order], pooled_width)


def situation(rows=slice(None), order=(0, 1, 2), gold=GOLD, step=0, seed=0):
    return Situation(
        [torch.from_numpy(LOGITS[i][rows]) for i in order],
        torch.from_numpy(gold[rows]),
        torch.from_numpy(STUDENT[rows]),
        torch.from_numpy(POOLED[rows]),
        step,
        seed,
    )


def drawn(weighting: TeacherWeighting, steps: int, seed: int = 0) -> np.ndarray:
    """Numbers of the teachers drawn at steps 0, 1, …"""
    return np.array([int(weighting.weights(situation([0], step=step, seed=seed)).argmax()) for step in range(steps)])


def log_softmax(logits) -> np.ndarray:
    z = np.asarray(logits, dtype=np.float64)
    return z - np.log(np.exp(z - z.max(-1, keepdims=True)).sum(-1, keepdims=True)) - z.max(-1, keepdims=True)


def gold_ce() -> np.ndarray:
    """[12, 3] CE of teachers on gold (of class 0 where there is none), float64."""
    return np.stack([-log_softmax(z)[np.arange(12), np.maximum(GOLD, 0)] for z in LOGITS], axis=1)
