"""What to put into ``leadheat.toml``: exact lines, which hold all that is to be left out, so that any of them can be pasted as it is."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from glob import escape

from features.audit.case import Case, Found, Remedy
from features.contract import Finding


def without_type(kind: str) -> Remedy:
    """Leave a type of interactions out."""
    return Remedy("exclude_types", escape(kind))


def without_attribute(table: str, name: str) -> Remedy:
    """Leave an attribute of leads, or of interactions, out."""
    return Remedy("exclude_attributes", escape(name if table == "leads" else f"{table}.{name}"))


def to_findings(case: Case, found: Sequence[Found]) -> tuple[Finding, ...]:
    """The findings, each with the whole line that mends it and the others of its kind."""
    lines = {option: _line(case, option, found) for option in ("exclude_types", "exclude_attributes")}
    return tuple(
        Finding(one.severity, one.code, one.table, one.column, one.count, one.detail, _hint(one.remedy, lines), one.example)
        for one in found
    )


def _hint(remedy: Remedy | str, lines: dict[str, str]) -> str:
    return remedy if isinstance(remedy, str) else f"Write under [data]: {lines[remedy.option]}"


def _line(case: Case, option: str, found: Iterable[Found]) -> str:
    more = [one.remedy.value for one in found if isinstance(one.remedy, Remedy) and one.remedy.option == option]
    if option == "exclude_types":
        more = _families(case, more)
    values = dict.fromkeys([*getattr(case.settings.data, option), *more])
    return f"{option} = [{', '.join(json.dumps(value, ensure_ascii=False) for value in values)}]"


def _families(case: Case, types: list[str]) -> list[str]:
    """Where types are joined of several columns, ``FIRST/*`` for those of one first part that are all to be left out."""
    table = case.settings.data.interactions
    if table is None or len(table.type_columns()) < 2:
        return types
    known = [escape(kind) for kind in case.history.type.levels]
    family = {kind: kind.partition("/")[0] + "/" for kind in known}
    whole = {family[kind] for kind in types} - {family[kind] for kind in known if kind not in types}
    return list(dict.fromkeys(f"{family[kind]}*" if family[kind] in whole else kind for kind in types))
