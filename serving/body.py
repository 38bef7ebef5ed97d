"""A pydantic type as it is read from a request or written into an answer."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from pydantic import TypeAdapter, ValidationError
from starlette.datastructures import QueryParams

from serving.errors import invalid


class Body:
    """A body, a query or an answer.

    Args:
        kind: a pydantic model, a TypedDict, a dataclass, or a list of such.
    """

    def __init__(self, kind: Any) -> None:
        self.adapter: TypeAdapter[Any] = TypeAdapter(kind)

    @cached_property
    def schema(self) -> dict[str, Any]:
        """In words of JSON schema."""
        return self.adapter.json_schema()

    def read(self, body: bytes) -> Any:
        """The checked value of a body, which is read as JSON whatever its content type says.

        Raises:
            RequestError: it is no JSON, or not of the type.
        """
        try:
            return self.adapter.validator.validate_json(body)
        except ValidationError as error:
            raise invalid(error, self.schema) from error

    def read_query(self, query: QueryParams) -> Any:
        """The checked value of a query; only what is declared as a list may be given more than once.

        Raises:
            RequestError: it is not of the type.
        """
        lists = {name for name, one in self.schema.get("properties", {}).items() if _is_list(one)}
        values = {name: given if name in lists or len(given) > 1 else given[0] for name in query if (given := query.getlist(name))}
        try:
            return self.adapter.validate_python(values)
        except ValidationError as error:
            raise invalid(error, self.schema, "query") from error

    def write(self, value: Any) -> bytes:
        """The value as JSON, in the names of the schema; numbers keep every bit."""
        return self.adapter.dump_json(value, by_alias=True)


def _is_list(schema: dict[str, Any]) -> bool:
    return schema.get("type") == "array" or any(map(_is_list, schema.get("anyOf", ())))
