"""What somebody may have meant who wrote a name that is not known: every "did you mean" comes from here."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

_QUOTED = re.compile("'([^']*)'")
NEAR = 0.6
"""How like a name must be to be meant, 0 to 1, as ``difflib`` counts; at 0 there is always one."""
_LONGEST = 100
"""Characters of a name that are compared: what is longer was no slip of a finger."""


def nearest(name: str, known: Iterable[str], near: float = NEAR) -> str | None:
    """The known name that is most like the given one, whatever the case of either.

    >>> nearest("HOTT", ["cold", "warm", "hot"])
    'hot'
    """
    by_folded: dict[str, str] = {}
    for one in known:
        by_folded.setdefault(one.casefold(), one)
    found = get_close_matches(name[:_LONGEST].casefold(), by_folded, 1, near)
    return by_folded[found[0]] if found else None


def did_you_mean(name: str, known: Iterable[str], near: float = NEAR) -> str:
    """The question as a sentence, ``Did you mean "hot"?``, or nothing where no known name is near."""
    meant = nearest(name, known, near)
    return "" if meant is None else f'Did you mean "{meant}"?'


def aside(name: str, known: Iterable[str], near: float = NEAR) -> str:
    """The question behind other words, `` (did you mean "hot"?)``, or nothing where no known name is near."""
    meant = nearest(name, known, near)
    return "" if meant is None else f' (did you mean "{meant}"?)'


def choices(expected: str) -> list[str]:
    """The words among which pydantic's ``literal_error`` lets choose: ``'won' or 'lost'``."""
    return _QUOTED.findall(expected)
