"""``[[next_steps]]``: what to do next, declared as a table of conditions and words; the first row whose conditions all hold decides.

A file states only what it wants otherwise than the rows of ``DEFAULT_STEPS``: a row with the ``rule`` of one of them takes its place, and
any other comes first, or right before the one that it names:

    [[next_steps]]
    when = { signal = "prices", within = "3d", temperature = "warm" }
    words = "Call and go through the prices"
    rule = "warm, and read the prices"
    before = "enough touches without an answer"

Consent comes before everything: a row speaks of leads that may be contacted and scored, unless ``permission`` says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Literal, Self, TypeVar

from pydantic import BeforeValidator, Field, model_validator

from features.contract import Duration, Strict
from features.data_settings import Names, one_or_more
from features.nearest import aside
from features.signals import Funnel
from models.temperature import Temperature

Stage = Literal["unqualified", "mql", "sql", "pql"]
Missing = Literal["opted_out", "not_agreed", "no_profiling"]
"""What a lead has not permitted: contact, after it opted out; contact, because no ground is on record; to be scored."""
Kind = TypeVar("Kind")
Some = Annotated[tuple[Kind, ...], BeforeValidator(one_or_more)]
"""One value, or a list of those of which any will do."""
MOST_ASKED = 40
"""Different signals, within different times, that the rows may ask for: each lead's facts are to fit into 64 bits."""


class When(Strict):
    """The conditions of a row, all of which must hold; none holds for every lead.

    Attributes:
        permission: what the lead has not permitted; without it, the lead has permitted everything.
        temperature: any of these.
        stage: any of these.
        funnel: any of these positions.
        fresh: a signal of this strength was seen within ``qualification.fresh_within``.
        answered: our latest touch is later than the latest thing the lead did.
        strong: a strong signal was seen within ``qualification.strong_within``.
        handed_over: the lead belongs to sales.
        product: the lead used the product within ``qualification.recent_within``.
        missed: the lead missed an appointment within ``qualification.recent_within``.
        exhausted: ``qualification.most_touches`` touches are without an answer.
        signal: any of these declared signals was seen ``within``.
        within: how far back ``signal`` looks; ``qualification.recent_within`` by default.
    """

    permission: Missing | None = None
    temperature: Some[Temperature] = ()
    stage: Some[Stage] = ()
    funnel: Some[Funnel] = ()
    fresh: Literal["strong", "medium"] | None = None
    answered: bool | None = None
    strong: bool | None = None
    handed_over: bool | None = None
    product: bool | None = None
    missed: bool | None = None
    exhausted: bool | None = None
    signal: Names = ()
    within: Duration | None = None

    @model_validator(mode="after")
    def _within_of_a_signal(self) -> Self:
        if self.within is not None and not self.signal:
            raise ValueError('"within" says how long ago a signal may be; name it: { signal = "prices", within = "3d" }')
        return self


class NextStepSettings(Strict):
    """One ``[[next_steps]]`` row.

    Attributes:
        when: its conditions.
        words: what to do, in any language.
        rule: why, in words; the name of the row.
        before: the row in front of which it is looked at.
    """

    when: When = When()
    words: str = Field(min_length=1, max_length=500)
    rule: str = Field(min_length=1, max_length=200)
    before: str | None = None


Steps = tuple[NextStepSettings, ...]


def _step(words: str, rule: str, when: When) -> NextStepSettings:
    return NextStepSettings(when=when, words=words, rule=rule)


_WARMER: tuple[Temperature, ...] = ("warm", "hot")
DEFAULT_STEPS: Steps = (
    _step("Do not contact; wait until they come back by themselves", "opted out", When(permission="opted_out")),
    _step(
        "Do not contact before they agree; offer the opt-in where they visit", "no consent to be contacted", When(permission="not_agreed")
    ),
    _step("Answer what they ask and use no score", "no consent to profiling", When(permission="no_profiling")),
    _step("Call now and offer two dates", "a fresh strong signal without an answer", When(fresh="strong", answered=False)),
    _step(
        "Answer now what they came for and ask one question",
        "a fresh medium signal without an answer",
        When(fresh="medium", answered=False),
    ),
    _step("Wait and leave the next move to them", "enough touches without an answer", When(exhausted=True)),
    _step("Offer two new dates and remind them the day before", "missed an appointment", When(missed=True)),
    _step("Wait for their reply; ask again after two days", "a fresh strong signal, answered", When(fresh="strong", answered=True)),
    _step("Call and help them with the product", "uses the product and belongs to sales", When(handed_over=True, product=True)),
    _step("Call and offer two dates", "a strong signal", When(strong=True, handed_over=True)),
    _step("Call and ask what they need", "belongs to sales", When(handed_over=True)),
    _step(
        "Send a case study and offer a talk",
        "warm, beyond the top of the funnel",
        When(temperature=_WARMER, funnel=("middle", "bottom")),
    ),
    _step("Invite to a webinar and send a white paper", "warm, at the top of the funnel", When(temperature=_WARMER)),
    _step("Keep informed by newsletter and articles; no call", "cold", When()),
)
"""The rows of who declares none: sales practice, see ``models.lifecycle``."""


def with_defaults(declared: Sequence[NextStepSettings]) -> Steps:
    """The whole table of a file that declares some rows.

    Raises:
        ValueError: two rows have one name, ``before`` names none, or some lead would be left without a step.
    """
    _check_names(declared)
    own = {row.rule: row for row in declared}
    table = [own.get(row.rule, row) for row in DEFAULT_STEPS]
    names = [row.rule for row in table]
    front = 0
    for row in declared:
        if row.rule in names:
            continue
        place = front if row.before is None else _place(row, names)
        table.insert(place, row)
        names.insert(place, row.rule)
        front += place <= front
    _check_complete(table)
    return tuple(table)


def check_signals(rows: Steps, signals: Iterable[str]) -> None:
    """Refuse signals that no ``[signals.NAME]`` table declares.

    Raises:
        ValueError: a row names one, or there are more than ``MOST_ASKED``.
    """
    known = sorted(signals)
    asked = {(name, row.when.within) for row in rows for name in row.when.signal}
    if len(asked) > MOST_ASKED:
        raise ValueError(f"the next steps ask for {len(asked)} signals within a time; {MOST_ASKED} are the most that they may")
    for row in rows:
        for name in row.when.signal:
            if name not in known:
                hint = aside(name, known) or f"; declare it: [signals.{name}]"
                raise ValueError(f'the next step "{row.rule}" names the signal "{name}", which is not declared{hint}')


def _check_names(rows: Sequence[NextStepSettings]) -> None:
    names = [row.rule for row in rows]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f'two rows are called "{twice[0]}"; give each its own rule')


def _place(row: NextStepSettings, names: list[str]) -> int:
    if row.before in names:
        return names.index(row.before)
    raise ValueError(f'"{row.rule}" is to come before "{row.before}", which is no rule{aside(row.before or "", names, 0.0)}')


def _check_complete(table: Sequence[NextStepSettings]) -> None:
    """Whatever a lead has permitted or not, there must be a row that asks for nothing else."""
    for row in DEFAULT_STEPS:
        catch_all = row.when == When(permission=row.when.permission)
        if catch_all and all(one.when != row.when for one in table):
            conditions = f'{{ permission = "{row.when.permission}" }}' if row.when.permission else "{ }"
            raise ValueError(f'the row "{row.rule}" must take every lead that no other takes: when = {conditions}')
