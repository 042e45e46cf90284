"""Features picked for a service: `View.feature`, `View.feature["24h"]`, a view in a role.

Plain data about a view class and names in it; whether the names exist is checked by the compiler,
except for a misspelt feature, which Python finds at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, overload

from headwater.errors import near_names

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, init=False)
class Role:
    """A role of a view: key of the view -> request column, where it is another."""

    view: type
    name: str
    keys: Mapping[str, str]

    def __init__(self, view: type, name: str, keys: Mapping[str, str]) -> None:
        object.__setattr__(self, "view", view)
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "keys", MappingProxyType(dict(keys)))

    def __hash__(self) -> int:
        return hash((self.view, self.name, tuple(self.keys.items())))


@dataclass(frozen=True, slots=True)
class WindowPick:
    """One window of a feature, named as it was written (`24h`, `lifetime`) or by `.named`."""

    feature: FeaturePick
    window: str


@dataclass(frozen=True, slots=True)
class FeaturePick:
    """A feature of a view, with all its windows; `pick["24h"]` is one of them."""

    view: type
    name: str
    role: Role | None = None

    def __getitem__(self, window: str) -> WindowPick:
        """Pick one window, as it was written."""
        return WindowPick(self, window)

    def __iter__(self) -> Any:
        """Refuse: without this, Python would ask for windows 0, 1, 2, ... for ever."""
        raise TypeError(f"{self.view.__name__}.{self.name} is not a sequence")


class ViewInRole:
    """A view in a role, as a service lists it; made by `View.as_`.

    Its attributes are the features of the view, so its own data keep out of their way.
    """

    __slots__ = ("__role__",)
    __role__: Role

    def __init__(self, role: Role) -> None:
        object.__setattr__(self, "__role__", role)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a view in a role is frozen: {name} cannot be set")

    def __getattr__(self, name: str) -> FeaturePick:
        if name.startswith("_"):
            raise AttributeError(name)
        view = self.__role__.view
        names = [each for each, value in vars(view).items() if isinstance(value, FeaturePick)]
        if name not in names:
            hint = near_names(name, names)
            raise AttributeError(f"{view.__name__} has no feature {name}: {hint}")
        return FeaturePick(view, name, self.__role__)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ViewInRole) and self.__role__ == other.__role__

    def __hash__(self) -> int:
        return hash(self.__role__)

    def __repr__(self) -> str:
        return f"<view {self.__role__.view.__name__} as {self.__role__.name}>"


class FeatureAttribute:
    """What a view's attribute may be assigned; read from the class it is a `FeaturePick`.

    The view replaces each by its pick when it is made, so that `View.feature["24h"]` works.
    """

    if TYPE_CHECKING:

        @overload
        def __get__(self, instance: None, owner: type) -> FeaturePick: ...
        @overload
        def __get__(self, instance: object, owner: type) -> FeaturePick: ...
        def __get__(self, instance: object, owner: type) -> FeaturePick:
            """Tell type checkers what the view does."""
