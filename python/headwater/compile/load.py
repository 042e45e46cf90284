"""Loads a file or module of definitions, as the settings name it.

A load error stops: half a module of definitions must never pass for the whole.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import linecache
import sys
import traceback
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from headwater.errors import HeadwaterError, InvalidError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType


def load_definitions(source: Path | str, folder: Path) -> ModuleType:
    """Run a file of definitions, or import a module of them.

    Args:
        source: an absolute path of a Python file, or the name of a module.
        folder: goes first where modules are looked for, while this one is loaded.

    Returns:
        The module. A file is run anew each time, under a name of its own, so that it replaces no
        module of the program.

    Raises:
        NotFoundError: there is no such file or module (code `no_definitions`).
        InvalidError: it failed to load (code `definitions_load`); its error is the cause.
    """
    with _searching(folder):
        return _run(source) if isinstance(source, Path) else _imported(source, folder)


def _run(file: Path) -> ModuleType:
    if not file.is_file():
        raise NotFoundError(
            "there are no definitions",
            code="no_definitions",
            detail=f"looked for {file}",
            hint="[project] definitions names a Python file or a module",
        )
    # Two projects in one process may both have a features.py.
    name = f"headwater_definitions_{zlib.crc32(str(file).encode()):08x}_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise InvalidError(
            f"{file} is no Python file",
            code="definitions_load",
            hint="its name ends in .py",
        )
    linecache.checkcache(str(file))
    module = importlib.util.module_from_spec(spec)
    before = sys.modules.get(name)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        sys.modules.pop(name)
        if before is not None:
            sys.modules[name] = before
        raise _failed(str(file), error) from error
    return module


def _imported(name: str, folder: Path) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise _failed(name, error) from error
        raise NotFoundError(
            f"there is no module {name} of definitions",
            code="no_definitions",
            detail="\n".join(
                f"looked in {each}" for each in dict.fromkeys([str(folder), *sys.path])
            ),
            hint='[project] definitions names a module, or a file such as "features.py"',
        ) from error
    except Exception as error:
        raise _failed(name, error) from error


def _failed(what: str, error: Exception) -> HeadwaterError:
    """Say where in the user's code it failed; the traceback hangs on as the cause."""
    frames = [
        each
        for each in traceback.extract_tb(error.__traceback__)
        if not each.filename.startswith("<frozen") and "importlib" not in each.filename
    ]
    own = [each for each in frames if not Path(each.filename).is_relative_to(_PACKAGE)]
    at = f"{own[-1].filename}:{own[-1].lineno}: " if own else ""
    if isinstance(error, SyntaxError):
        at = f"{error.filename}:{error.lineno}: "
    hint = error.hint if isinstance(error, HeadwaterError) else ""
    text = (
        error.message if isinstance(error, HeadwaterError) else f"{type(error).__name__}: {error}"
    )
    return InvalidError(
        f"the definitions of {what} failed to load",
        code="definitions_load",
        detail=f"{at}{text}",
        hint=hint,
    )


_PACKAGE = Path(__file__).parents[1]


@contextlib.contextmanager
def _searching(folder: Path) -> Iterator[None]:
    place = str(folder)
    sys.path.insert(0, place)
    try:
        yield
    finally:
        if place in sys.path:
            sys.path.remove(place)
