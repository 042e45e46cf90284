"""Names of streams and tables: what a verb was given, as the data plane calls it."""

from __future__ import annotations

from headwater.define import StreamDefinition, TableDefinition
from headwater.errors import InvalidError


def source_name(source: str | type) -> str:
    """Return the name of a stream or table, from its class or name.

    Raises:
        InvalidError: `not_a_source`: it is neither.
    """
    if isinstance(source, str):
        return source
    definition = vars(source).get("__definition__") if isinstance(source, type) else None
    if isinstance(definition, StreamDefinition | TableDefinition):
        return definition.name
    raise InvalidError(
        f"{source!r} is no stream or table",
        code="not_a_source",
        hint="give its class or its name",
    )
