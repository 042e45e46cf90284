"""The metaclass of definitions written as classes: frozen, without instances or subclasses.

The data of a definition is a frozen dataclass in the class attribute `__definition__`; this file
only guards it. Must never register a class anywhere: importing definitions has no side effect.
"""

from __future__ import annotations

import inspect
from typing import Any, NoReturn

from headwater.errors import DefinitionError, near_names


class DefinitionMeta(type):
    """Makes a class plain data: its attributes cannot be set and it cannot be instantiated."""

    def __new__(
        mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], /, **options: object
    ) -> DefinitionMeta:
        """Make a class of a definition.

        Raises:
            DefinitionError: a class argument that its base does not take (code `unknown_option`).
        """
        for base in bases[:1]:
            known = inspect.signature(base.__init_subclass__).parameters
            if any(each.kind is each.VAR_KEYWORD for each in known.values()):
                continue
            for option in sorted(options.keys() - known.keys()):
                raise DefinitionError(
                    f"{name} has no option {option}=",
                    code="unknown_option",
                    hint=near_names(option, known),
                )
        return super().__new__(mcs, name, bases, namespace, **options)

    def __setattr__(cls, name: str, value: object) -> None:
        """Refuse: what a definition means is settled where it is written."""
        # abc, typing and weakref keep their own notes under dunder names.
        if name.startswith("__") and name.endswith("__"):
            super().__setattr__(name, value)
            return
        raise DefinitionError(
            f"{cls.__name__} is frozen: {name} cannot be set",
            code="frozen",
            hint="change the class where it is defined",
        )

    def __delattr__(cls, name: str) -> None:
        """Refuse, as for setting."""
        raise DefinitionError(
            f"{cls.__name__} is frozen: {name} cannot be deleted",
            code="frozen",
            hint="change the class where it is defined",
        )

    def __call__(cls, *_: Any, **__: Any) -> NoReturn:
        """Refuse: events and rows are plain dicts or Arrow tables."""
        raise DefinitionError(
            f"{cls.__name__} is a definition and has no instances",
            code="no_instances",
            hint="events and rows are dicts or Arrow tables",
        )

    def __getattr__(cls, name: str) -> NoReturn:
        """Say which names are near."""
        known = [each for each in vars(cls) if not each.startswith("_")]
        hint = near_names(name, known) if not name.startswith("_") else ""
        text = f"{cls.__name__} has no attribute {name}"
        raise AttributeError(f"{text}: {hint}" if hint else text)


def freeze(cls: type, definition: object) -> None:
    """Attach the data of a definition to its class."""
    type.__setattr__(cls, "__definition__", definition)


def definition_name(cls: type, name: object) -> str:
    """Return the name of a definition: as given, else the class's.

    Raises:
        DefinitionError: it is not a text (code `name`).
    """
    if name is None:
        return cls.__name__
    if not isinstance(name, str):
        raise DefinitionError(
            f"name of {cls.__name__} is {name!r}, not a text",
            code="name",
            hint='leave name= out, or give one, such as "Departure"',
        )
    return name


def refuse_subclass(cls: type, base: type) -> None:
    """Raise when `cls` extends a definition instead of `base` itself.

    Raises:
        DefinitionError: what a definition means stands in one place (code `subclass`).
    """
    if cls.__bases__ != (base,):
        raise DefinitionError(
            f"{cls.__name__} must derive from hw.{base.__name__} alone",
            code="subclass",
            detail=f"its bases are: {', '.join(each.__name__ for each in cls.__bases__)}",
            hint="definitions do not inherit from each other; write the columns out",
        )
