"""What gets one prediction: the only thing a model knows of a task, and the only thing a task asks of a model.

Three there are, and a task is for one of them (ADR 0012). No torch in here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Unit:
    """A unit in words. head: what a model for it has. does: what such a model does. can: the same as "cannot …".

    layer: as "has no …". student: what a finished one does. method: of `predict.StudentPredictor`, for such students.
    of: what agreement is a share of. whole: why a text has no vector of its own ("" where it has). asks: what it asks
    of a student.
    """

    head: str
    does: str
    can: str
    layer: str
    student: str
    method: str
    of: str
    whole: str
    asks: str


UNITS: dict[str, Unit] = {
    "example": Unit(
        head="classification",
        does="classifies",
        can="classify texts",
        layer="classification layer",
        student="classifies whole texts",
        method="predict",
        of="",
        whole="",
        asks="every text gets one prediction",
    ),
    "word": Unit(
        head="tagging",
        does="tags words",
        can="tag words",
        layer="layer that tags words",
        student="tags words",
        method="tag",
        of=" of words",
        whole="in tagging every word is classified",
        asks="every word gets a prediction",
    ),
    "piece": Unit(
        head="masked-LM",
        does="guesses hidden words",
        can="guess hidden words",
        layer="head that guesses hidden words",
        student="guesses hidden words",
        method="fill",
        of=" of hidden pieces",
        whole="here only hidden words are guessed",
        asks="hidden words are guessed from both sides by attention",
    ),
}
