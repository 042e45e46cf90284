"""A slow, obvious reading of what a value means; it shares no code with the product.

Everything is a loop over all events. Sums are rational numbers, ordering is a tuple, and nothing is
kept between two questions. It reads the compiled definitions (plain data) and nothing else of the
package, so that a fault of the kernel cannot hide in both.
"""

from tests.oracle.answers import Event, Row, answer, found, view_values
from tests.oracle.arrival import accept, accept_rows

__all__ = ["Event", "Row", "accept", "accept_rows", "answer", "found", "view_values"]
