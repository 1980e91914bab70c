"""RL selection: a learnt gate decides per unit which teachers teach (2012.06048)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from distill_core.losses.hard_labels import NO_LABEL, hard_label_ce
from distill_core.weighting.base import Situation, Table, TeacherWeighting
from distill_core.weighting.correctness import table_ce, teacher_ce
from distill_core.weighting.draws import uniform_draws

#: chance of each teacher to teach before anything is learnt: nearly the average of all
WARM_START = 0.95
#: nats at which a teacher's CE is cut off as the gate sees it, so that no single example swamps the rest
_WORST_CE = 10.0


@dataclass
class _Choice:
    """What was chosen in a step, kept until it is rewarded: state [U, in], actions [U, N], CE after following [U]."""

    state: Tensor
    actions: Tensor
    followed_ce: Tensor


class RLGate(TeacherWeighting):
    """s = σ(A·[student's pooled vector; teachers' CE] + B·[teachers' soft labels] + c), a_i ~ Bernoulli(s_i) per unit;
    the chosen teachers' losses are averaged: w_i = a_i/max(1, Σa). Where none is chosen, the unit has no soft labels.

    A and B start at zero and c so that s = 0.95: training starts with the average of all teachers (the paper's warm
    start) and learns whom to drop. Where the student has no pooled vector its class probabilities stand in. On units
    without gold the gate sees each teacher's mean CE over the training table. In evaluation mode a_i = [s_i > ½].

    The gate learns by REINFORCE. The student's CE in the step of the choice is the same whatever was chosen, so it
    cannot be the reward itself; and a later step's CE mixes the choices of all units. ⚠ Here the reward of a unit is
    −CE(y, ẑ) with ẑ the student's logits after one step towards the chosen teachers, ẑ = z_s + Σ w_i (p_i − p_s): the
    move that plain gradient descent on the soft-label loss asks of the logits. The student's own CE, which no choice
    changes, is taken off first, and then the batch's mean.

    Args:
        state_width: width of the student's part of the state: P, or C where there is no pooled vector.
        usual_ce: [N], each teacher's mean CE on gold.
        classes: C.
        pooled: whether the student's part is its pooled vector.
    """

    #: a rate that lets the gate move within a run; students' own rates are far too small for it
    learning_rate = 1e-2

    usual_ce: Tensor

    def __init__(self, state_width: int, usual_ce: Tensor, classes: int, *, pooled: bool) -> None:
        super().__init__()
        teachers = len(usual_ce)
        self.pooled = pooled
        self.student_and_ce = nn.Parameter(torch.zeros(teachers, state_width + teachers))
        self.soft_labels = nn.Parameter(torch.zeros(teachers, teachers * classes))
        self.bias = nn.Parameter(torch.full((teachers,), math.log(WARM_START / (1 - WARM_START))))
        self.register_buffer("usual_ce", usual_ce.detach().float().clamp(max=_WORST_CE))
        self._choice: _Choice | None = None

    @classmethod
    def fit(cls, table: Table) -> RLGate:
        """Raises TrainingError where no unit has a gold label."""
        usual = table_ce(table, "The gate's reward").mean(dim=0)
        return cls(table.pooled_width or table.classes, usual, table.classes, pooled=table.pooled_width > 0)

    @torch.no_grad()
    def weights(self, situation: Situation) -> Tensor:
        """[U, N], each row the mean over the chosen teachers, or zeros. In training the draw comes from (seed, step),
        so a row depends on its place in the batch.

        Raises:
            ValueError: the gate was fitted for a pooled vector and there is none.
        """
        state = self._state(situation)
        chances = self.probabilities(state)
        if self.training:
            draws = uniform_draws(situation.seed, situation.step, "gate", *chances.shape)
            actions = (draws.to(chances.device, torch.float32) < chances).float()
        else:
            actions = (chances > 0.5).float()
        weights = actions / actions.sum(dim=1, keepdim=True).clamp(min=1.0)
        self._choice = _Choice(state, actions, _followed_ce(situation, weights)) if self.training else None
        return weights

    def policy_loss(self, student_ce: Tensor, gold: Tensor) -> Tensor | None:
        """REINFORCE on the choice made last: −mean over labelled units of advantage·log π(a), a scalar.

        None in evaluation mode, before any choice, and where the batch has no gold. A choice is rewarded once.

        Raises:
            ValueError: there are not as many units as choices.
        """
        choice, self._choice = self._choice, None
        known = gold != NO_LABEL
        if choice is None or not bool(known.any()):
            return None
        if len(student_ce) != len(choice.actions) or len(gold) != len(choice.actions):
            raise ValueError(f"{len(student_ce)} rewards for {len(choice.actions)} choices")
        gain = (student_ce.detach().float() - choice.followed_ce)[known]
        advantage = gain - gain.mean()
        scores = self._scores(choice.state[known])
        surprise = F.binary_cross_entropy_with_logits(scores, choice.actions[known], reduction="none")
        return (advantage * surprise.sum(dim=1)).mean()

    def probabilities(self, state: Tensor) -> Tensor:
        """s of the gate, [U, N] in (0, 1), from `state` [U, in]."""
        return self._scores(state).sigmoid()

    def _scores(self, state: Tensor) -> Tensor:
        return F.linear(state, torch.cat([self.student_and_ce, self.soft_labels], dim=1), self.bias)

    def _state(self, situation: Situation) -> Tensor:
        """[U, P + N + N·C]: the student, the teachers' CE, the teachers' soft labels."""
        student = situation.student_pooled if self.pooled else situation.student_logits.softmax(dim=-1)
        if student is None:
            raise ValueError("the gate was made for a student with a pooled vector, and there is none")
        known = (situation.gold != NO_LABEL).unsqueeze(1)
        losses = teacher_ce(situation.teacher_logits, situation.gold).clamp(max=_WORST_CE)
        labels = [z.float().softmax(dim=-1) for z in situation.teacher_logits]
        return torch.cat([student.float(), torch.where(known, losses, self.usual_ce), *labels], dim=1).detach()


def _followed_ce(situation: Situation, weights: Tensor) -> Tensor:
    """[U]: CE on gold of the student after one step towards the weighted teachers, zero where there is no gold."""
    student = situation.student_logits.detach().float()
    own = student.softmax(dim=-1)
    move = torch.zeros_like(student)
    for number, teacher in enumerate(situation.teacher_logits):
        move = move + weights[:, number : number + 1] * (teacher.detach().float().softmax(dim=-1) - own)
    return hard_label_ce(student + move, situation.gold)
