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
    role: ViewInRole | None = None

    def __getitem__(self, window: str) -> WindowPick:
        """Pick one window, as it was written."""
        return WindowPick(self, window)

    def __iter__(self) -> Any:
        """Refuse: without this, Python would ask for windows 0, 1, 2, ... for ever."""
        raise TypeError(f"{self.view.__name__}.{self.name} is not a sequence")


@dataclass(frozen=True)
class ViewInRole:
    """A view whose key is read from other request columns; made by `View.as_`."""

    view: type
    role: str
    keys: Mapping[str, str]

    @staticmethod
    def of(view: type, role: str, keys: Mapping[str, str]) -> ViewInRole:
        """Make one, with a frozen copy of the keys."""
        return ViewInRole(view, role, MappingProxyType(dict(keys)))

    def __hash__(self) -> int:
        return hash((self.view, self.role, tuple(self.keys.items())))

    def __getattr__(self, name: str) -> FeaturePick:
        if name.startswith("_"):
            raise AttributeError(name)
        names = [each for each, value in vars(self.view).items() if isinstance(value, FeaturePick)]
        if name not in names:
            hint = near_names(name, names)
            raise AttributeError(f"{self.view.__name__} has no feature {name}: {hint}")
        return FeaturePick(self.view, name, self)


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
