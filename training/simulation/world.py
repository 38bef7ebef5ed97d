"""The simulated world: what its leads are like, what they do, and what makes them buy.

A lead has a hidden clockwork of eight *states*, each of which fades with its own half-life. Interactions push states up, states
drive interactions: a mutually exciting (Hawkes) process with exponential memory. The hazards of winning, of losing and of opting
out are linear in the same states, so that the true probabilities have a closed form (``training.simulation.truth``). Every number here is a
choice, made so that the rates of German sales practice come out: see ``tests/test_simulate.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Number = float | tuple[float, float, float]

STATES: Mapping[str, float] = {
    "touch": 1.0,
    "campaign": 5.0,
    "attention": 1.5,
    "request": 0.5,
    "appointment": 3.0,
    "interest": 7.0,
    "trust": 30.0,
    "friction": 21.0,
}
"""What a lead remembers, with its half-life in world days."""
GROUPS = ("cold", "warm", "hot")
SIZES = ("small", "medium", "large")


@dataclass(frozen=True)
class Kind:
    """A type of interaction; a triple of numbers stands for cold, warm and hot leads.

    Attributes:
        name: the type.
        direction: ``None`` where nobody acted.
        channel: where it takes place.
        drivers: how many follow, in the end, from one unit of a state.
        pushes: what one adds to the states.
        base: how many a world day brings whatever the states are.
        minutes: how long it takes on average; 0 where that means nothing.
        by_hand: written down by a person, and therefore often late.
    """

    name: str
    direction: Literal["inbound", "outbound"] | None
    channel: str
    drivers: Mapping[str, Number]
    pushes: Mapping[str, Number]
    base: Number = 0.0
    minutes: float = 0.0
    by_hand: bool = False


KINDS = (
    Kind("mail_sent", "outbound", "mail", {"campaign": 5.5}, {"touch": 1.0}, base=0.025),
    Kind("sales_call", "outbound", "phone", {"request": 1.1}, {"touch": 0.5}, minutes=9, by_hand=True),
    Kind("mail_opened", "inbound", "mail", {"touch": (0.14, 0.32, 0.4)}, {"attention": 0.15, "interest": 0.05}),
    Kind(
        "mail_reply",
        "inbound",
        "mail",
        {"touch": (0.02, 0.12, 0.18)},
        {"interest": 0.6, "trust": 0.3, "request": 0.4, "appointment": (0.18, 0.35, 0.4)},
    ),
    Kind(
        "page_visit",
        "inbound",
        "web",
        {"attention": 0.6, "touch": 0.05, "interest": 0.25, "trust": 0.15},
        {"attention": 0.5, "interest": 0.15, "trust": 0.05},
        base=(0.002, 0.005, 0.007),
        minutes=4,
    ),
    Kind(
        "price_page", "inbound", "web", {"attention": 0.12, "interest": 0.15}, {"attention": 0.3, "interest": 0.5, "trust": 0.15}, minutes=3
    ),
    Kind("white_paper", "inbound", "web", {"attention": 0.1, "trust": 0.05}, {"attention": 0.3, "interest": 0.4, "trust": 0.4}, base=0.001),
    Kind("newsletter", "inbound", "web", {"attention": 0.04}, {"trust": 0.25}),
    Kind(
        "webinar",
        "inbound",
        "event",
        {"trust": 0.1, "touch": 0.01},
        {"attention": 0.3, "interest": 0.5, "trust": 0.6},
        base=0.001,
        minutes=45,
    ),
    Kind(
        "meeting_request",
        "inbound",
        "web",
        {"interest": (0.03, 0.07, 0.08)},
        {"request": 1.0, "appointment": 1.0, "interest": 1.0, "trust": 0.3},
    ),
    Kind(
        "demo_request",
        "inbound",
        "web",
        {"interest": 0.06, "trust": 0.02},
        {"request": 1.0, "appointment": 0.5, "interest": 1.7, "trust": 0.6},
    ),
    Kind("trial_request", "inbound", "web", {"interest": 0.05, "trust": 0.01}, {"request": 0.5, "attention": 1.0, "interest": 1.7}),
    Kind("offer_request", "inbound", "web", {"interest": 0.06, "trust": 0.01}, {"request": 1.0, "interest": 2.2, "trust": 0.8}),
    Kind(
        "meeting_held",
        "inbound",
        "meeting",
        {"appointment": 0.75},
        {"attention": 0.3, "interest": (0.6, 1.3, 1.4), "trust": (0.6, 1.0, 1.0)},
        minutes=50,
        by_hand=True,
    ),
    Kind("no_show", "inbound", "meeting", {"appointment": 0.25}, {"friction": 1.0}, by_hand=True),
    Kind("referral", "inbound", "mail", {"trust": 0.02}, {"interest": 1.0, "trust": 0.8}, by_hand=True),
    Kind("fair_visit", "inbound", "event", {}, {"campaign": 0.6, "trust": 0.3}, base=0.0005, minutes=12, by_hand=True),
    Kind("bought_list", None, "list", {}, {}),
    Kind("unsubscribe", "inbound", "mail", {}, {}),
)
"""Ids are positions. ``bought_list`` only begins histories, ``unsubscribe`` only ends them: after it, silence."""
KIND = {kind.name: number for number, kind in enumerate(KINDS)}
WITHOUT_CONSENT = {"mail_sent": "cold_call", "mail_opened": "call_taken", "mail_reply": "call_back"}
"""Who has not agreed to mails is called: the same roles under other names."""

SIZE_FACTORS: Mapping[str, tuple[float, float, float]] = {
    "trial_request": (1.8, 1.0, 0.4),
    "meeting_request": (0.7, 1.0, 1.4),
    "webinar": (0.6, 1.0, 1.5),
}


@dataclass(frozen=True)
class Hazard:
    """A rate per world day: a constant and what a unit of a state adds to it."""

    base: tuple[float, float, float]
    drivers: Mapping[str, tuple[float, float, float]]


WIN = Hazard((0.00002, 0.00002, 0.00002), {"interest": (0.0055, 0.0046, 0.0037), "trust": (0.0001, 0.0002, 0.0004)})
"""By size of the company: small ones decide on the spur of the moment, large ones on what they have known for long."""
LOSS = Hazard((0.012, 0.008, 0.007), {"friction": (0.03, 0.03, 0.03)})
"""By group of the source: cold, warm and hot."""
OPT_OUT = Hazard((0.0003, 0.0003, 0.0003), {"touch": (0.008, 0.003, 0.003), "friction": (0.003, 0.003, 0.003)})
SILENT_WIN, SILENT_LOSS = 0.00005, 0.06
"""The hazards after an opt-out; fit counts for the first as it does before."""


@dataclass(frozen=True)
class Source:
    """Where leads come from: their share, group, first interaction, what it starts, and how many agree to mails."""

    name: str
    share: float
    group: int
    first: str
    pushes: Mapping[str, float]
    consent: float


SOURCES = (
    Source("bought_list", 0.2, 0, "bought_list", {"campaign": 1.0}, 0.05),
    Source("cold_call", 0.12, 0, "mail_sent", {"campaign": 0.8, "touch": 1.0}, 0.0),
    Source("fair", 0.1, 0, "fair_visit", {"campaign": 1.0, "trust": 0.4, "interest": 0.2}, 0.7),
    Source("newsletter", 0.12, 1, "newsletter", {"campaign": 0.6, "trust": 0.6, "attention": 0.3}, 1.0),
    Source("webinar", 0.1, 1, "webinar", {"campaign": 1.0, "trust": 0.8, "interest": 0.4, "attention": 0.3}, 0.9),
    Source("white_paper", 0.12, 1, "white_paper", {"campaign": 1.0, "trust": 0.7, "interest": 0.4, "attention": 0.5}, 0.85),
    Source("website", 0.12, 1, "page_visit", {"campaign": 0.7, "trust": 0.4, "interest": 0.5, "attention": 0.8}, 0.6),
    Source("referral", 0.05, 2, "referral", {"campaign": 0.8, "trust": 1.6, "interest": 1.2, "attention": 0.5}, 0.6),
    Source("enquiry", 0.07, 2, "demo_request", {"request": 1.0, "appointment": 0.5, "interest": 2.0, "trust": 0.9}, 0.8),
)


@dataclass(frozen=True)
class Trait:
    """A categorical attribute of leads: per value its share of the leads and its fit points; ``None`` is a missing value."""

    name: str
    values: Mapping[str | None, tuple[float, float]]


TRAITS = (
    Trait(
        "industry",
        {"software": (0.2, 1), "machinery": (0.2, 1), "trade": (0.2, 0), "health": (0.15, 0), "logistics": (0.15, -1), "public": (0.1, -1)},
    ),
    Trait(
        "role",
        {"owner": (0.15, 2), "head": (0.22, 2), "specialist": (0.35, 0), "student": (0.08, -3), "other": (0.12, 0), None: (0.08, 0)},
    ),
    Trait("country", {"DE": (0.6, 0), "AT": (0.13, 0), "CH": (0.12, 0), "NL": (0.1, -1), "PL": (0.05, -1)}),
)
EMPLOYEES = {"median": 45.0, "spread": 1.5, "medium_from": 50, "large_from": 500, "missing": 0.05}
"""Log-normal; a company whose size is not known behaves like a small or a medium one would on average, as a medium one."""
SIZE_POINTS = (-1, 1, 0)
