"""What a question asks for: a service or a view, as it was given to a verb."""

from __future__ import annotations

from headwater.define import FeatureService, ViewDefinition
from headwater.errors import InvalidError


def target_of(features: object) -> tuple[str, str]:
    """Return what is asked for as (`service`, `view` or `name`, its name).

    A bare name is a service before it is a view; whoever knows the definitions decides.

    Raises:
        InvalidError: `not_a_question`: it is neither a service, a view nor a name.
    """
    if isinstance(features, str):
        return "name", features
    if isinstance(features, FeatureService):
        return "service", features.name
    definition = vars(features).get("__definition__") if isinstance(features, type) else None
    if isinstance(definition, ViewDefinition):
        return "view", definition.name
    raise InvalidError(
        f"{features!r} is no service or view",
        code="not_a_question",
        hint="give a service, a view class or the name of one",
    )
