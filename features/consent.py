"""Consent that interactions need: which of them count only with it, and what says that it was given.

An interaction that a rule asks for counts only with the consent that was in force when it occurred, so that nothing gathered without
consent reaches a feature, in training, batch or service. What it was in force by is one of two:

- an attribute of the interaction itself;
- the lead's history: of the interactions that grant and withdraw, the latest at or before it grants (at one moment a withdrawal is the
  later one). A grant that was recorded late counts from when it was known, and so does what rests on it; a withdrawal counts from
  when it occurred, however late it was recorded: what is in doubt is decided for the person.

A withdrawal ends what comes after it and does not undo what was permitted before (GDPR, article 7(3)); that a lead is no longer scored
at all is said by ``[consent] profile``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from pydantic import Field, model_validator

from features.columns import Attributes, Categorical, text
from features.contract import NEVER, Strict
from features.sorting import first_at_or_after

if TYPE_CHECKING:
    from features.history import History


OPTING_OUT = ("*[Uu]nsubscri*", "*[Oo]pt[-_ ][Oo]ut*", "*[Oo]pt[Oo]ut*", "*[Oo]pted[-_ ][Oo]ut*")
"""Shell patterns of the types by which leads take back that they may be contacted: that is heard without any other consent."""


class ConsentRule(Strict):
    """Which interactions need consent, and what says that it was given: an attribute of theirs, or interactions that grant it.

    Attributes:
        types: shell patterns of the interaction types that count only with consent.
        except_types: shell patterns of those among them that need none; by default what opts out.
        attribute: of the interaction; it is never a feature.
        values: those of the attribute that mean consent; anything else, and nothing, means none.
        granted: shell patterns of the types by which a lead consents.
        withdrawn: shell patterns of the types by which it takes that back, or refuses.
    """

    types: tuple[str, ...] = Field(min_length=1)
    except_types: tuple[str, ...] = OPTING_OUT
    attribute: str | None = None
    values: tuple[str, ...] = Field(("true", "yes", "1"), min_length=1)
    granted: tuple[str, ...] = ()
    withdrawn: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.attribute is None) == (not self.granted):
            raise ValueError("name either the attribute that tells the consent or the types by which it is granted")
        if self.withdrawn and not self.granted:
            raise ValueError("withdrawn needs granted beside it")
        return self

    def asks(self, kind: str) -> bool:
        """Whether interactions of this type need consent; those that grant or withdraw it, and the exceptions, do not."""
        return _fits(kind, self.types) and not _fits(kind, (*self.granted, *self.withdrawn, *self.except_types))

    def told_by(self, attributes: Mapping[str, Any] | None) -> bool:
        """Whether the attributes of an interaction hold its consent."""
        return attributes is not None and text(attributes.get(self.attribute or "")) in self.values


@dataclass(frozen=True, eq=False)
class Withheld:
    """The interactions of L leads that do not count for want of consent: when each was known.

    Attributes:
        start: int64[L + 1], the boundaries of each lead's.
        known_at: int64[k], microseconds UTC, ascending within a lead.
    """

    start: np.ndarray
    known_at: np.ndarray

    @classmethod
    def of(cls, lead: np.ndarray, known_at: np.ndarray, leads: int) -> Withheld:
        """From moments in any order and the leads, int64[k] each, that they belong to."""
        order = np.lexsort((known_at, lead))
        return cls(np.searchsorted(lead[order], np.arange(leads + 1)), known_at[order])

    def and_also(self, lead: np.ndarray, known_at: np.ndarray) -> Withheld:
        """These and further ones: the leads and the moments, int64[k] each, in any order."""
        leads = len(self.start) - 1
        own = np.repeat(np.arange(leads), np.diff(self.start))
        return Withheld.of(np.append(own, lead), np.append(self.known_at, known_at), leads)

    def before(self, lead: np.ndarray, as_of: np.ndarray) -> np.ndarray:
        """int64[m]: how many of a lead's were known before a moment."""
        many: np.ndarray = first_at_or_after(self.start, self.known_at, lead, as_of) - self.start[lead]
        return many

    def slice(self, low: int, high: int) -> Withheld:
        """Those of the leads ``low <= i < high``."""
        start = self.start[low : high + 1]
        return Withheld(start - start[0], self.known_at[start[0] : start[-1]])


def in_force(rule: ConsentRule, history: History) -> tuple[np.ndarray, np.ndarray]:
    """Which interactions of a history the rule lets count, bool[n], and from when on each may be seen, int64[n]."""
    asked = np.flatnonzero(_of_kinds(history.type, [rule.asks(kind) for kind in history.type.levels]))
    counts, known_at = np.ones(len(history.type.codes), dtype=bool), history.known_at
    if not len(asked):
        return counts, known_at
    if rule.attribute is not None:
        counts[asked] = _told(rule, history.attributes, asked)
        return counts, known_at
    counts[asked], since = _granted(rule, history, asked)
    if (since > known_at[asked]).any():
        known_at = known_at.copy()
        known_at[asked] = np.maximum(known_at[asked], since)
    return counts, known_at


def _told(rule: ConsentRule, attributes: Attributes, rows: np.ndarray) -> np.ndarray:
    name = rule.attribute or ""
    if name in attributes.categorical:
        column = attributes.categorical[name].take(rows)
        return _of_kinds(column, [level in rule.values for level in column.levels])
    if name not in attributes.numeric:
        return np.zeros(len(rows), dtype=bool)
    values, place = np.unique(attributes.numeric[name][rows], return_inverse=True)
    means = np.array([text(value) in rule.values for value in values.tolist()], dtype=bool)
    told: np.ndarray = means[place]
    return told


def _granted(rule: ConsentRule, history: History, asked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For the rows ``asked``: whether the latest statement at or before each grants, and since when a grant was known (else 0)."""
    levels = history.type.levels
    withdraws = _of_kinds(history.type, [_fits(kind, rule.withdrawn) for kind in levels])
    states = np.flatnonzero(withdraws | _of_kinds(history.type, [_fits(kind, rule.granted) for kind in levels]))
    if not len(states):
        return np.zeros(len(asked), dtype=bool), np.zeros(len(asked), np.int64)
    lead_of = history.lead_of_row
    states = states[np.lexsort((withdraws[states], history.occurred_at[states], lead_of[states]))]
    start = np.searchsorted(lead_of[states], np.arange(len(history) + 1))
    lead = lead_of[asked]
    latest = first_at_or_after(start, history.occurred_at[states], lead, history.occurred_at[asked] + 1) - 1
    granted = (latest >= start[lead]) & ~withdraws[states][latest]
    since = _known_since(history.known_at[states], lead_of[states], withdraws[states])
    return granted, np.where(granted, since[latest], 0)


def _known_since(known_at: np.ndarray, lead: np.ndarray, withdraws: np.ndarray) -> np.ndarray:
    """int64[k]: for each statement, when the first grant of its lead since the last withdrawal was known: a running least of ranks."""
    run = np.cumsum(withdraws | np.append(True, lead[1:] != lead[:-1]))
    moments, rank = np.unique(np.where(withdraws, NEVER, known_at), return_inverse=True)
    least = np.minimum.accumulate(rank - run * len(moments)) + run * len(moments)
    since: np.ndarray = moments[least]
    return since


def _of_kinds(column: Categorical, chosen: Sequence[bool]) -> np.ndarray:
    """bool[n]: whose text is one of the chosen levels."""
    marks: np.ndarray = np.array([*chosen, False], dtype=bool)[column.codes]
    return marks


def _fits(kind: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(kind, pattern) for pattern in patterns)
