"""How strong a signal is: as declared, or else by what sales practice says about types of such a name.

A type's name is compared in lower case with ``_`` between words; the first row that fits decides. What we did ourselves
(outbound) says nothing about the lead, and a bought address neither. An unknown inbound type is weak: the lead did something.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

from features.signals import Signal, Strength

POINTS: dict[Strength, float] = {"strong": 40.0, "medium": 15.0, "weak": 5.0, "negative": -20.0}
"""The points of one fresh interaction where no rule says otherwise."""

BY_NAME: tuple[tuple[Strength | None, tuple[str, ...]], ...] = (
    ("negative", ("*unsubscri*", "*opt_out*", "*optout*", "*opted_out*", "*no_show*", "*noshow*", "*bounce*", "*complain*", "*spam*")),
    (None, ("*_sent", "sent_*", "*outbound*", "*cold_call*", "sales_call*", "call_attempt*", "*voicemail*", "*bought_list*")),
    ("strong", ("*demo*", "*offer*", "*quote*", "*trial*", "*meeting*", "*appointment*", "*referral*", "*referred*", "*callback*")),
    ("medium", ("*white*paper*", "*webinar*", "*download*", "*repeat*", "*pric*", "*case_study*", "*repl*", "*contact_form*")),
    ("weak", ("*newsletter*", "*visit*", "*view*", "*open*", "*click*")),
)


def strength_of(signal: Signal) -> Strength | None:
    """The strength of a signal; None where it says nothing about the lead."""
    if signal.strength is not None:
        return signal.strength
    if signal.direction == "outbound":
        return None
    name = re.sub(r"[^a-z0-9]+", "_", signal.name.lower())
    for strength, patterns in BY_NAME:
        if any(fnmatchcase(name, pattern) for pattern in patterns):
            return strength
    return "weak"
