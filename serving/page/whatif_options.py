"""What a hypothetical interaction may be: the types that the scorer knows, grouped by who acts, in the words of their signals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from features.signals import Signal, literal_types
from models.consent import CONSENT
from models.scorer import LeadScorer
from serving.page import told
from serving.page.language import Language

When = Literal["now", "yesterday"]
COMMON = ("demo_request", "offer_request", "meeting_request", "webinar", "white_paper", "price_page", "newsletter", "no_show")
"""What is offered where the rules score alone, who know types by their names: one or two of each strength."""


@dataclass(frozen=True, slots=True)
class Option:
    """One type."""

    type: str
    words: str
    direction: Literal["inbound", "outbound"] | None


@dataclass(frozen=True, slots=True)
class Group:
    """The types by which the lead acts, or by which we do."""

    name: str
    types: list[Option]


@dataclass(frozen=True, slots=True)
class Options:
    """The form."""

    action: str
    groups: list[Group]
    chosen: str
    when: str


def known(scorer: LeadScorer) -> list[Option]:
    """All types that move the score, each once, in the order of their signals."""
    found: dict[str, Option] = {}
    for kind, signal in _types(scorer):
        found.setdefault(kind, Option(kind, _words(kind, signal), signal.direction if signal else "inbound"))
    return list(found.values())


def options(t: Language, scorer: LeadScorer, lead_id: str, chosen: str = "", when: str = "now") -> Options:
    """The form for one lead."""
    found = known(scorer)
    groups = [
        Group(t("whatif.theirs"), [one for one in found if one.direction == "inbound"]),
        Group(t("whatif.ours"), [one for one in found if one.direction == "outbound"]),
        Group(t("whatif.other"), [one for one in found if one.direction is None]),
    ]
    return Options(told.lead_address(lead_id, "/what-if"), [group for group in groups if group.types], chosen, when)


def _types(scorer: LeadScorer) -> Iterator[tuple[str, Signal | None]]:
    for signal in scorer.features.signals:
        if not signal.name.startswith(CONSENT):
            yield from ((kind, signal) for kind in signal.types)
    if scorer.margin is None:
        declared = literal_types(dict(scorer.settings.signals))
        yield from ((kind, None) for kind in (*sorted(declared), *COMMON))


def _words(kind: str, signal: Signal | None) -> str:
    plain = kind.replace("_", " ")
    if signal is None or not signal.declared or signal.words == plain:
        return plain
    return f"{signal.words} ({plain})" if len(signal.types) > 1 else signal.words
