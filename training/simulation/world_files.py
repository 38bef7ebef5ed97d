"""The words beside a simulated data set: its ``leadheat.toml`` and its ``README.txt``."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from features.contract import format_duration


class _Signal(NamedTuple):
    name: str
    types: tuple[str, ...]
    words: str
    funnel: str
    strength: str | None = None
    direction: str = "inbound"


_SIGNALS = (
    _Signal("demo", ("demo_request",), "asked for a demo", "bottom", "strong"),
    _Signal("trial", ("trial_request",), "asked for a trial", "bottom", "strong"),
    _Signal("offer", ("offer_request",), "asked for an offer", "bottom", "strong"),
    _Signal("meeting_wanted", ("meeting_request",), "asked for a meeting", "bottom", "strong"),
    _Signal("met", ("meeting_held",), "met us", "bottom", "strong"),
    _Signal("missed_meeting", ("no_show",), "missed a meeting", "bottom", "negative"),
    _Signal("recommended", ("referral",), "came by or gave a recommendation", "bottom", "strong"),
    _Signal("answered", ("mail_reply", "call_back"), "answered us", "middle", "medium"),
    _Signal("prices", ("price_page",), "looked at the prices", "middle", "medium"),
    _Signal("paper", ("white_paper",), "downloaded a white paper", "middle", "medium"),
    _Signal("seminar", ("webinar",), "attended a webinar", "middle", "medium"),
    _Signal("returned", ("repeat_visit",), "came back to the website", "middle", "medium"),
    _Signal("subscribed", ("newsletter",), "subscribed to the newsletter", "top", "weak"),
    _Signal("visited", ("page_visit",), "visited the website", "top", "weak"),
    _Signal("listened", ("mail_opened", "call_taken"), "opened a mail or took a call", "top", "weak"),
    _Signal("fair", ("fair_visit",), "visited us at a fair", "top", "weak"),
    _Signal("opted_out", ("unsubscribe",), "opted out", "top", "negative"),
    _Signal("our_mails", ("mail_sent",), "our mails", "top", direction="outbound"),
    _Signal("our_calls", ("cold_call", "sales_call"), "our calls", "top", direction="outbound"),
)

_SETTINGS = """\
# A simulated world: no person or company in it exists.
[data]
name = "simulated, {leads} leads, seed {seed}"
interactions = {{ path = "interactions.parquet" }}
leads = {{ path = "leads.parquet" }}
outcomes = {{ path = "outcomes.parquet", won = ["won"], lost = ["lost"] }}
observed_until = "{until}"

[snapshots]
horizon = "{horizon}"
every = "{every}"
train = ["{first:%Y-%m-%d}", "{test:%Y-%m-%d}"]
test = {{ from = "{test:%Y-%m-%d}" }}
"""

_README = """\
This data set is simulated: no person or company in it exists.

{leads} leads of a world in which marketing, interest and buying excite each other and fade, from {start:%Y-%m-%d} to {until:%Y-%m-%d}.
Written by leadheat's simulator with seed {seed}{options}.

interactions.parquet   what leads did and what was done about them; some are recorded late, some twice
leads.parquet          who they are, where they came from, whether they agreed to mails
outcomes.parquet       which leads were won or lost, and when
truth.parquet          for every lead that was open at a midnight (UTC), every seven days: the true probability that it is won within
                       {horizon}, given everything that happened to it before. Computed by formula from the equations of the world; no model
                       sees it.
leadheat.toml          how to read the above
"""


class Period(NamedTuple):
    """When the world begins and ends, the first moment of the truth, and the first that is for tests; days in UTC."""

    start: datetime
    first: datetime
    test: datetime
    end: datetime


def settings_text(leads: int, seed: int, period: Period, horizon: int, every: int) -> str:
    """The ``leadheat.toml`` of a world; horizon and distance of the snapshots in microseconds."""
    head = _SETTINGS.format(
        leads=leads,
        seed=seed,
        until=period.end.isoformat(),
        horizon=format_duration(horizon),
        every=format_duration(every),
        first=period.first,
        test=period.test,
    )
    return head + "".join(_signal_text(signal) for signal in _SIGNALS)


def _signal_text(signal: _Signal) -> str:
    types = ", ".join(f'"{name}"' for name in signal.types)
    strength = f'strength = "{signal.strength}"\n' if signal.strength else ""
    return (
        f'\n[signals.{signal.name}]\ntypes = [{types}]\ndirection = "{signal.direction}"\n{strength}'
        f'funnel = "{signal.funnel}"\nwords = "{signal.words}"\n'
    )


def readme(leads: int, seed: int, options: str, period: Period, horizon: int) -> str:
    """What the folder is; options in words, empty for the plain world."""
    extra = f" and {options}" if options else ""
    return _README.format(leads=leads, seed=seed, options=extra, start=period.start, until=period.end, horizon=format_duration(horizon))
