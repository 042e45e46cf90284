"""Canonical JSON and the fingerprints made of it.

A fingerprint changes exactly when a meaning does: descriptions, owners and the user's spelling of
an expression are no part of it.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

FORMAT = 1
"""Version of the blueprint's JSON."""

MEANING = 1
"""Version of the kernel's meaning; part of every fingerprint."""

FINGERPRINT_HEX_DIGITS = 16
"""64 bits: two of a million versions agree by chance with probability 3e-8."""


def canonical_json(value: Any) -> bytes:
    """Return JSON with sorted keys and no spaces, in UTF-8.

    >>> canonical_json({"b": 1, "a": ["é", None]}).decode()
    '{"a":["é",null],"b":1}'
    """
    text = json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode()


def fingerprint(meaning: dict[str, Any]) -> str:
    """Return the fingerprint of a meaning: 16 hexadecimal digits."""
    salted = canonical_json({"meaning_version": MEANING, "of": meaning})
    return hashlib.sha256(salted).hexdigest()[:FINGERPRINT_HEX_DIGITS]
