"""A version as the registry knows it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from features.contract import from_micros


@dataclass(frozen=True, slots=True)
class Version:
    """A registered model: where it comes from, how good it was, and what was decided about it.

    ``reason`` is why it was promoted or refused, ``forced`` why it was promoted in spite of its gates (empty where it was not),
    ``replaces`` the version it took the place of, ``digest`` that of its folder. ``judged_against`` is the champion that its gates
    compared with, empty where there was none; None where that is not known.
    """

    version: str
    created_at: datetime
    aliases: tuple[str, ...]
    run_id: str
    fingerprint: str
    digest: str
    reason: str
    replaces: str
    figures: dict[str, Any]
    gates: list[dict[str, Any]]
    forced: str = ""
    judged_against: str | None = None

    @classmethod
    def of(cls, entry: Any, aliases: Mapping[str, str]) -> Version:
        """From what MLflow says of it, and the number that each alias stands for."""
        number, tags = str(entry.version), entry.tags
        return cls(
            version=number,
            created_at=from_micros(entry.creation_timestamp * 1000),
            aliases=tuple(sorted(alias for alias, version in aliases.items() if version == number)),
            run_id=entry.run_id or "",
            fingerprint=tags.get("fingerprint", ""),
            digest=tags.get("digest", ""),
            reason=tags.get("reason", ""),
            replaces=tags.get("replaces", ""),
            figures=json.loads(tags.get("figures", "{}")),
            gates=json.loads(tags.get("gates", "[]")),
            forced=tags.get("forced", ""),
            judged_against=tags.get("judged_against"),
        )

    def obstacles(self, champion: str) -> list[str]:
        """What speaks against taking the place of a champion (a version's number, or empty), in words; nothing where every gate holds."""
        if not self.gates:
            return ["it was never judged by the gates"]
        failed = [f"{gate['name']} ({gate['detail']})" for gate in self.gates if not gate["passed"]]
        if self.judged_against in (None, champion):
            return failed
        judged, now = (f"version {one}" if one else "no champion" for one in (self.judged_against, champion))
        return [*failed, f"it was judged beside {judged}, and there is {now} now"]

    def to_dict(self) -> dict[str, Any]:
        """The version as JSON-ready values; the moment as ISO 8601 in UTC."""
        return asdict(self) | {"created_at": self.created_at.isoformat(), "aliases": list(self.aliases)}
