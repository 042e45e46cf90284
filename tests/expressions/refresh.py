"""Writes the compiled trees into `cases.json`: `python tests/expressions/refresh.py`.

Texts, rows and answers are written by hand; `type`, `tree` and `fallible` are what the compiler
makes of a text, kept there so that the Rust test evaluates the very trees that Python compiles. A
changed tree is a changed meaning or a changed fingerprint: read the difference before keeping it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from headwater.compile.expressions import compile_expression
from headwater.errors import InvalidError, Origin
from headwater.types import Column, DataType

CASES = Path(__file__).with_name("cases.json")


def compiled(case: dict[str, Any]) -> dict[str, Any]:
    """Return what the compiler says of a case: type, tree and fallible, or the refusal."""
    columns = {
        name: Column(name, DataType(kind), nullable=True) for name, kind in case["columns"].items()
    }
    try:
        found = compile_expression(case["text"], columns, where=Origin("a case"))
    except InvalidError as error:
        return {"refused": f"{error.code}: {error.message}"}
    return {"type": found.type.value, "fallible": found.fallible, "tree": found.tree}


def load() -> list[dict[str, Any]]:
    """Return the cases."""
    return json.loads(CASES.read_text(encoding="utf-8"))


def main() -> None:
    """Rewrite the file, one case a line; a refusal is never written by this program."""
    lines = []
    for case in load():
        found = compiled(case)
        kept = {name: value for name, value in case.items() if name not in found}
        written = case if "refused" in found else kept | found
        lines.append(json.dumps(written, ensure_ascii=True))
    CASES.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
