"""Which attributes there are and of which kind, what does not count, and the vocabulary that texts are encoded in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cached_property
from typing import TYPE_CHECKING

import pyarrow as pa

from features.columns import is_number

if TYPE_CHECKING:
    from features.consent import ConsentRule

_OWN_COLUMNS = frozenset({"lead_id", "occurred_at", "recorded_at", "interaction_id", "order", "type", "direction", "created_at"})


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The texts that a feature set tells apart: its types, and the levels of each categorical attribute of a ``Schema``."""

    types: tuple[str, ...]
    levels: tuple[tuple[str, ...], ...]
    lead_levels: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, eq=False)
class Schema:
    """Which attributes interactions and leads have, by name and kind, sorted by name; and which interactions do not count.

    ``excluded`` are shell patterns of types; ``consent`` are the rules by which interactions count only with consent; ``vocabulary``, where
    there is one, is what records are encoded in while they are read.
    """

    numeric: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    lead_numeric: tuple[str, ...] = ()
    lead_categorical: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    consent: tuple[ConsentRule, ...] = ()
    vocabulary: Vocabulary | None = None

    def excludes(self, kind: str) -> bool:
        """Whether interactions of this type are left out."""
        return any(fnmatchcase(kind, pattern) for pattern in self.excluded)

    @cached_property
    def row_attributes(self) -> frozenset[str]:
        """Those of the interactions, of either kind, and those that tell consent."""
        return self.telling.union(self.numeric, self.categorical)

    @cached_property
    def lead_attributes(self) -> frozenset[str]:
        """Those of the leads, of either kind."""
        return frozenset((*self.lead_numeric, *self.lead_categorical))

    @property
    def telling(self) -> frozenset[str]:
        """The attributes of interactions that tell consent; they are read and never kept."""
        return frozenset(rule.attribute for rule in self.consent if rule.attribute is not None)

    def asking(self, consent: tuple[ConsentRule, ...]) -> Schema:
        """The same with further rules of consent, and without the attributes that tell it."""
        asking = replace(self, consent=tuple(dict.fromkeys((*self.consent, *consent))))
        numeric, categorical = (tuple(name for name in names if name not in asking.telling) for names in (self.numeric, self.categorical))
        return replace(asking, numeric=numeric, categorical=categorical, vocabulary=None)

    @classmethod
    def of_tables(cls, interactions: pa.Table, leads: pa.Table) -> Schema:
        """The attributes that two normalised tables hold: numbers are numeric, all else is categorical."""
        return cls(*_kinds(interactions), *_kinds(leads))


def _kinds(table: pa.Table) -> tuple[tuple[str, ...], tuple[str, ...]]:
    names = sorted(set(table.column_names) - _OWN_COLUMNS)
    numeric = tuple(name for name in names if is_number(table[name].type))
    return numeric, tuple(name for name in names if name not in numeric)
