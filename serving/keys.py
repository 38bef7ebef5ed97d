"""API keys: who may do what. ``LEADHEAT_HOME/keys.json`` holds them, hashed.

A key is 256 random bits, so that nobody finds it by trying, however fast the hash is: SHA-256 is enough, and a slow hash, which makes
up for passwords that people choose, would only make every request slow. Keys are compared in constant time. Workers look at the file
again when it changes: a new key works, and a revoked one ends, within a second and without a restart.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field, ValidationError

from features.contract import SettingsError, Strict
from models import home
from models.whole_file import whole_file

Scope = Literal["read", "score", "write", "erase"]
"""What a key allows: to look, to score what is sent along, to store, and to erase or take out what is held of a person."""
SCOPES: tuple[Scope, ...] = ("read", "score", "write", "erase")
PREFIX = "lh_"
"""What every key begins with, so that tools which look for leaked secrets know it."""
EVERY = 1.0
"""Seconds between two looks at the file."""

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
logger = logging.getLogger("leadheat.serving")


class Key(Strict):
    """One key, without its secret.

    Attributes:
        name: of who uses it; requests are logged, and limited, by it.
        sha256: of the key, in hex.
        expires_at: None for never.
    """

    name: Name
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1)]
    created_at: AwareDatetime
    expires_at: AwareDatetime | None = None

    def expired(self, now: datetime) -> bool:
        """Whether it is no longer taken."""
        return self.expires_at is not None and now >= self.expires_at

    def to_dict(self, now: datetime) -> dict[str, Any]:
        """What ``leadheat keys list --json`` says of it."""
        return self.model_dump(mode="json", exclude={"sha256"}) | {"expired": self.expired(now)}


class _Held(Strict):
    """The file."""

    keys: tuple[Key, ...] = ()


def path() -> Path:
    """Where the keys are."""
    return home.home() / "keys.json"


def held() -> tuple[Key, ...]:
    """All keys, expired ones too; none where there is no file.

    Raises:
        SettingsError: the file holds something else.
    """
    try:
        return _Held.model_validate_json(path().read_bytes()).keys
    except FileNotFoundError:
        return ()
    except (OSError, ValidationError) as error:
        raise SettingsError(
            f"{path()} cannot be read as a file of keys.", "Bring it back from a backup, or remove it and add new keys."
        ) from error


def add(name: str, scopes: Iterable[Scope], lifetime: timedelta | None = None) -> str:
    """Make a key and return it; it cannot be had again.

    Raises:
        SettingsError: the name is taken, or no name, or a key of this lifetime would never end.
    """
    secret, now = PREFIX + secrets.token_urlsafe(32), datetime.now(UTC)
    allowed = tuple(one for one in SCOPES if one in set(scopes))
    try:
        expires_at = None if lifetime is None else now + lifetime
        key = Key(name=name, sha256=_digest(secret), scopes=allowed, created_at=now, expires_at=expires_at)
    except OverflowError:
        raise SettingsError("The key would expire after the year 9999.", "Leave --expires out for a key that never does.") from None
    except ValidationError:
        raise SettingsError(f"{name!r} is no name for a key.", "Take up to 64 letters, digits, dots, dashes and underscores.") from None
    with _changed() as keys:
        if any(one.name == name for one in keys):
            raise SettingsError(f"There is a key {name} already.", "Take another name, or revoke that one first.")
        keys.append(key)
    return secret


def revoke(name: str) -> None:
    """Take a key out of service.

    Raises:
        SettingsError: there is none of this name.
    """
    with _changed() as keys:
        staying = [one for one in keys if one.name != name]
        if len(staying) == len(keys):
            raise SettingsError(f"There is no key {name}.", "leadheat keys list shows those there are.")
        keys[:] = staying


@contextmanager
def _changed() -> Iterator[list[Key]]:
    """The keys, to be changed; nobody else changes them meanwhile, and nobody sees half of a file."""
    with home.changing("keys.lock"):
        keys = list(held())
        yield keys
        with whole_file(path(), "The keys") as file:
            file.touch(0o600)
            file.write_text(_Held(keys=tuple(keys)).model_dump_json(indent=2) + "\n")


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


class KeyRing:
    """The keys as a worker knows them.

    Attributes:
        in_use: whether a key is needed. A worker that has known a key never lets anyone in without one, even if the file goes.
    """

    def __init__(self) -> None:
        self._keys = held()
        self._seen = _stamp()
        self._look_at = 0.0
        self.in_use = bool(self._keys)

    def find(self, secret: str) -> Key | None:
        """The key whose secret this is, if it is valid now."""
        self.look()
        digest, found = _digest(secret), None
        for key in self._keys:
            if hmac.compare_digest(key.sha256, digest):
                found = key
        return None if found is None or found.expired(datetime.now(UTC)) else found

    def look(self) -> None:
        """Read the file again if it is another than before; what cannot be read changes nothing."""
        now = monotonic()
        if now < self._look_at:
            return
        self._look_at = now + EVERY
        stamp = _stamp()
        if stamp == self._seen:
            return
        try:
            self._keys = held()
        except SettingsError as error:
            logger.error("the keys stay as they were: %s", error)  # noqa: TRY400 - a traceback says nothing more
        else:
            self.in_use = self.in_use or bool(self._keys)
        self._seen = stamp


def _stamp() -> tuple[int, int, int] | None:
    """What changes whenever the file does."""
    try:
        found = path().stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
