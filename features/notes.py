"""What is noticed while tables are checked, share by share, and what follows from it for the data set as a whole.

A share is all rows of some leads. What is said of its rows adds up over the shares; what is said of a table as a whole, such as that
nothing was won, holds where a share says it and none denies it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from pydantic import TypeAdapter

from features.contract import UNKNOWN_TIME, DataError, Finding, Severity
from features.data_settings import TABLES, DataSettings
from features.fingerprint import Content, fingerprint
from features.layout import matches
from features.nearest import did_you_mean

REFUSED_SHARE = 0.05
"""With a larger share of unusable rows in a table, a data set is refused."""
STRAY_TEXT = "stray_text"
"""The code of findings about values that are no numbers: told where most of their attribute is meant as numbers, in all shares together."""
_SEVERITIES = ("error", "warning", "info")


@dataclass(frozen=True)
class Notes:
    """What is known of a share, as far as the whole rests on it; every part of it adds up.

    Attributes:
        said: findings about a table as a whole, or about one of its columns.
        denied: such findings, without count and example, that this share proves wrong.
        counted: findings about rows.
        rows: of each table, as they came, with those that could not be read.
        unusable: how many of them cannot be used.
        attributes: the names of each table's attributes, excluded ones too.
        meant: of each attribute that is text, as ``table.column``: how many more values are meant as numbers than are not.
        latest: the latest moment in what was taken, microseconds UTC; ``UNKNOWN_TIME`` where there is none.
        content: of the tables that were taken.
        won: how many outcomes are wins.
    """

    said: tuple[Finding, ...] = ()
    denied: frozenset[Finding] = frozenset()
    counted: tuple[Finding, ...] = ()
    rows: Mapping[str, int] = field(default_factory=dict)
    unusable: Mapping[str, int] = field(default_factory=dict)
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    meant: Mapping[str, int] = field(default_factory=dict)
    latest: int = UNKNOWN_TIME
    content: Mapping[str, Content] = field(default_factory=dict)
    won: int = 0

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What holds of a table as a whole, and what adds up over its rows."""
        told = (one for one in self.counted if one.code != STRAY_TEXT or self.meant[one.place] > 0)
        return (*(one for one in self.said if about(one) not in self.denied), *told)

    @property
    def taken(self) -> dict[str, int]:
        """How many rows of each table were taken."""
        return {name: content.rows for name, content in self.content.items()}

    @property
    def fingerprint(self) -> str:
        """SHA-256 of what the tables hold."""
        return fingerprint(self.content)

    def observed_until(self, settings: DataSettings, known: int | None = None) -> int:
        """Microseconds UTC: as declared, else as the source knows, else the latest moment."""
        told = self.latest if known is None else known
        return told if settings.observed_until is None else settings.observed_until


NOTES = TypeAdapter(Notes)
"""To write notes as JSON and read them again."""


def merged(notes: Iterable[Notes]) -> Notes:
    """The notes of several shares, or of parts of one, as one."""
    notes = list(notes)
    contents = [content for one in notes for content in one.content.items()]
    names = dict.fromkeys(name for name, _ in contents)
    return Notes(
        said=_first(finding for one in notes for finding in one.said),
        denied=frozenset().union(*(one.denied for one in notes)),
        counted=_added(finding for one in notes for finding in one.counted),
        rows=_sums(one.rows for one in notes),
        unusable=_sums(one.unusable for one in notes),
        meant=_sums(one.meant for one in notes),
        attributes={name: names for one in notes for name, names in one.attributes.items()},
        latest=max((one.latest for one in notes), default=UNKNOWN_TIME),
        content={name: Content.sum([content for own, content in contents if own == name]) for name in names},
        won=sum(one.won for one in notes),
    )


def conclude(settings: DataSettings, notes: Iterable[Notes]) -> tuple[Finding, ...]:
    """All findings of a data set, the gravest first.

    Args:
        settings: the ``[data]`` part of ``leadheat.toml``.
        notes: of all shares.

    Raises:
        DataError: one of them is an error.
    """
    all_notes = merged(notes)
    findings = [*all_notes.findings, *(finding for table in all_notes.rows for finding in _of_rows(table, all_notes))]
    if not any(finding.severity == "error" for finding in findings):
        findings += _unused_patterns(settings, all_notes.attributes)
    told = tuple(sorted(findings, key=lambda one: (_SEVERITIES.index(one.severity), (*TABLES, "").index(one.table))))
    errors = [finding for finding in told if finding.severity == "error"]
    if errors:
        more = f" ({len(errors) - 1} more errors)" if len(errors) > 1 else ""
        message = f"The data set {settings.name} cannot be used: {errors[0].table}: {errors[0].detail}{more}."
        raise DataError(message, errors[0].hint, told)
    return told


def about(finding: Finding) -> Finding:
    """The finding without its count and its example: what is the same in all shares."""
    return replace(finding, count=0, example="")


def _first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    first: dict[Finding, Finding] = {}
    for finding in findings:
        first.setdefault(about(finding), finding)
    return tuple(first.values())


def _added(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    findings = list(findings)
    counts: Counter[Finding] = Counter()
    for finding in findings:
        counts[about(finding)] += finding.count
    return tuple(replace(finding, count=counts[about(finding)]) for finding in _first(findings))


def _sums(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for one in counts:
        for name, count in one.items():
            total[name] = total.get(name, 0) + count
    return total


def _of_rows(table: str, notes: Notes) -> list[Finding]:
    """That the table is empty, or too much of it cannot be used."""
    rows, unusable = notes.rows[table], notes.unusable[table]
    if rows == 0:
        severity: Severity = "error" if table == "leads" else "warning"
        return [Finding(severity, "empty_table", table, "", 1, f"the table {table} has no rows", "Is it the right file?")]
    if unusable <= REFUSED_SHARE * rows:
        return []
    detail = f"{unusable:,} of {rows:,} rows cannot be used ({unusable / rows:.1%}, more than {REFUSED_SHARE:.0%})"
    return [Finding("error", "too_many_unusable", table, "", unusable, detail, "Mend what the warnings about this table name.")]


def _unused_patterns(settings: DataSettings, attributes: Mapping[str, tuple[str, ...]]) -> list[Finding]:
    found = []
    for option in ("exclude_attributes", "categorical_attributes"):
        for pattern in getattr(settings, option):
            if not any(matches(table, name, [pattern]) for table, names in attributes.items() for name in names):
                detail = f"{option}: {pattern!r} fits no attribute"
                known = [name for names in attributes.values() for name in names]
                hint = did_you_mean(pattern, known) or "Upper and lower case are distinguished."
                found.append(Finding("warning", "pattern_without_match", "", "", 1, detail, hint))
    return found
