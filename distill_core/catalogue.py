"""What there is to choose from: students, tasks, terms, divergences, weightings. Adding one is its module and a line.

The page and the config read titles and help; the engine loads the module a line names. No torch in here.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Entry:
    """One thing that can be chosen.

    target: ``package.module:attribute`` that implements it. needs: what must hold for it to make sense:
    ``gold`` (gold labels on the rows it sees), ``same_tokeniser`` (as the student's), ``equal_heads`` (as many
    attention heads), ``transformer`` (a student with attention), ``several`` (two teachers or more), ``text`` (a task
    with one label a text), ``live`` (teachers that are asked at every step), ``answers`` (teachers with a prediction
    layer for the task), ``states`` (teachers' states, which an encoder gives as it was pre-trained, too).
    """

    title: str
    help: str
    target: str
    paper: str = ""
    needs: frozenset[str] = frozenset()

    def load(self) -> Any:
        return load_target(self.target)


def load_target(target: str) -> Any:
    """What ``package.module:attribute`` names."""
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)


def _needs(*names: str) -> frozenset[str]:
    return frozenset(names)


#: what the student can be asked to minimise; a stage names them, `objective` gives their weights
TERMS: dict[str, Entry] = {
    "hard": Entry(
        "Hard labels", "Cross-entropy on gold labels.", "distill_core.terms.hard:HardLabels", needs=_needs("gold")
    ),
    "soft": Entry(
        "Soft labels",
        "The student's distribution over classes follows the teachers'.",
        "distill_core.terms.soft:SoftLabels",
        "1503.02531",
        needs=_needs("answers"),
    ),
    "teacher_labels": Entry(
        "Teachers' hard labels",
        "Cross-entropy on the class the teachers' mean finds most probable, on rows without gold (hard distillation).",
        "distill_core.terms.hard:TeacherLabels",
        "1910.01769",
        needs=_needs("answers"),
    ),
    "hidden": Entry(
        "Hidden states",
        "The student's layers follow the teachers' through learnt projections.",
        "distill_core.terms.hidden:HiddenStates",
        "2106.01023",
        needs=_needs("states"),
    ),
    "pooled": Entry(
        "Pooled vector",
        "The vector the student classifies follows the teachers' one, through a learnt projection.",
        "distill_core.terms.pooled:PooledVector",
        "1910.01769",
        needs=_needs("states", "text"),
    ),
    "pkd": Entry(
        "Patient knowledge",
        "MSE of length-normalised first-token states of every matched layer.",
        "distill_core.terms.pkd:PatientKnowledge",
        "1908.09355",
        needs=_needs("states", "transformer"),
    ),
    "attention": Entry(
        "Attention scores",
        "MSE of attention scores before the softmax, head by head; needs equal heads.",
        "distill_core.terms.attention:AttentionScores",
        "1909.10351",
        needs=_needs("states", "transformer", "same_tokeniser", "equal_heads"),
    ),
    "relations": Entry(
        "Attention relations",
        "KL of query-query, key-key and value-value relations of the last layers; widths and heads may differ.",
        "distill_core.terms.relations:AttentionRelations",
        "2012.15828",
        needs=_needs("states", "transformer", "same_tokeniser"),
    ),
    "emd": Entry(
        "Layers by optimal transport",
        "Every student layer may learn from every teacher layer, matched by earth mover's distance.",
        "distill_core.terms.emd:EarthMover",
        "2010.06133",
        needs=_needs("states", "transformer", "same_tokeniser"),
    ),
    "mixup": Entry(
        "Mixup",
        "The student also learns from mixtures of two texts: of their gold labels, and of what the teachers say about "
        "the same mixture.",
        "distill_core.terms.mixup:Mixup",
        "2011.00593",
        needs=_needs("answers", "text", "live"),
    ),
}

#: the terms whose weights stand under ``objective.matching``: all but those with a weight field of their own
MATCHING = tuple(name for name in TERMS if name not in ("hard", "soft", "teacher_labels", "hidden"))

#: how the soft-label term compares two distributions
DIVERGENCES: dict[str, Entry] = {
    "kl": Entry("KL", "τ²·KL(teacher ‖ student).", "distill_core.losses.soft_labels:soft_label_kl", "1503.02531"),
    "reverse_kl": Entry(
        "Reverse KL", "τ²·KL(student ‖ teacher): seeks the teacher's main mode.",
        "distill_core.losses.divergences:soft_label_reverse_kl", "f-DISTILL, ACL 2023",
    ),
    "js": Entry(
        "Jensen–Shannon", "τ²·JS: symmetric and bounded.", "distill_core.losses.divergences:soft_label_js",
        "f-DISTILL, ACL 2023",
    ),
    "tvd": Entry(
        "Total variation", "τ²·½Σ|p−q|.", "distill_core.losses.divergences:soft_label_tvd", "f-DISTILL, ACL 2023"
    ),
    "logit_mse": Entry(
        "Logits", "½·mean squared difference of the raw logits (no temperature).",
        "distill_core.losses.logits:logit_mse", "1910.01769",
    ),
    "log_odds_mse": Entry(
        "Log-odds",
        "½·mean squared difference of the student's logits and the teacher's log-odds log(p/(1−p)) (no temperature).",
        "distill_core.losses.logits:log_odds_mse", "2004.05686",
    ),
}  # fmt: skip

#: how several teachers are combined
WEIGHTINGS: dict[str, Entry] = {
    "uniform": Entry("Equal weights", "Every teacher counts the same.", "distill_core.weighting.uniform:Uniform"),
    "mt_bert": Entry(
        "MT-BERT: by correctness", "1/(1+CE(gold, teacher)) per example.", "distill_core.weighting.mt_bert:MTBert",
        "2106.01023", needs=_needs("gold"),
    ),
    "adaptive": Entry(
        "Softmax of −CE", "Weights are the softmax of the teachers' negative loss on the batch.",
        "distill_core.weighting.adaptive:Adaptive", "2010.05445", needs=_needs("gold"),
    ),
    "skd_uniform": Entry(
        "SKDBERT: one at random", "One teacher is drawn at every step, each equally often.",
        "distill_core.weighting.sampling:SampleUniform", "2211.14466", needs=_needs("several"),
    ),
    "skd_teacher_rank": Entry(
        "SKDBERT: by the teachers' rank", "One teacher is drawn at every step, better ones more often.",
        "distill_core.weighting.sampling:SampleByTeacherRank", "2211.14466", needs=_needs("several", "gold"),
    ),
    "skd_student_rank": Entry(
        "SKDBERT: by the student's rank",
        "One teacher is drawn at every step, more often the ones the student is near to.",
        "distill_core.weighting.sampling:SampleByStudentRank", "2211.14466", needs=_needs("several"),
    ),
    "rl_gate": Entry(
        "RL selection", "A learnt gate decides per example which teachers teach, rewarded by the student's success.",
        "distill_core.weighting.rl_gate:RLGate", "2012.06048", needs=_needs("several", "gold"),
    ),
    "unikd": Entry(
        "UniKD", "With gold: by correctness. Without: examples count by how much the teachers disagree.",
        "distill_core.weighting.unikd:UniKD", "2204.00548",
    ),
    "dynamic": Entry(
        "Dynamic KD", "With one teacher an example counts by the student's entropy. With several, the half of a batch "
        "that the student is less sure of learns from the smallest teacher, the rest from the largest.",
        "distill_core.weighting.dynamic:DynamicKD", "2109.11295",
    ),
}  # fmt: skip

#: what is distilled into: each a `students.base.StudentSection`, which knows its torch module
STUDENTS: dict[str, Entry] = {
    "transformer": Entry(
        "Transformer",
        "A small BERT-shaped encoder, or some of a teacher's layers.",
        "distill_core.students.transformer.section:TransformerStudent",
        "1910.01108",
    ),
    "bilstm": Entry(
        "BiLSTM",
        "Embedding → BiLSTM → pooling → (projection) → classes.",
        "distill_core.students.bilstm.section:BiLSTMStudent",
        "1910.01769",
    ),
}
#: the kind the page starts from
USUAL_STUDENT = "bilstm"

#: what runs without a word on it predict: the only task there was at first
DEFAULT_TASK = "classification"

#: what is predicted: each a `tasks.base.Task`
TASKS: dict[str, Entry] = {
    "classification": Entry(
        "Classification",
        "One label a text, or a pair of texts.",
        "distill_core.tasks.classification:Classification",
    ),
    "tagging": Entry(
        "Tagging",
        "One tag a word, as in named-entity recognition.",
        "distill_core.tasks.tagging:Tagging",
    ),
    "masked_lm": Entry(
        "Masked language model",
        "Hidden words of plain text are guessed, as in pre-training; no labels are needed.",
        "distill_core.tasks.masked_lm:MaskedLM",
        "1810.04805",
    ),
}
