"""A view in a role renames keys that it has, and requests stay unambiguous.

Why: one request column feeds every view that reads a key of its name, so types must agree; and
two views in one role under different keys would give two meanings to one column.
Example: `AirportDelay.as_("dest", aiport="dest")`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.compile.names import is_name
from headwater.compile.problems import problem
from headwater.compile.service import picked
from headwater.errors import near_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headwater.compile.facts import Facts
    from headwater.define import FeatureService, Role
    from headwater.errors import Problem


def check(service: FeatureService, facts: Facts) -> Iterator[Problem]:
    """Check the roles of a service and the keys of its requests."""
    parts = [picked(each) for each in service.features]
    for role in dict.fromkeys(part.role for part in parts):
        if role is not None:
            yield from _check_role(service, role, facts)
    yield from _check_keys(service, facts)


def _check_role(service: FeatureService, role: Role, facts: Facts) -> Iterator[Problem]:
    origin = facts.service_origin(service)
    view = picked(role.view).view
    names = [key.name for key in facts.keys(view)]
    if not is_name(role.name):
        yield problem(
            origin,
            "role",
            f"role {role.name!r} of view {view.name} cannot be a name",
            hint="output columns begin with it: letters, digits and underscores",
        )
    for name, column in role.keys.items():
        if name not in names:
            yield problem(
                origin,
                "role_key",
                f"role {role.name} of view {view.name}: the view has no key {name}",
                hint=near_names(name, names),
            )
        elif not isinstance(column, str) or not column:
            yield problem(
                origin,
                "role_key",
                f"role {role.name} of view {view.name}: key {name} is read from {column!r}",
                hint="give the name of a request column",
            )


def _check_keys(service: FeatureService, facts: Facts) -> Iterator[Problem]:
    origin = facts.service_origin(service)
    first: dict[str, tuple[str, object]] = {}
    reads: dict[tuple[str, str | None], list[str]] = {}
    for part in map(picked, service.features):
        role = None if part.role is None else part.role.name
        renamed = {} if part.role is None else part.role.keys
        keys = facts.keys(part.view)
        columns = [renamed.get(key.name, key.name) for key in keys]
        if reads.setdefault((part.view.name, role), columns) != columns:
            yield problem(
                origin,
                "role",
                f"view {part.view.name} is in role {role} under different keys",
                hint="give the second another role",
            )
        for column, key in zip(columns, keys, strict=True):
            view, kind = first.setdefault(column, (part.view.name, key.type))
            if None not in (kind, key.type) and kind is not key.type:
                yield problem(
                    origin,
                    "request_key",
                    f"request key {column} is {kind} for view {view}"
                    f" and {key.type} for view {part.view.name}",
                    hint='give one view a role that reads another column: View.as_("role", ...)',
                )
