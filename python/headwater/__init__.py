"""Headwater: one definition of a feature, the same values for training and for serving.

This file only names what users touch. It must never import anything heavy: `import headwater`
takes at most 0.3 s, so workspaces, settings and the compiler load when first used.
"""

from __future__ import annotations

__version__ = "0.1.0"
