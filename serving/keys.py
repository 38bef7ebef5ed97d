"""Who may do what."""

from __future__ import annotations

from typing import Literal

Scope = Literal["read", "score", "write", "erase"]
"""What a key allows: to look, to score what is sent along, to store, and to erase or take out what is held of a person."""
