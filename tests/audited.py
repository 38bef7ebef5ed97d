"""Auditing data sets in tests, and doing what a finding says."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from features.contract import Finding
from models.settings import read_settings
from training.check import check

SETTING = re.compile(r"under \[(\w+)\][^:]*: (\w+) = (.+)$")


def audit_of(place: Path) -> tuple[Finding, ...]:
    """The findings of ``leadheat check``."""
    return check(read_settings(place)).findings


def the_finding(found: Iterable[Finding], code: str, column: str) -> Finding:
    """The one finding of this code about this column."""
    some = [one for one in found if (one.code, one.column) == (code, column)]
    assert len(some) == 1, [(one.code, one.column, one.detail) for one in found]
    return some[0]


def follow(folder: Path, hint: str) -> None:
    """Write what the hint says into the folder's leadheat.toml, in place of what is there."""
    said = SETTING.search(hint)
    assert said, hint
    table, key, value = said.groups()
    file = folder / "leadheat.toml"
    text = re.sub(rf"^{key} = .*\n", "", file.read_text(), flags=re.MULTILINE)
    assert f"[{table}]\n" in text
    file.write_text(text.replace(f"[{table}]\n", f"[{table}]\n{key} = {value}\n", 1))
