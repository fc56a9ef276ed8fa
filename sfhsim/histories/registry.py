"""Families by name: one registry each for histories, metallicity histories and dust laws.

To add a family, write a class with ``name``, ``parameters`` and the methods of its interface, and register
one instance: ``register_history(MyHistory())``. Recipes then know it by its name.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

from sfhsim.errors import RecipeError
from sfhsim.histories.parameters import Parameter
from sfhsim.plugins import load_entry_points


class Named(Protocol):
    """What every registered family has."""

    @property
    def name(self) -> str:
        """By which recipes know it."""
        ...

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """What a recipe may give."""
        ...


T = TypeVar("T", bound=Named)


class Registry(Generic[T]):
    """Instances by their ``name``, in the order of registration."""

    def __init__(self, kind: str):
        self.kind = kind
        self._items: dict[str, T] = {}

    def register(self, item: T) -> T:
        """Add one; raises RecipeError where the name is taken by another class."""
        present = self._items.get(item.name)
        if present is not None and type(present) is not type(item):
            raise RecipeError(
                f"{self.kind} {item.name!r} is registered twice: by {type(present).__name__} and by "
                f"{type(item).__name__}; choose another name"
            )
        self._items[item.name] = item
        return item

    def get(self, name: str) -> T:
        """The instance registered as ``name``; raises RecipeError naming the known ones."""
        if name not in self._items:
            load_entry_points()
        if name not in self._items:
            close = difflib.get_close_matches(name, self._items, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise RecipeError(f"no {self.kind} is called {name!r}; known: {sorted(self._items)}.{hint}")
        return self._items[name]

    def names(self) -> tuple[str, ...]:
        """Every registered name."""
        return tuple(self._items)

    def __iter__(self) -> Iterator[T]:
        return iter(self._items.values())
