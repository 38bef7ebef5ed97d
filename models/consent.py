"""Consent: what says that we may contact a lead, or score it, and what takes that back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Literal, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import model_validator

from features.catalogue import FeatureSet
from features.consent import OPTING_OUT
from features.contract import SettingsError, Strict, from_micros
from features.history import History
from features.nearest import did_you_mean
from features.signals import SignalSettings, literal_types, matching
from models.lifecycle import HAS_OPTED_OUT

CONSENT = "consent."
"""How the names of the signals begin that are declared for consent."""
OPTED_OUT = f"{CONSENT}opted_out"
Purpose = Literal["contact", "profile"]


class Ground(Strict):
    """Where a permission is on record: in an attribute of the lead, in an interaction, or in either.

    Attributes:
        attribute: of the lead.
        values: those of the attribute that permit; numbers are compared as numbers.
        types: shell patterns of the interaction types that permit.
        withdrawn: shell patterns of the interaction types by which a lead takes it back, or objects, until it permits it again by an
            interaction; named alone, everybody permits it who does not object.
    """

    attribute: str | None = None
    values: tuple[str, ...] = ("true", "yes", "1")
    types: tuple[str, ...] = ()
    withdrawn: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.attribute is None and not self.types and not self.withdrawn:
            raise ValueError("name an attribute of the leads or types of interactions that say so")
        return self

    @property
    def asked_for(self) -> bool:
        """Whether a lead must have permitted it, rather than not objected."""
        return self.attribute is not None or bool(self.types)


class ConsentSettings(Strict):
    """The ``[consent]`` table. Without a ground everybody may be contacted, and scored, who did not opt out.

    Attributes:
        contact: what permits to contact a lead.
        profile: what permits to score a lead.
        opt_out: shell patterns of the interaction types after which a lead may not be contacted until it agrees again by an
            interaction. A type that is named in full is honoured even before it first occurs in the training data.
    """

    contact: Ground | None = None
    profile: Ground | None = None
    opt_out: tuple[str, ...] = OPTING_OUT

    def signals(self, types: Iterable[str]) -> dict[str, SignalSettings]:
        """The signals that qualification reads, to be declared to the feature set beside the data set's own.

        Args:
            types: all interaction types of the data set; a signal that has none of them, and could not, is left out.
        """
        declared = {OPTED_OUT: SignalSettings(types=self.opt_out, strength="negative", words="opted out")}
        for purpose, ground in self.grounds():
            words = f"agreed to {'be contacted' if purpose == 'contact' else 'profiling'}"
            declared[agreed(purpose)] = SignalSettings(types=ground.types, words=words)
            declared[withdrew(purpose)] = SignalSettings(types=ground.withdrawn, strength="negative", words=f"no longer {words}")
        known = sorted(types)
        return {name: one for name, one in declared.items() if matching(one.types, known) or literal_types({name: one})}

    def levels_needed(self) -> dict[str, set[str]]:
        """The levels named here, by attribute of the lead: they need codes of their own, however rare they are."""
        needed: dict[str, set[str]] = {}
        for _, ground in self.grounds():
            if ground.attribute is not None:
                needed.setdefault(ground.attribute, set()).update(ground.values)
        return needed

    def grounds(self) -> Iterator[tuple[Purpose, Ground]]:
        """The grounds that are declared."""
        if self.contact is not None:
            yield "contact", self.contact
        if self.profile is not None:
            yield "profile", self.profile


def agreed(purpose: Purpose) -> str:
    """The name of the signal by which leads agree to be contacted or profiled."""
    return f"{CONSENT}agreed_to_{purpose}"


def withdrew(purpose: Purpose) -> str:
    """The name of the signal by which they take that back."""
    return f"{CONSENT}withdrew_{purpose}"


def permitting_values(ground: Ground, features: FeatureSet) -> list[float]:
    """What the column ``lead.ATTRIBUTE`` holds where the ground is met.

    Raises:
        SettingsError: the leads have no such attribute.
    """
    if ground.attribute is None:
        return []
    levels = features.lead_levels.get(ground.attribute)
    if levels is not None:
        return [float(levels.index(value)) for value in ground.values if value in levels]
    if ground.attribute in features.lead_numeric:
        return [float(value) for value in ground.values if _is_number(value)]
    meant = did_you_mean(ground.attribute, [*features.lead_levels, *features.lead_numeric], 0.0)
    message = f'[consent] names the attribute "{ground.attribute}", which the leads do not have.'
    raise SettingsError(message, meant or "They have none at all.")


def told_why(why: str, features: FeatureSet, history: History, lead: int, as_of: int) -> str:
    """Why a lead may be contacted or not; of an opt-out by what, and when: ``opted out by unsubscribe on 2026-11-03``.

    Args:
        why: as the policy has it.
        features: to which the signals of consent were declared.
        history: holds the lead.
        lead: its position there.
        as_of: microseconds UTC; of what was known before, the latest counts. Its day is told in UTC.
    """
    if why != HAS_OPTED_OUT:
        return why
    types = next(one.types for one in features.signals if one.name == OPTED_OUT)
    rows = slice(*history.start[lead : lead + 2].tolist())
    codes = history.type.codes[rows]
    last = np.flatnonzero(_among(types, history.type.levels)[codes] & (history.known_at[rows] < as_of))[-1]
    day = from_micros(history.occurred_at[rows][last]).date()
    return f"opted out by {history.type.levels[codes[last]]} on {day.isoformat()}"


def told_whys(
    whys: Sequence[str], kind: npt.NDArray[np.int64], features: FeatureSet, history: History, lead: npt.ArrayLike, as_of: npt.ArrayLike
) -> pa.Array:
    """The same for m snapshots, string[m].

    Args:
        whys: as the policy has them.
        kind: int64[m], positions in ``whys``.
        features: as of ``told_why``.
        history: holds the leads.
        lead: int64[m], their positions there.
        as_of: int64[m], microseconds UTC.
    """
    leads, moments = np.asarray(lead), np.asarray(as_of)
    opted_out = np.array([why == HAS_OPTED_OUT for why in whys], np.bool_)[kind]
    told = [told_why(HAS_OPTED_OUT, features, history, int(leads[row]), int(moments[row])) for row in np.flatnonzero(opted_out)]
    alike = pa.array(whys, pa.string()).take(pa.array(kind))
    return pc.replace_with_mask(alike, pa.array(opted_out), pa.array(told, pa.string()))


@lru_cache(maxsize=4096)
def _among(types: tuple[str, ...], levels: tuple[str, ...]) -> npt.NDArray[np.bool_]:
    return np.array([one in types for one in levels], dtype=np.bool_)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
