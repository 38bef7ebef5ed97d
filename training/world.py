"""The simulated world: what its leads are like, what they do, and what makes them buy.

A lead has a hidden clockwork of eight *states*, each of which fades with its own half-life. Interactions push states up, states
drive interactions: a mutually exciting (Hawkes) process with exponential memory. The hazards of winning, of losing and of opting
out are linear in the same states, so that the true probabilities have a closed form (``training.truth``). Every number here is a
choice, made so that the rates of German sales practice come out: see ``tests/test_simulate.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

Floats = npt.NDArray[np.float64]
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
    """A type of interaction.

    Attributes:
        name: the type.
        direction: ``None`` where nobody acted.
        base: how many a world day brings whatever the states are.
        drivers: how many follow, in the end, from one unit of a state.
        pushes: what one adds to the states.
        channel: where it takes place.
        minutes: how long it takes on average; 0 where that means nothing.
        by_hand: written down by a person, and therefore often late.

    A triple of numbers stands for cold, warm and hot leads.
    """

    name: str
    direction: Literal["inbound", "outbound"] | None
    channel: str
    base: Number = 0.0
    drivers: Mapping[str, Number] = field(default_factory=dict)
    pushes: Mapping[str, Number] = field(default_factory=dict)
    minutes: float = 0.0
    by_hand: bool = False


KINDS = (
    Kind("mail_sent", "outbound", "mail", 0.03, {"campaign": 4.5}, {"touch": 1.0}),
    Kind("sales_call", "outbound", "phone", 0.0, {"request": 1.1}, {"touch": 0.5}, 9, by_hand=True),
    Kind("mail_opened", "inbound", "mail", 0.0, {"touch": (0.14, 0.32, 0.4)}, {"attention": 0.15, "interest": 0.05}),
    Kind(
        "mail_reply", "inbound", "mail", 0.0, {"touch": (0.02, 0.12, 0.18)},
        {"interest": 0.5, "trust": 0.3, "request": 0.4, "appointment": (0.1, 0.3, 0.4)},
    ),
    Kind(
        "page_visit", "inbound", "web", (0.004, 0.012, 0.016), {"attention": 0.7, "touch": 0.06, "interest": 0.25, "trust": 0.3},
        {"attention": 0.5, "interest": 0.1, "trust": 0.05}, 4,
    ),
    Kind(
        "price_page", "inbound", "web", 0.0, {"attention": 0.12, "interest": 0.15},
        {"attention": 0.3, "interest": 0.5, "trust": 0.15}, 3,
    ),
    Kind("white_paper", "inbound", "web", 0.001, {"attention": 0.1, "trust": 0.05}, {"attention": 0.3, "interest": 0.2, "trust": 0.4}),
    Kind("newsletter", "inbound", "web", 0.0, {"attention": 0.04}, {"trust": 0.25}),
    Kind("webinar", "inbound", "event", 0.001, {"trust": 0.1, "touch": 0.01}, {"attention": 0.3, "interest": 0.3, "trust": 0.6}, 45),
    Kind(
        "meeting_request", "inbound", "web", 0.0, {"interest": (0.03, 0.07, 0.08)},
        {"request": 1.0, "appointment": 1.0, "interest": 0.8, "trust": 0.3},
    ),
    Kind(
        "demo_request", "inbound", "web", 0.0, {"interest": 0.05, "trust": 0.04},
        {"request": 1.0, "appointment": 0.5, "interest": 1.8, "trust": 0.6},
    ),
    Kind("trial_request", "inbound", "web", 0.0, {"interest": 0.04, "trust": 0.02}, {"request": 0.5, "attention": 1.0, "interest": 1.8}),
    Kind(
        "offer_request", "inbound", "web", 0.0, {"interest": 0.05, "trust": 0.03},
        {"request": 1.0, "interest": 2.4, "trust": 0.8},
    ),
    Kind("meeting_held", "inbound", "meeting", 0.0, {"appointment": 0.75}, {"attention": 0.3, "interest": 1.4, "trust": 1.2}, 50, by_hand=True),
    Kind("no_show", "inbound", "meeting", 0.0, {"appointment": 0.25}, {"friction": 1.0}, by_hand=True),
    Kind("referral", "inbound", "mail", 0.0, {"trust": 0.02}, {"interest": 1.0, "trust": 0.8}, by_hand=True),
    Kind("fair_visit", "inbound", "event", 0.0005, {}, {"campaign": 0.6, "trust": 0.3}, 12, by_hand=True),
    Kind("bought_list", None, "list"),
    Kind("unsubscribe", "inbound", "mail"),
)
"""Ids are positions. ``bought_list`` only begins histories, ``unsubscribe`` only ends them: after it, silence."""
KIND = {kind.name: number for number, kind in enumerate(KINDS)}
WITHOUT_CONSENT = {"mail_sent": "cold_call", "mail_opened": "call_taken", "mail_reply": "call_back"}
"""Who has not agreed to mails is called: the same roles under other names."""

SIZE_FACTORS: Mapping[str, tuple[float, float, float]] = {
    "trial_request": (1.8, 1.0, 0.4),
    "meeting_request": (0.7, 1.0, 1.6),
    "webinar": (0.6, 1.0, 1.5),
}


@dataclass(frozen=True)
class Hazard:
    """A rate per world day: a constant and what a unit of a state adds to it."""

    base: tuple[float, float, float]
    drivers: Mapping[str, tuple[float, float, float]]


WIN = Hazard((0.00003, 0.00003, 0.00003), {"interest": (0.0065, 0.0045, 0.0025), "trust": (0.0004, 0.001, 0.002)})
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
        {"software": (0.2, 1), "machinery": (0.2, 1), "trade": (0.2, 0), "health": (0.15, 0), "logistics": (0.15, -1), "public": (0.1, -2)},
    ),
    Trait("role", {"owner": (0.15, 1), "head": (0.22, 2), "specialist": (0.35, 0), "student": (0.08, -4), "other": (0.12, -1), None: (0.08, -1)}),
    Trait("country", {"DE": (0.6, 0), "AT": (0.13, 1), "CH": (0.12, 0), "NL": (0.1, -1), "PL": (0.05, -1)}),
)
EMPLOYEES = {"median": 45.0, "spread": 1.5, "medium_from": 50, "large_from": 500, "missing": 0.05}
"""Log-normal; a company whose size is not known behaves like a small or a medium one would on average, as a medium one."""
SIZE_POINTS = (-1, 1, 0)
FIT_LEVELS = np.arange(-6, 5)
FIT_STEP = 0.28
"""Each fit point multiplies the hazard of winning by exp(0.28); points beyond the levels count as the nearest level."""
INTENT_QUANTILES = (np.arange(5) + 0.5) / 5


class Dynamics(NamedTuple):
    """The world as arrays, for the kernels: S segments and a silent one, R things that can happen, d states.

    The first three things are winning, losing and opting out; then come the kinds of interactions.

    ``fade``: float64[d], per world day. ``base``: float64[S + 1, R]. ``drive``: float64[S + 1, R, d], rates per unit of state. ``push``:
    float64[S + 1, R, d]. ``trend``: float64[S + 1], growth rate of winning per world day. ``fit``: float64[F] and ``intent``: float64[Q],
    multipliers of the hazard of winning.
    """

    fade: Floats
    base: Floats
    drive: Floats
    push: Floats
    trend: Floats
    fit: Floats
    intent: Floats


WON, LOST, OPTED_OUT, HAZARDS = 0, 1, 2, 3
"""Positions of what is no interaction, and their number."""
SILENT = len(GROUPS) * len(SIZES)
"""The segment of leads that have opted out."""


def dynamics(hidden_intent: float, trend: float) -> Dynamics:
    """The arrays of the world with this spread of hidden intent (of the logarithm) and growth rate of winning per world day."""
    fade = np.log(2) / np.array(list(STATES.values()))
    base = np.zeros((SILENT + 1, HAZARDS + len(KINDS)))
    drive, push = np.zeros((2, *base.shape, fade.size))
    for segment in range(SILENT):
        group, size = divmod(segment, len(SIZES))
        for thing, (hazard, which) in enumerate(((WIN, size), (LOSS, group), (OPT_OUT, group))):
            base[segment, thing] = hazard.base[which]
            drive[segment, thing] = state_vector(hazard.drivers, which)
        for thing, kind in enumerate(KINDS, HAZARDS):
            base[segment, thing] = _pick(kind.base, group)
            drive[segment, thing] = state_vector(kind.drivers, group) * fade * SIZE_FACTORS.get(kind.name, (1.0, 1.0, 1.0))[size]
            push[segment, thing] = state_vector(kind.pushes, group)
    base[SILENT, [WON, LOST]] = SILENT_WIN, SILENT_LOSS
    intent = np.exp(hidden_intent * norm.ppf(INTENT_QUANTILES)) if hidden_intent else np.ones(1)
    trends = np.append(np.full(SILENT, trend), 0.0)
    return Dynamics(fade, base, drive, push, trends, np.exp(FIT_STEP * FIT_LEVELS), intent / intent.mean())


def state_vector(by_state: Mapping[str, Number], group: int) -> Floats:
    """float64[d]: numbers by state, those of one group where they differ by group."""
    return np.array([_pick(by_state.get(state, 0.0), group) for state in STATES])


def _pick(number: Number, which: int) -> float:
    return number[which] if isinstance(number, tuple) else number
