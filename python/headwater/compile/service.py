"""Lowers a service: which views it reads in which roles, and its output columns in order.

Shared with the rules of services, which look at the same inputs and columns before they count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headwater.compile.fingerprint import fingerprint
from headwater.compile.names import role_column, window_suffix
from headwater.define import Aggregate, FeaturePick, Role, ViewDefinition, ViewInRole, WindowPick

if TYPE_CHECKING:
    from headwater.define import FeatureService


@dataclass(frozen=True, slots=True)
class Picked:
    """An element of a service's list, taken apart."""

    view: ViewDefinition
    role: Role | None
    feature: str | None
    window: str | None


def picked(pick: Any) -> Picked:
    """Take an element of a service's list apart."""
    match pick:
        case WindowPick(feature, window):
            return Picked(_view(feature.view), feature.role, feature.name, window)
        case FeaturePick():
            return Picked(_view(pick.view), pick.role, pick.name, None)
        case ViewInRole():
            return Picked(_view(pick.__role__.view), pick.__role__, None, None)
        case _:
            return Picked(_view(pick), None, None, None)


def window_names(aggregate: Aggregate) -> list[tuple[str, ...]]:
    """Return for each window of an aggregate, in order, by what a pick may call it."""
    return [
        (window_suffix(window),) if over.name is None else (over.name, window_suffix(window))
        for over in aggregate.overs
        for window in over.windows
    ]


def windows_picked(aggregate: Aggregate, window: str) -> list[int]:
    """Return the positions of the windows that a pick means; one, unless it is wrong.

    A window without a name of its own goes first, since `.named` exists to tell two apart.
    """
    names = window_names(aggregate)
    first = [position for position, each in enumerate(names) if each[0] == window]
    return first or [position for position, each in enumerate(names) if window in each]


def lower_service(service: FeatureService, views: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return a service of the blueprint, from its lowered views by name."""
    inputs: list[dict[str, Any]] = []
    columns: list[dict[str, Any]] = []
    keys: dict[str, str] = {}
    for pick in service.features:
        part = picked(pick)
        view = views[part.view.name]
        renamed = {} if part.role is None else dict(part.role.keys)
        role = None if part.role is None else part.role.name
        request_keys = [renamed.get(key["name"], key["name"]) for key in view["keys"]]
        read = {"view": part.view.name, "role": role, "keys": request_keys}
        if read not in inputs:
            inputs.append(read)
        for name, key in zip(request_keys, view["keys"], strict=True):
            keys.setdefault(name, key["type"])
        columns += [
            {"name": role_column(role, column), "input": inputs.index(read), "column": column}
            for column in _columns(part, view)
        ]
    meaning: dict[str, Any] = {
        "name": service.name,
        "keys": [{"name": name, "type": kind} for name, kind in keys.items()],
        "inputs": inputs,
        "columns": columns,
    }
    versions = {read["view"]: views[read["view"]]["version"] for read in inputs}
    return {**meaning, "version": fingerprint({**meaning, "views": versions})}


def _columns(part: Picked, view: dict[str, Any]) -> list[str]:
    """Return the columns of the view that an element picks, in order of definition."""
    chosen = [each for each in view["features"] if part.feature in (None, each["name"])]
    if part.window is not None:
        aggregate = dict(part.view.features)[str(part.feature)]
        if isinstance(aggregate, Aggregate):
            chosen = [chosen[each] for each in windows_picked(aggregate, part.window)]
    return [str(each["column"]) for each in chosen]


def _view(cls: type) -> ViewDefinition:
    definition = vars(cls)["__definition__"]
    if not isinstance(definition, ViewDefinition):
        raise TypeError(f"{cls.__name__} is no view")
    return definition
