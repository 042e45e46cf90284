"""Feature services: the features that one model asks for; and request inputs, not there yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from headwater.define.frozen import DefinitionMeta
from headwater.define.pick import FeaturePick, ViewInRole, WindowPick
from headwater.define.view import ViewDefinition
from headwater.errors import DefinitionError


@dataclass(frozen=True, init=False)
class FeatureService:
    """What one model asks for, as a list of features.

    Args:
        name: unique among services, without regard to case.
        features: views (all their features in order of definition), `View.feature` (all its
            windows), `View.feature["24h"]` (one), and any of these in a role (`View.as_(...)`).
        description: for people.

    Raises:
        DefinitionError: an element is none of these (code `service_feature`).
    """

    name: str
    features: tuple[type | FeaturePick | WindowPick | ViewInRole, ...]
    description: str = field(compare=False)
    kind: ClassVar[str] = "service"

    def __init__(self, name: str, features: Iterable[Any], *, description: str = "") -> None:
        if not isinstance(name, str) or not isinstance(features, list | tuple | Iterator):
            raise DefinitionError(
                f"hw.FeatureService({name!r}, {features!r}) has no name or no list of features",
                code="service",
                hint='hw.FeatureService("delay_model", [View, Other.feature])',
            )
        picks = tuple(features)
        for pick in picks:
            if not _is_pick(pick):
                raise DefinitionError(
                    f"service {name} lists {pick!r}, which is no feature",
                    code="service_feature",
                    hint='list views, View.feature, View.feature["24h"] or View.as_("role", ...)',
                )
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "features", picks)
        object.__setattr__(self, "description", description)


def _is_pick(pick: object) -> bool:
    if isinstance(pick, type):
        return isinstance(vars(pick).get("__definition__"), ViewDefinition)
    return isinstance(pick, FeaturePick | WindowPick | ViewInRole)


class Request(metaclass=DefinitionMeta):
    """Inputs that come with a request: not supported yet; deriving from it is refused."""

    def __init_subclass__(cls, **_: Any) -> None:
        raise DefinitionError(
            f"{cls.__name__}: hw.Request is not supported yet",
            code="not_supported",
            hint="features come from streams and tables; keys come with the request",
        )
