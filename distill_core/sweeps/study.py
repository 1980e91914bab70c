"""What to try next, which trial is hopeless, which settings matter: Optuna, over the trials of a sweep's folder.

There is no study that lives on. Each question builds one from the finished trials, with a sampler seeded by the sweep's
seed and the trial's number; so what is proposed depends on the folder alone, and a sweep that was interrupted proposes
what it would have proposed (grid, random: whatever was measured; the others: where the trials' figures repeat, as on
CPUs they do).
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.pruners import MedianPruner
from optuna.samplers import BaseSampler, GPSampler, NSGAIISampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState, create_trial

from distill_core.seeds import derived_seed
from distill_core.sweeps.fields import searchable
from distill_core.sweeps.ledger import Tried
from distill_core.sweeps.spec import DIRECTIONS, SweepSpec

optuna.logging.set_verbosity(optuna.logging.WARNING)

#: trials of which importance can be told at all
FEWEST_FOR_IMPORTANCE = 4
_TOP = 5
#: objectives that depend on the student's shape and the length of its inputs alone, and the settings of these
OF_SHAPE, SHAPING = ("parameters", "latency"), ("student.", "data.")
#: how often a combination that was tried already is drawn again before the first untried one is taken
_DRAWS = 30
#: what a sampler notes beside a trial and wants to see again
_MARKS = "NSGAIISampler:"


@dataclass(frozen=True)
class Proposal:
    params: dict[str, Any]
    marks: dict[str, Any] = field(default_factory=dict)


def distributions(spec: SweepSpec) -> dict[str, BaseDistribution]:
    known = searchable(spec.base)
    found: dict[str, BaseDistribution] = {}
    for path, given in spec.search.items():
        if isinstance(given, list):
            found[path] = CategoricalDistribution(given)
        elif known[path].kind == "int":
            step = 1 if given.step is None else int(given.step)
            found[path] = IntDistribution(int(given.low), int(given.high), log=given.log, step=step)
        else:
            found[path] = FloatDistribution(given.low, given.high, log=given.log, step=given.step)
    return found


def propose(spec: SweepSpec, tried: Sequence[Tried]) -> Proposal | None:
    """The next trial's settings; None when all combinations were tried."""
    number, seen = len(tried) + 1, {_key(one.params) for one in tried}
    size = spec.combinations()
    if size is not None and len(seen) >= size:
        return None
    if spec.sampler != "grid":
        for attempt in range(_DRAWS):
            found = _drawn(spec, tried, derived_seed(spec.seed, "trial", number, attempt) % 2**32)
            if _key(found.params) not in seen:
                return found
        if size is None:
            return found
    return next((Proposal(one) for one in spec.grid() if _key(one) not in seen), None)


def _key(params: dict[str, Any]) -> str:
    return json.dumps(params, sort_keys=True)


def _drawn(spec: SweepSpec, tried: Sequence[Tried], seed: int) -> Proposal:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study = _study(spec, tried, _sampler(spec, seed))
        trial = study.ask(distributions(spec))
    attributes = study.get_trials(deepcopy=False)[-1].system_attrs
    marks = {name: value for name, value in attributes.items() if name.startswith(_MARKS)}
    return Proposal({path: trial.params[path] for path in spec.search}, marks)


def _sampler(spec: SweepSpec, seed: int) -> BaseSampler:
    expected = spec.most_trials or 30
    # By chance at first: a third of a short sweep, as many as Optuna takes of a long one.
    startup = max(2, min(10, expected // 3))
    if spec.sampler == "tpe":
        return TPESampler(seed=seed, n_startup_trials=startup)
    if spec.sampler == "gp":
        return GPSampler(seed=seed, n_startup_trials=startup, deterministic_objective=True)
    if spec.sampler == "nsga2":
        return NSGAIISampler(seed=seed, population_size=max(4, min(50, expected // 4)))
    return RandomSampler(seed=seed)


def _study(spec: SweepSpec, tried: Sequence[Tried], sampler: BaseSampler | None = None) -> optuna.Study:
    """A study in memory that holds what was finished or pruned."""
    study = optuna.create_study(
        directions=[DIRECTIONS[name] for name in spec.objectives],  # type: ignore[misc]
        sampler=sampler or RandomSampler(seed=0),
    )
    ranges = distributions(spec)
    study.add_trials([told for one in tried if (told := _told(spec, one, ranges)) is not None])
    return study


def _told(spec: SweepSpec, one: Tried, ranges: dict[str, BaseDistribution]) -> FrozenTrial | None:
    curve = dict(enumerate(one.curve, 1))
    about: dict[str, Any] = {"params": one.params, "distributions": ranges, "system_attrs": one.marks}
    if one.state == "done" and all(name in one.values for name in spec.objectives):
        return create_trial(values=[one.values[name] for name in spec.objectives], intermediate_values=curve, **about)
    if one.state == "pruned" and len(spec.objectives) == 1 and curve:
        return create_trial(state=TrialState.PRUNED, value=one.curve[-1], intermediate_values=curve, **about)
    return None


def is_hopeless(spec: SweepSpec, tried: Sequence[Tried], curve: Sequence[float]) -> bool:
    """Is a trial's best validation so far below the median of the finished trials at the same evaluation?

    Evaluations are equal shares of a training, so trials of unequal length are compared at equal shares. The first one
    is let pass.
    """
    if not spec.prune or len(spec.objectives) > 1 or len(curve) < 2:
        return False
    expected = spec.most_trials or 20
    pruner = MedianPruner(n_startup_trials=max(2, min(5, expected // 4)), n_warmup_steps=1)
    # A running trial's figures; its settings play no part.
    own = create_trial(state=TrialState.RUNNING, intermediate_values=dict(enumerate(curve, 1)))
    return bool(pruner.prune(_study(spec, tried), own))


def importance(spec: SweepSpec, tried: Sequence[Tried]) -> dict[str, dict[str, float]]:
    """{objective: {setting: share of what tells good trials from others (PED-ANOVA, 2304.10255), adding up to 1}}; {}
    while too few trials are finished, or all figures are equal. Settings of one value have none, and those that leave
    the student's shape as it is have none in its parameters and its latency: shares of few trials would be chance."""
    done = [one for one in tried if one.state == "done"]
    varied = [path for path in spec.search if len({repr(one.params[path]) for one in done}) > 1]
    found: dict[str, dict[str, float]] = {}
    if len(done) < FEWEST_FOR_IMPORTANCE or not varied:
        return found
    study = _study(spec, done)
    # What sets the best tenth apart; of few trials the best five, or half of them: Optuna's advice for stable shares.
    evaluator = PedAnovaImportanceEvaluator(target_quantile=min(0.5, max(0.1, _TOP / len(done))))
    for number, name in enumerate(spec.objectives):
        if len({one.values.get(name) for one in done}) < 2:
            continue
        able = [path for path in varied if name not in OF_SHAPE or path.startswith(SHAPING)]
        if not able:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            shares = get_param_importances(
                study, evaluator=evaluator, params=able, target=partial(_low_is_good, DIRECTIONS[name], number)
            )
        found[name] = {path: float(share) for path, share in shares.items()}
    return found


def _low_is_good(direction: str, number: int, trial: FrozenTrial) -> float:
    """PED-ANOVA takes low values for good ones, whatever the study's direction."""
    return -float(trial.values[number]) if direction == "maximize" else float(trial.values[number])
