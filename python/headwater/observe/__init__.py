"""What is told to whoever runs the program, beside results: on stderr, never on stdout.

Must never raise, wait or be needed for a result: what it says stands in a result too.
"""

from __future__ import annotations

import sys

__all__ = ["tell"]


def tell(text: str) -> None:
    """Write a line to stderr, if there is one."""
    if sys.stderr is not None:
        sys.stderr.write(f"headwater: {text}\n")
        sys.stderr.flush()
