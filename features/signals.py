"""Signals: groups of interaction types with one business meaning, as declared and as fitted to a data set's types."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from features.contract import Strict
from features.history import DIRECTIONS

PREFIXES = ("type:", "lead.")
"""How names of groups and reasons begin that stand for a single type or for an attribute of the lead; no declared signal bears one."""

Strength = Literal["strong", "medium", "weak", "negative"]
Funnel = Literal["top", "middle", "bottom"]


class SignalSettings(Strict):
    """One ``[signals.NAME]`` table.

    Attributes:
        types: shell patterns over interaction types, case sensitive.
        direction: only interactions of this direction belong to the signal.
        strength: what it says of a lead; rules and hand-over read it.
        funnel: where in the funnel content of this kind belongs.
        words: how a reason speaks of it; the name by default.
    """

    types: tuple[str, ...]
    direction: Literal["inbound", "outbound"] | None = None
    strength: Strength | None = None
    funnel: Funnel | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class Signal:
    """A signal fitted to a vocabulary: ``types`` are the concrete types that belong to it; ``declared`` unless a type stands for itself."""

    name: str
    types: tuple[str, ...]
    direction: Literal["inbound", "outbound"] | None = None
    strength: Strength | None = None
    funnel: Funnel | None = None
    words: str = ""
    declared: bool = True

    def takes(self, kind: str, direction: int) -> bool:
        """Whether an interaction of this type and direction code belongs to the signal."""
        return kind in self.types and (self.direction is None or DIRECTIONS[self.direction] == direction)


def fit_signals(declared: dict[str, SignalSettings], types: Sequence[str], reserved: Collection[str]) -> tuple[Signal, ...]:
    """The declared signals in their order, then every type that none of them names, as a signal of its own.

    Such a type lends its name to its signal, as ``type:NAME`` where the name is taken or reserved, or could be mistaken for such a name.
    """
    signals = [
        Signal(name, matching(one.types, types), one.direction, one.strength, one.funnel, one.words or name.replace("_", " "))
        for name, one in declared.items()
    ]
    taken = {kind for signal in signals for kind in signal.types}
    used = {*declared, *reserved}
    alone = [
        Signal(f"type:{kind}" if kind in used or kind.startswith(PREFIXES) else kind, (kind,), words=kind.replace("_", " "), declared=False)
        for kind in types
        if kind not in taken
    ]
    return (*signals, *alone)


def matching(patterns: Sequence[str], types: Sequence[str]) -> tuple[str, ...]:
    """The types that any of the shell patterns matches, in the order of ``types``."""
    return tuple(kind for kind in types if any(fnmatchcase(kind, pattern) for pattern in patterns))


def literal_types(declared: dict[str, SignalSettings]) -> set[str]:
    """Types that the declared signals name without a wildcard: they are known even before they first occur."""
    return {pattern for one in declared.values() for pattern in one.types if not set("*?[") & set(pattern)}
