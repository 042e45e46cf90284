"""The verbs over HTTP: a backend as `headwater.workspace` has one in process.

Loaded only by `hw.connect` and the CLI, since it needs an HTTP library. Must never interpret rows.
"""

from headwater.client.client import Client

__all__ = ["Client"]
