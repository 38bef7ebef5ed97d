"""The project's own modules, read as syntax trees: who imports what."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.conftest import REPO

PACKAGES = ("features", "models", "training", "serving")


@dataclass(frozen=True)
class Module:
    """One module of the repository; ``name`` is what an import calls it."""

    name: str
    path: Path

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.path.read_text(), self.path)

    @cached_property
    def imports(self) -> frozenset[str]:
        """All that it imports at any place, in full: ``features.contract.DAY``."""
        return frozenset(name for node in ast.walk(self.tree) for name in _imported(node))


def modules(*tops: str) -> list[Module]:
    """The modules of packages, or a single module at the top level."""
    found = []
    for top in tops:
        single = REPO / f"{top}.py"
        for path in [single] if single.exists() else sorted((REPO / top).rglob("*.py")):
            parts = path.relative_to(REPO).with_suffix("").parts
            found.append(Module(".".join(parts).removesuffix(".__init__"), path))
    return found


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield from (f"{node.module}.{alias.name}" for alias in node.names)
