"""Where a definition stands in the user's code, found only once an error needs it.

Sources are read, never executed, and no stack is looked at: a class is found by its name in the
source of its module, or in the cells of a notebook. Must never fail: no source, no location.
"""

from __future__ import annotations

import ast
import linecache
import sys
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from headwater.errors import Location, Origin

if TYPE_CHECKING:
    from collections.abc import Iterator


def class_origin(definition: str, cls: type, attribute: str = "", argument: str = "") -> Origin:
    """Return the origin of a class, or of an attribute or a class argument of it."""
    return Origin(definition, partial(_locate_class, cls, attribute, argument))


def call_origin(definition: str, function: str, name: str, modules: tuple[str, ...]) -> Origin:
    """Return the origin of `function("name", ...)`, looked for in these modules.

    Entities and services are objects, which know neither their line nor their module; so the
    modules of the classes around them are searched.
    """
    return Origin(definition, partial(_locate_call, function, name, modules))


@dataclass(frozen=True, slots=True)
class _Source:
    file: str
    tree: ast.Module


def _locate_class(cls: type, attribute: str, argument: str) -> Location | None:
    for source in _sources(cls.__module__):
        node = _find_class(source.tree, cls.__qualname__)
        if node is not None:
            return Location(source.file, _line(node, attribute, argument))
    return None


def _locate_call(function: str, name: str, modules: tuple[str, ...]) -> Location | None:
    for module in modules:
        for source in _sources(module):
            for node in ast.walk(source.tree):
                if isinstance(node, ast.Call) and _is_call(node, function, name):
                    return Location(source.file, node.lineno)
    return None


def _is_call(node: ast.Call, function: str, name: str) -> bool:
    called = node.func.attr if isinstance(node.func, ast.Attribute) else node.func
    if isinstance(called, ast.Name):
        called = called.id
    given = [*node.args[:1], *(each.value for each in node.keywords if each.arg == "name")]
    return called == function and any(
        isinstance(each, ast.Constant) and each.value == name for each in given
    )


def _sources(module_name: str) -> Iterator[_Source]:
    """Yield what may hold a definition of this module, the likeliest first."""
    module = sys.modules.get(module_name)
    names = {} if module is None else vars(module)
    file = names.get("__file__")
    if isinstance(file, str):
        yield from _parsed(file, "".join(linecache.getlines(file, names)))
    # A notebook keeps the text of its cells in `In`; the newest definition of a name counts.
    cells = names.get("In")
    if isinstance(cells, list):
        for number, text in reversed(list(enumerate(cells))):
            if isinstance(text, str):
                yield from _parsed(f"<notebook cell {number}>", _without_magic(text))
    # Code run by exec() is known only where its runner left the text with linecache.
    for entry in reversed(list(linecache.cache)):
        if entry.startswith("<"):
            yield from _parsed(entry, "".join(linecache.getlines(entry)))


def _parsed(file: str, text: str) -> Iterator[_Source]:
    try:
        yield _Source(file, ast.parse(text))
    except (SyntaxError, ValueError):
        return  # a cell that never ran, or bytes that are no Python


def _without_magic(cell: str) -> str:
    """Return the cell under a magic such as `%%time`, which IPython keeps as a call with a text.

    The magic stood on a line of its own, kept here as an empty one.
    """
    if "run_cell_magic" not in cell:
        return cell
    for source in _parsed("", cell):
        match source.tree.body:
            case [
                ast.Expr(
                    ast.Call(ast.Attribute(attr="run_cell_magic"), [_, _, ast.Constant(str(text))])
                )
            ]:
                return f"\n{text}"
    return cell


def _find_class(tree: ast.Module, qualified_name: str) -> ast.ClassDef | None:
    """Return the last class of this qualified name: a later definition hides an earlier one."""
    found: ast.ClassDef | None = None
    pending: list[tuple[str, ast.AST]] = [("", tree)]
    while pending:
        prefix, parent = pending.pop()
        for node in ast.iter_child_nodes(parent):
            if isinstance(node, ast.ClassDef):
                if prefix + node.name == qualified_name and (
                    found is None or node.lineno > found.lineno
                ):
                    found = node
                pending.append((f"{prefix}{node.name}.", node))
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                pending.append((f"{prefix}{node.name}.<locals>.", node))
            else:
                pending.append((prefix, node))
    return found


def _line(node: ast.ClassDef, attribute: str, argument: str) -> int:
    for keyword in node.keywords:
        if argument and keyword.arg == argument:
            return keyword.value.lineno
    for statement in node.body:
        targets: list[ast.expr] = []
        if isinstance(statement, ast.Assign):
            targets = statement.targets
        elif isinstance(statement, ast.AnnAssign):
            targets = [statement.target]
        if any(isinstance(each, ast.Name) and each.id == attribute for each in targets):
            return statement.lineno
    return node.lineno
