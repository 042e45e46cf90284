"""Names of definitions and features can stand in URLs, columns and file names.

Why: `POST /v1/events/{stream}` and `{view}__{feature}_{window}` must need no quoting anywhere.
Example: `class Délai(hw.Stream, ...)` is refused; `name="Delay"` gives it another name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.compile.names import is_name
from headwater.compile.problems import problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headwater.compile.facts import Facts
    from headwater.define import Entity, FeatureService, SourceDefinition, ViewDefinition
    from headwater.errors import Origin, Problem

FORM = "begin with a letter of ASCII and go on with letters, digits and underscores"
RESERVED_FEATURES = frozenset({"as_"})


def check_source(source: SourceDefinition, facts: Facts) -> Iterator[Problem]:
    """Check the name of a stream or table."""
    yield from _check(source.name, facts.source_origin(source), class_hint=True)


def check_view(view: ViewDefinition, facts: Facts) -> Iterator[Problem]:
    """Check the name of a view, of its features and of windows named by hand."""
    yield from _check(view.name, facts.view_origin(view), class_hint=True)
    for name, _ in view.features:
        if not is_name(name) or name in RESERVED_FEATURES:
            yield problem(
                facts.view_origin(view, name),
                "name",
                f"a feature cannot be called {name}",
                hint=f"{FORM}; as_ is taken",
            )
    for fact in facts.aggregates(view):
        for over in fact.aggregate.overs:
            if over.name is not None:
                yield from _check(over.name, fact.origin)


def check_service(service: FeatureService, facts: Facts) -> Iterator[Problem]:
    """Check the name of a service."""
    yield from _check(service.name, facts.service_origin(service))


def check_entity(entity: Entity, facts: Facts) -> Iterator[Problem]:
    """Check the name of an entity and of its keys."""
    for name in (entity.name, *entity.keys):
        yield from _check(name, facts.entity_origin(entity))


def _check(name: object, origin: Origin, *, class_hint: bool = False) -> Iterator[Problem]:
    if not is_name(name):
        other = '; name="..." names a class otherwise' if class_hint else ""
        yield problem(origin, "name", f"{name!r} cannot be a name", hint=FORM + other)
