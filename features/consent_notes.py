"""What there is to say of the consent of a data set's interactions, share by share."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

import pyarrow as pa

from features.consent import ConsentRule
from features.contract import Finding
from features.history import History
from features.notes import Notes, about


def noted(rules: Iterable[ConsentRule], interactions: pa.Table, history: History) -> Notes:
    """How many interactions of a share do not count, and rules that find nothing to go by.

    Args:
        rules: of consent.
        interactions: of the share.
        history: of the same, with the rules in force.
    """
    rules = list(rules)
    kinds = [kind for kind in interactions["type"].unique().to_pylist() if kind is not None]
    attributes = [rule.attribute for rule in rules if rule.attribute is not None]
    patterns = [pattern for rule in rules for pattern in (*rule.types, *rule.granted, *rule.withdrawn)]
    findings = [(_untold(name), name not in interactions.column_names) for name in attributes]
    findings += [(_unfit(pattern), not any(fnmatchcase(kind, pattern) for kind in kinds)) for pattern in patterns]
    said = tuple(finding for finding, holds in findings if holds)
    return Notes(said, frozenset(about(finding) for finding, holds in findings if not holds), _withheld(history))


def _untold(attribute: str) -> Finding:
    hint = "Without it none of the interactions that need it counts. Is the name right, and is it not excluded?"
    detail = f"consent: the interactions have no attribute {attribute!r}"
    return Finding("warning", "consent_not_told", "interactions", attribute, 1, detail, hint)


def _unfit(pattern: str) -> Finding:
    detail, hint = f"consent: {pattern!r} fits no type", "Upper and lower case are distinguished."
    return Finding("warning", "pattern_without_match", "interactions", "type", 1, detail, hint)


def _withheld(history: History) -> tuple[Finding, ...]:
    count = 0 if history.withheld is None else len(history.withheld.known_at)
    detail = "interactions lack the consent that they need; they do not count"
    return (Finding("info", "without_consent", "interactions", "type", count, detail),) if count else ()
