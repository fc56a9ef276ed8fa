"""A digest of the code behind a registered family, so that an edited dust law is another one.

It covers the methods of the object's class, what it holds, and the functions and constants of the same package that
these use by name, to any depth; comments, blank space and docstrings do not count. Where a function's source is not to
be had, its bytecode stands for it. Of a family of sfhsim itself that was not changed while it runs, the file is taken.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import inspect
import io
import sys
import textwrap
import tokenize
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

_SKIPPED = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING}


def code_digest(item: Any) -> str:
    """sha256 of the code and content of an object, a class or a function."""
    digest = hashlib.sha256()
    for part in _parts(item, home=_home(item), seen=set()):
        digest.update(part.encode())
        digest.update(b"\0")
    return digest.hexdigest()


def _home(item: Any) -> str:
    """The module whose functions count as the item's own; of a package outside sfhsim, the package."""
    owner = item if isinstance(item, type | types.FunctionType) else type(item)
    module = getattr(owner, "__module__", "") or ""
    return module if module.startswith("sfhsim.") else module.partition(".")[0]


def _parts(item: Any, home: str, seen: set[int]) -> Iterator[str]:
    if id(item) in seen:
        return
    seen.add(id(item))
    if home.startswith("sfhsim.") and _is_as_in_its_file(item, home):
        yield _file_digest(sys.modules[home].__file__)
        if not isinstance(item, type | types.FunctionType):
            yield type(item).__qualname__
            yield from _content(item, home, seen)
        return
    if isinstance(item, functools.partial):
        yield from _parts(item.func, home, seen)
        yield _value((item.args, item.keywords))
        return
    item = inspect.unwrap(item) if callable(item) and not isinstance(item, type) else item
    if isinstance(item, types.MethodType):
        item = item.__func__
    if isinstance(item, types.FunctionType):
        yield from _function(item, home, seen)
        return
    kind = item if isinstance(item, type) else type(item)
    yield kind.__qualname__
    for base in kind.__mro__:
        if base.__module__ not in ("builtins", "typing"):
            for name, member in sorted(vars(base).items()):
                yield from _member(name, member, home, seen)
    if kind is not item:
        yield from _content(item, home, seen)


def _is_as_in_its_file(item: Any, home: str) -> bool:
    """Whether every function of a class, or the function, is the one that its module's file defines."""
    file = getattr(sys.modules.get(home), "__file__", None)
    if isinstance(item, types.FunctionType):
        return item.__code__.co_filename == file and not item.__closure__
    members = vars(item if isinstance(item, type) else type(item)).values()
    methods = [member for member in members if isinstance(member, types.FunctionType)]
    made = ("<string>",)  # what dataclasses write
    return bool(methods) and all(method.__code__.co_filename in (file, *made) for method in methods)


@functools.cache
def _file_digest(file: str) -> str:
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()


def _member(name: str, member: Any, home: str, seen: set[int]) -> Iterator[str]:
    if isinstance(member, staticmethod | classmethod):
        member = member.__func__
    if isinstance(member, property):
        member = member.fget
    if isinstance(member, functools.cached_property):
        member = member.func
    if isinstance(member, types.FunctionType):
        yield name
        yield from _function(member, home, seen)
    elif not name.startswith("__") and not callable(member):
        yield f"{name}={_value(member)}"


def _content(item: Any, home: str, seen: set[int]) -> Iterator[str]:
    for name, value in sorted(getattr(item, "__dict__", {}).items()):
        if isinstance(value, types.FunctionType):
            yield name
            yield from _function(value, home, seen)
        else:
            yield f"{name}={_value(value)}"


def _function(function: types.FunctionType, home: str, seen: set[int]) -> Iterator[str]:
    yield _source(function)
    yield _value(function.__defaults__)
    for cell in function.__closure__ or ():
        try:
            value = cell.cell_contents
        except ValueError:  # not filled yet
            continue
        yield from _used(value, home, seen)
    for name in _names(function.__code__):
        if name in function.__globals__:
            yield from _used(function.__globals__[name], home, seen)


def _used(value: Any, home: str, seen: set[int]) -> Iterator[str]:
    """Functions and classes of the same package, and plain values; modules and other packages are not followed."""
    if isinstance(value, types.FunctionType | type):
        module = getattr(value, "__module__", "") or ""
        if module == home or (not home.startswith("sfhsim.") and module.partition(".")[0] == home):
            yield from _parts(value, home, seen)
    elif isinstance(value, int | float | str | tuple | list | dict | np.ndarray | np.generic):
        yield _value(value)


def _names(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)


def _source(function: types.FunctionType) -> str:
    try:
        text = textwrap.dedent(inspect.getsource(function))
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (OSError, TypeError, SyntaxError, tokenize.TokenError):
        code = function.__code__
        return f"{code.co_code.hex()} {[c for c in code.co_consts if not isinstance(c, types.CodeType)]!r}"
    docstring = repr(inspect.cleandoc(function.__doc__)) if function.__doc__ else None
    kept = []
    for token in tokens:
        if token.type == tokenize.STRING and docstring is not None and _is_text(token.string, docstring):
            docstring = None
        elif token.type not in _SKIPPED:
            kept.append(token.string)
    return " ".join(kept)


def _is_text(literal: str, wanted: str) -> bool:
    import ast

    try:
        value = ast.literal_eval(literal)
    except (SyntaxError, ValueError):
        return False
    return isinstance(value, str) and repr(inspect.cleandoc(value)) == wanted


def _value(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype}{value.shape}{hashlib.sha256(np.ascontiguousarray(value)).hexdigest()}"
    if isinstance(value, dict):
        return str({str(key): _value(item) for key, item in value.items()})
    if isinstance(value, tuple | list | set | frozenset):
        items = [_value(item) for item in value]
        return str(sorted(items) if isinstance(value, set | frozenset) else items)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return f"{type(value).__qualname__}{_value(fields)}"
    if isinstance(value, int | float | str | bytes | bool | type(None) | np.generic):
        return repr(value)
    return type(value).__qualname__
