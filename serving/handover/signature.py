"""Signatures of webhooks by the Standard Webhooks specification, version 1 (https://www.standardwebhooks.com), symmetric.

A receiver checks what it got, before it reads it, by any library of that specification, or with nothing but Python:

    import base64, hashlib, hmac, time

    def verify(secret: str, headers, body: bytes) -> None:
        stamp = headers["webhook-timestamp"]
        assert abs(time.time() - int(stamp)) < 300, "too old, or a replay"
        key = base64.b64decode(secret.removeprefix("whsec_"))
        signed = f"{headers['webhook-id']}.{stamp}.".encode() + body
        mine = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        assert any(hmac.compare_digest(mine, theirs) for theirs in headers["webhook-signature"].split()), "not signed by leadheat"

``webhook-id`` is the same for every attempt at one event: a receiver that has it already answers 200 and does nothing.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable

from features.contract import SettingsError

PREFIX = "whsec_"
SHORTEST, LONGEST = 24, 64
"""Bytes of a secret."""


def read_secrets(text: str) -> tuple[bytes, ...]:
    """The keys of secrets that spaces or commas divide; while one is replaced, the new one and the old one both sign.

    Raises:
        SettingsError: there is none, or one is not a secret.
    """
    secrets = tuple(_key(one) for one in text.replace(",", " ").split())
    if not secrets:
        hint = f"Make one: python -c \"import base64, secrets; print('{PREFIX}' + base64.b64encode(secrets.token_bytes(32)).decode())\""
        raise SettingsError("LEADHEAT_WEBHOOK_URL is set, and LEADHEAT_WEBHOOK_SECRET is not.", hint)
    return secrets


def sign(secrets: Iterable[bytes], event_id: str, timestamp: int, body: bytes) -> str:
    """What ``webhook-signature`` holds: a signature with each secret.

    Args:
        secrets: as ``read_secrets`` gives them.
        event_id: ``webhook-id``.
        timestamp: ``webhook-timestamp``, seconds since 1970.
        body: as it is sent.
    """
    signed = f"{event_id}.{timestamp}.".encode() + body
    return " ".join(f"v1,{base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()}" for key in secrets)


def _key(text: str) -> bytes:
    try:
        key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not text.startswith(PREFIX) or not SHORTEST <= len(key) <= LONGEST:
        hint = f"A secret is {PREFIX} and then {SHORTEST} to {LONGEST} random bytes in base64."
        raise SettingsError("LEADHEAT_WEBHOOK_SECRET holds something that is no secret.", hint)
    return key
