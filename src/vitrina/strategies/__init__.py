"""Strategies: one file each, strangers to one another. The folder is the list of what there is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from importlib import import_module
from math import isfinite
from pathlib import Path
from typing import Any

from vitrina.errors import RecipeError
from vitrina.strategy import Strategy


def names() -> list[str]:
    """Every strategy there is, by its file's name."""
    files = Path(__file__).parent.glob("[a-z]*.py")
    return sorted(file.stem for file in files)


def make(name: str, params: Mapping[str, Any]) -> Strategy:
    """The strategy of that name with these hyperparameters.

    The name is looked up in the closed list of files, so neither a recipe nor a bundle can make
    Vitrina import anything else. Raises RecipeError naming what is known.
    """
    if name not in names():
        raise RecipeError(f"unknown strategy '{name}'; known: {', '.join(names())}")
    kind = import_module(f"vitrina.strategies.{name}").Strategy
    known = {one.name: one.type for one in fields(kind)}
    for key in params:
        if key not in known:
            raise RecipeError(f"[strategies.{name}] unknown key '{key}'; known: {', '.join(sorted(known))}")
    _check_types(name, kind(), params)
    try:
        made = kind(**{key: _frozen(value) for key, value in params.items()})
    except (TypeError, ValueError) as reason:
        raise RecipeError(f"[strategies.{name}] {reason}") from reason
    return made  # type: ignore[no-any-return]


def settings(name: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Every hyperparameter of a strategy, defaults too: a later default must not change an old bundle."""
    made: Any = make(name, params)
    return {one.name: _plain(getattr(made, one.name)) for one in fields(made)}


def _plain(value: Any) -> Any:
    """A value as JSON keeps it."""
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, tuple) else value


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _check_types(name: str, defaults: Any, params: Mapping[str, Any]) -> None:
    for key, value in params.items():
        default, given = getattr(defaults, key), _frozen(value)
        as_float = isinstance(default, float) and isinstance(given, int) and not isinstance(given, bool)
        if not (
            type(given) is type(default)
            or as_float
            or (isinstance(default, Mapping) and isinstance(given, Mapping))
        ):
            kind = "list" if isinstance(default, tuple) else type(default).__name__
            raise RecipeError(f"[strategies.{name}] {key} = {value!r} must be a {kind}")
        for one, number in _numbers(key, given):
            if isinstance(number, bool) or not isinstance(number, int | float) or not isfinite(number):
                raise RecipeError(f"[strategies.{name}] {one} = {number!r} must be a number")
            if "half_life" in one and number < 0:
                raise RecipeError(f"[strategies.{name}] {one} = {number!r} must be 0, for never, or more")


def _numbers(key: str, given: Any) -> Iterable[tuple[str, Any]]:
    """What has to be a number of a hyperparameter, by the name that it is told of by."""
    if isinstance(given, Mapping):
        return [(f"{key}.{one}", weight) for one, weight in given.items()]
    return [(key, given)] if isinstance(given, float | int) and not isinstance(given, bool) else []
