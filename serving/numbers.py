"""Where a request says something else than a number of what the scorer knows as one: the scorer itself can only name the attribute."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from features.contract import LeadheatError
from features.records import NumberError, number
from features.schema import Schema
from serving.errors import Place, Problem, RefusedError, where_of


def placed(error: NumberError, asked: BaseModel, schema: Schema) -> LeadheatError:
    """What the scorer refused as no number, as ``refuse_texts`` refuses a body; the same error where that finds nothing."""
    problems = _problems(dict(asked), schema)
    return RefusedError(problems) if problems else error


def refuse_texts(asked: Mapping[str, Any], schema: Schema) -> None:
    """Refuse a request whose numeric attributes are not all numbers; each place is named, such as ``interactions.3.attributes.value``.

    Args:
        asked: a body: ``lead`` or ``leads``, ``interactions`` beside them or within.
        schema: says which attributes are numbers.

    Raises:
        RequestError: some are not.
    """
    if problems := _problems(asked, schema):
        raise RefusedError(problems)


def _problems(asked: Mapping[str, Any], schema: Schema) -> list[Problem]:
    return [Problem(where=where_of(place), what=error.what, hint=error.hint) for place, error in _misfits(asked, schema)]


def _misfits(asked: Any, schema: Schema) -> Iterator[tuple[Place, NumberError]]:
    for place, row in _rows(asked, ()):
        numeric, values = schema.numeric if "type" in row else schema.lead_numeric, row.get("attributes") or {}
        for name in numeric:
            try:
                number(values.get(name), name)
            except NumberError as error:
                yield (*place, "attributes", name), error


def _rows(part: Any, place: Place) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    """Whatever in a body may have attributes: leads and interactions."""
    if isinstance(part, Mapping):
        if "attributes" in part:
            yield place, part
        for name in ("lead", "leads", "interactions"):
            yield from _rows(part.get(name), (*place, name))
    elif isinstance(part, list):
        for number_of_row, one in enumerate(part):
            yield from _rows(one, (*place, number_of_row))
