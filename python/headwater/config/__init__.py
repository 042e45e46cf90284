"""Settings: `headwater.toml` and the environment, as frozen data.

Bindings to the world stand here and never in definitions. Loads pydantic only when settings are
read, since `import headwater` must stay light.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from headwater.config.model import Settings

__all__ = ["SETTINGS_FILE", "load_settings"]

SETTINGS_FILE = "headwater.toml"
"""The file that is looked for in the current folder."""


def load_settings(path: str | Path | None = None) -> Settings:
    """Read settings from a file and the environment, which wins.

    Args:
        path: a file, or a folder that holds `headwater.toml`; None for the current folder.

    Returns:
        The settings; relative paths are taken from the folder of the file.

    Raises:
        NotFoundError: there is no such file (code `no_settings`); the detail lists where it was
            looked for.
        InvalidError: what it says cannot be understood (code `settings`): every unknown key, with
            near names, and every malformed value.
    """
    from headwater.config.load import load

    return load(path)
