"""Delivers what waits in the outbox to the receiver, beside the requests, until it is taken or three days have passed.

An event is claimed before it is sent: its next attempt is put off by ``LEASE`` in one transaction, so that no other worker and no other
service on the store sends it too, and if this process dies, another sends it when the lease has run out. So each event arrives at least
once, in any order, under one ``webhook-id``, by which the receiver knows that it has it already.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from time import monotonic, time
from typing import NamedTuple

import httpx
from sqlalchemy import Connection, select, update

from features.contract import DAY, HOUR, MINUTE, SettingsError, now
from features.store.schema import outbox
from serving import metrics
from serving.handover.outbox import backlog
from serving.handover.signature import read_secrets, sign

SECOND = 1_000_000
DELAYS = (5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR)
"""Microseconds between attempts, as the Standard Webhooks specification recommends: the last one is made after three days."""
JITTER = (0.9, 1.2)
"""What a delay is multiplied by, at random, so that a receiver that is back does not get all at once."""
LONGEST_WAIT = DAY
"""How long a receiver's Retry-After may put an attempt off."""
TIMEOUT = 10.0
"""Seconds that an attempt may take in all."""
LEASE = MINUTE
"""Microseconds for which a claimed event is nobody else's; longer than an attempt and its record take."""
LARGEST = 65_536
"""Bytes of an answer that are read; what they say is never used."""
PORTION = 8
"""Events that are sent at once."""
EVERY = 1.0
"""Seconds between two looks into an empty outbox."""
MEASURE_EVERY = 15.0
"""Seconds between two counts of all events."""
GONE = HTTPStatus.GONE

logger = logging.getLogger("leadheat.serving")
logging.getLogger("httpx").setLevel(logging.WARNING)  # it would tell of every request


@dataclass(frozen=True)
class Webhook:
    """Where hand-overs go, and what signs them."""

    url: str
    secrets: tuple[bytes, ...]

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Webhook | None:
        """What ``LEADHEAT_WEBHOOK_URL`` and ``LEADHEAT_WEBHOOK_SECRET`` say; None without a URL: then events wait until there is one.

        Raises:
            SettingsError: the URL is none of http or https, or the secret is missing or none.
        """
        url = environment.get("LEADHEAT_WEBHOOK_URL", "")
        if not url:
            return None
        try:
            parsed = httpx.URL(url)
        except httpx.InvalidURL:
            parsed = httpx.URL("")
        if parsed.scheme not in ("http", "https") or not parsed.host:
            raise SettingsError("LEADHEAT_WEBHOOK_URL holds no web address.", "Such as https://crm.example.com/hooks/leadheat.")
        return cls(url, read_secrets(environment.get("LEADHEAT_WEBHOOK_SECRET", "")))


class Claim(NamedTuple):
    """An event that is this worker's until ``lease``, microseconds UTC; ``attempts`` counts this one."""

    event_id: str
    payload: str
    attempts: int
    lease: int


class Result(NamedTuple):
    """What came of an attempt: ``problem`` is empty where the receiver took the event; ``wait``, microseconds, is what it asked for."""

    problem: str
    wait: int = 0
    final: bool = False


class Delivery:
    """Sends what waits; several may run on one store.

    Args:
        writing: begins a transaction of the store that writes.
        reading: one that reads.
        webhook: the receiver; without one the events wait, and are only counted.
        lease: see ``LEASE``.
        delays: see ``DELAYS``.
    """

    def __init__(
        self,
        writing: Callable[[], AbstractContextManager[Connection]],
        reading: Callable[[], AbstractContextManager[Connection]],
        webhook: Webhook | None,
        lease: int = LEASE,
        delays: tuple[int, ...] = DELAYS,
    ) -> None:
        self._writing = writing
        self._reading = reading
        self._webhook = webhook
        self._lease = lease
        self._delays = delays
        self._complaint = ""
        self._measure_at = 0.0

    def work(self) -> None:
        """Make an attempt at every event that is due; what is called again and again beside the requests.

        Raises:
            StoreError: the store cannot be reached; what waits there is safe, and is sent when it is back.
        """
        self._measure()
        while self._webhook is not None and (claims := self._claim()):
            results = asyncio.run(self._attempts(claims, self._webhook))
            for claim, result in zip(claims, results, strict=True):
                self._record(claim, result)

    def _measure(self) -> None:
        """Count the events for the metrics, now and then."""
        if monotonic() < self._measure_at:
            return
        self._measure_at = monotonic() + MEASURE_EVERY
        with self._reading() as connection:
            counts, oldest = backlog(connection)
        metrics.set_outbox(counts["waiting"], counts["failed"], 0.0 if oldest is None else (now() - oldest) / SECOND)

    def _claim(self) -> list[Claim]:
        moment = now()
        due = select(outbox.c.event_id, outbox.c.payload, outbox.c.attempts).where(outbox.c.next_attempt_at <= moment)
        with self._reading() as connection:
            if connection.execute(due.limit(1)).first() is None:
                return []
        oldest = due.order_by(outbox.c.next_attempt_at).limit(PORTION).with_for_update(skip_locked=True)
        with self._writing() as connection:
            rows = connection.execute(oldest).all()
            taken = {"next_attempt_at": moment + self._lease, "attempts": outbox.c.attempts + 1}
            connection.execute(update(outbox).where(outbox.c.event_id.in_([row.event_id for row in rows])).values(taken))
        return [Claim(row.event_id, row.payload, row.attempts + 1, moment + self._lease) for row in rows]

    async def _attempts(self, claims: list[Claim], webhook: Webhook) -> list[Result]:
        """Send all at once."""
        async with httpx.AsyncClient(timeout=TIMEOUT, follow_redirects=False) as client:
            return await asyncio.gather(*(self._attempt(client, one, webhook) for one in claims))

    async def _attempt(self, client: httpx.AsyncClient, claim: Claim, webhook: Webhook) -> Result:
        try:
            async with asyncio.timeout(TIMEOUT):
                result = await _send(client, claim, webhook)
        except Exception as error:  # noqa: BLE001 - whatever it was, the event is tried again
            result = Result(f"no answer: {type(error).__name__}")
        self._complain(result.problem)
        return result

    def _record(self, claim: Claim, result: Result) -> None:
        """Write what came of an attempt; a failed one only while the event is still this worker's."""
        mine = outbox.c.event_id == claim.event_id
        with self._writing() as connection:
            if not result.problem:
                connection.execute(update(outbox).where(mine).values(delivered_at=now(), next_attempt_at=None, problem=None))
                metrics.count_handover("delivered")
                return
            again = None if result.final or claim.attempts > len(self._delays) else now() + self._delay(claim.attempts, result.wait)
            values = {"next_attempt_at": again, "problem": result.problem}
            if connection.execute(update(outbox).where(mine, outbox.c.next_attempt_at == claim.lease).values(values)).rowcount:
                metrics.count_handover("failed" if again is None else "put off")

    def _delay(self, attempts: int, asked: int) -> int:
        return max(int(self._delays[attempts - 1] * random.uniform(*JITTER)), asked)  # noqa: S311 - no secret

    def _complain(self, problem: str) -> None:
        """Once for each problem, until there is none."""
        if problem and problem != self._complaint:
            logger.warning("hand-overs wait, for the receiver does not take them: %s", problem)
        self._complaint = problem


def retry_after(text: str, now: datetime) -> int:
    """Microseconds that a Retry-After asks to wait, in seconds or until a date; 0 where it says nothing that is understood."""
    try:
        seconds = float(text) if text.strip().isdigit() else (parsedate_to_datetime(text) - now).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return 0
    return int(min(max(seconds * SECOND, 0), LONGEST_WAIT))


async def _send(client: httpx.AsyncClient, claim: Claim, webhook: Webhook) -> Result:
    body, stamp = claim.payload.encode(), int(time())
    headers = {
        "content-type": "application/json",
        "user-agent": "leadheat",
        "webhook-id": claim.event_id,
        "webhook-timestamp": str(stamp),
        "webhook-signature": sign(webhook.secrets, claim.event_id, stamp, body),
    }
    async with client.stream("POST", webhook.url, content=body, headers=headers) as response:
        if response.is_success:
            await _drain(response)
            return Result("")
        wait = retry_after(response.headers.get("retry-after", ""), datetime.now(UTC))
        return Result(f"HTTP {response.status_code}", wait, final=response.status_code == GONE)


async def _drain(response: httpx.Response) -> None:
    """Read a small answer to its end, so that the connection can be used again; of a large one no more than ``LARGEST``."""
    size = 0
    async for part in response.aiter_raw():
        size += len(part)
        if size > LARGEST:
            return
