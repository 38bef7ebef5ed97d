"""Leads that come one by one and are answered by one call."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np

from features.history import History
from features.intake import Intake
from features.records import LeadRecord
from models.answer import Answer, answers

if TYPE_CHECKING:
    from models.scorer import LeadScorer


class Asked(Protocol):
    """Leads to answer, each at its moment and with reasons or without."""

    def add(self, lead: LeadRecord, as_of: int, explain: bool) -> None:  # noqa: FBT001
        """Take a lead in, to be answered as of a moment, microseconds UTC; errors as of ``Intake.add``."""

    def answers(self) -> list[Answer]:
        """The answers to all that came, in their order; none comes any more."""

    def answer(self, number: int) -> Answer:
        """The answer to one of them alone."""


class AskedTogether:
    """Leads that a model answers together; what they came in is read at once, and not kept.

    Args:
        scorer: the model.
    """

    def __init__(self, scorer: LeadScorer) -> None:
        self._scorer, self._intake = scorer, Intake(scorer.schema)
        self._as_of: list[int] = []
        self._explain: list[bool] = []

    def add(self, lead: LeadRecord, as_of: int, explain: bool) -> None:  # noqa: FBT001
        """See ``Asked``."""
        self._intake.add(lead)
        self._as_of.append(as_of)
        self._explain.append(explain)

    @cached_property
    def _history(self) -> History:
        return self._intake.history()

    def answers(self) -> list[Answer]:
        """See ``Asked``."""
        return answers(self._scorer, self._history, np.array(self._as_of, np.int64), explain=self._explain)

    def answer(self, number: int) -> Answer:
        """See ``Asked``."""
        return self._scorer.answer(self._history.slice(number, number + 1), self._as_of[number], explain=self._explain[number])
