"""The checks of a compile, a rule a file, in the order in which they speak.

A new rule is a file and a line here. A rule is a pure function: what it looks at, the facts, and
out come problems. It stays silent about what another rule reports.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from headwater.compile.rules import (
    aggregate_input,
    column_clash,
    column_type,
    default_type,
    durations,
    expression,
    flags,
    id_and_order,
    last_n,
    name_clash,
    names,
    not_supported,
    over,
    resolution,
    scale,
    service_columns,
    service_features,
    service_roles,
    stream_options,
    table_column,
    table_key,
    table_time,
    time_column,
    view_keys,
    view_source,
    where_boolean,
    window_length,
    window_spelling,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from headwater.compile.collect import Collected
    from headwater.compile.facts import Facts
    from headwater.define import (
        Entity,
        FeatureService,
        SourceDefinition,
        StreamDefinition,
        TableDefinition,
        ViewDefinition,
    )
    from headwater.errors import Problem

_Subject = TypeVar("_Subject")

SOURCE_RULES: tuple[Callable[[SourceDefinition, Facts], Iterator[Problem]], ...] = (
    names.check_source,
    column_type.check,
    scale.check,
    durations.check,
)
STREAM_RULES: tuple[Callable[[StreamDefinition, Facts], Iterator[Problem]], ...] = (
    time_column.check,
    id_and_order.check,
    stream_options.check,
)
TABLE_RULES: tuple[Callable[[TableDefinition, Facts], Iterator[Problem]], ...] = (
    table_key.check,
    table_time.check,
    flags.check_table,
)
ENTITY_RULES: tuple[Callable[[Entity, Facts], Iterator[Problem]], ...] = (
    names.check_entity,
    view_keys.check_entity,
)
VIEW_RULES: tuple[Callable[[ViewDefinition, Facts], Iterator[Problem]], ...] = (
    names.check_view,
    view_source.check,
    flags.check_view,
    view_keys.check,
    table_column.check,
    expression.check,
    where_boolean.check,
    aggregate_input.check,
    over.check,
    window_length.check,
    window_spelling.check,
    resolution.check,
    not_supported.check,
    last_n.check,
    default_type.check,
    column_clash.check,
)
SERVICE_RULES: tuple[Callable[[FeatureService, Facts], Iterator[Problem]], ...] = (
    names.check_service,
    service_features.check,
    service_roles.check,
    service_columns.check,
)


def problems(collected: Collected, facts: Facts) -> Iterator[Problem]:
    """Yield all that is wrong: the set first, then each definition by every rule of its kind."""
    yield from name_clash.check(collected, facts)
    yield from _each(SOURCE_RULES, collected.sources(), facts)
    yield from _each(STREAM_RULES, collected.streams, facts)
    yield from _each(TABLE_RULES, collected.tables, facts)
    yield from _each(ENTITY_RULES, collected.entities, facts)
    yield from _each(VIEW_RULES, collected.views, facts)
    yield from _each(SERVICE_RULES, collected.services, facts)


def _each(
    rules: Iterable[Callable[[_Subject, Facts], Iterator[Problem]]],
    subjects: Iterable[_Subject],
    facts: Facts,
) -> Iterator[Problem]:
    for subject in subjects:
        for rule in rules:
            yield from rule(subject, facts)
