"""The way from definitions to a blueprint: gather, check by every rule, lower.

Pure: the same definitions give the same bytes, and nothing is read but sources for messages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headwater.compile.collect import collect
from headwater.compile.compiled import Compiled
from headwater.compile.facts import Facts
from headwater.compile.lower import lower
from headwater.compile.rules import problems
from headwater.errors import CompileError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType


def compile_definitions(definitions: ModuleType | Iterable[Any]) -> Compiled:
    """Compile a module or a list of definitions; what they stand on comes with them.

    Args:
        definitions: a module (all definitions that its names hold) or a list of services, views,
            streams, tables and entities.

    Returns:
        The blueprint, with look-ups by object or name.

    Raises:
        CompileError: all that is wrong with them, each with definition, file, line and hint.
        InvalidError: there is nothing to compile (code `no_definitions`).
    """
    collected = collect(definitions)
    facts = Facts(collected)
    found = list(problems(collected, facts))
    if found:
        raise CompileError(found)
    return Compiled(lower(collected, facts))
