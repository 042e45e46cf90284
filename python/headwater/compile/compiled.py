"""The compiled form of a set of definitions, and how objects and names are found in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from headwater.compile.fingerprint import canonical_json
from headwater.define import (
    FeatureService,
    StreamDefinition,
    TableDefinition,
    ViewDefinition,
)
from headwater.errors import NotFoundError, near_names


@dataclass(frozen=True, slots=True)
class Target:
    """What a question asks for: a service or a view, by name."""

    kind: Literal["service", "view"]
    name: str


@dataclass(frozen=True, slots=True)
class Compiled:
    """A blueprint, with look-ups by object or name.

    `blueprint` is plain JSON data, exactly what the kernel reads.
    """

    blueprint: dict[str, Any]

    def to_json(self) -> bytes:
        """Return the blueprint as canonical JSON."""
        return canonical_json(self.blueprint)

    def target(self, asked: Any) -> Target:
        """Return what is meant by a service, a view class or a name (matched exactly).

        A name that both have means the service.

        Raises:
            NotFoundError: nothing is called so (code `unknown_name`).
        """
        if isinstance(asked, FeatureService):
            return Target("service", self._known("services", asked.name, "service"))
        if isinstance(asked, str):
            if asked in self.names("services"):
                return Target("service", asked)
            if asked in self.names("views"):
                return Target("view", asked)
            known = [*self.names("services"), *self.names("views")]
            raise NotFoundError(
                f"there is no service or view {asked}",
                code="unknown_name",
                hint=near_names(asked, known),
            )
        definition = _definition(asked)
        if isinstance(definition, ViewDefinition):
            return Target("view", self._known("views", definition.name, "view"))
        raise NotFoundError(
            f"{asked!r} is no service or view",
            code="unknown_name",
            hint="give a service, a view class or the name of one",
        )

    def service(self, asked: Any) -> dict[str, Any]:
        """Return a service of the blueprint, by object or name."""
        name = asked.name if isinstance(asked, FeatureService) else asked
        return self._found("services", str(name), "service")

    def view(self, asked: Any) -> dict[str, Any]:
        """Return a view of the blueprint, by class or name."""
        definition = _definition(asked)
        name = definition.name if isinstance(definition, ViewDefinition) else asked
        return self._found("views", str(name), "view")

    def stream(self, asked: Any) -> str:
        """Return the name of a stream, from its class or name."""
        definition = _definition(asked)
        name = definition.name if isinstance(definition, StreamDefinition) else asked
        return self._known("streams", str(name), "stream")

    def table(self, asked: Any) -> str:
        """Return the name of a table, from its class or name."""
        definition = _definition(asked)
        name = definition.name if isinstance(definition, TableDefinition) else asked
        return self._known("tables", str(name), "table")

    def names(self, kind: str) -> list[str]:
        """Return the names of `streams`, `tables`, `views` or `services`."""
        return [each["name"] for each in self.blueprint[kind]]

    def _known(self, kind: str, name: str, noun: str) -> str:
        return str(self._found(kind, name, noun)["name"])

    def _found(self, kind: str, name: str, noun: str) -> dict[str, Any]:
        for each in self.blueprint[kind]:
            if each["name"] == name:
                return dict(each)
        raise NotFoundError(
            f"there is no {noun} {name}",
            code=f"unknown_{noun}",
            hint=near_names(name, self.names(kind)),
        )


def _definition(asked: Any) -> object:
    return vars(asked).get("__definition__") if isinstance(asked, type) else None
