"""YAML text as plain data, for recipes: every key once, and every value that cannot be one named by its key.

PyYAML alone takes the last of two equal keys, follows any nesting until Python gives up, and lets odd values (an
impossible date, a number of 5000 digits) end in errors of Python's own.
"""

from __future__ import annotations

import yaml

from sfhsim.errors import RecipeError

LONGEST_TEXT = 20_000_000  # characters
_DEEPEST = 20  # levels
_MOST_VALUES = 1_000_000
_BAD_VALUE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


class _Loader(yaml.SafeLoader):
    """PyYAML's, down to a fixed depth."""

    depth = 0

    def compose_node(self, parent, index):
        self.depth += 1
        if self.depth > _DEEPEST:
            raise yaml.composer.ComposerError(
                None, None, f"nested deeper than {_DEEPEST} levels", self.peek_event().start_mark
            )
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def plain_data(text: str, origin: str):
    """The content of YAML text: dicts, lists, numbers, text.

    Raises
    ------
    RecipeError
        When it is not YAML, too long or too deeply nested, or a key is there twice or has a value that cannot be
        read; the key is named.
    """
    if len(text) > LONGEST_TEXT:
        raise RecipeError(f"{origin} has {len(text)} characters: a recipe has at most {LONGEST_TEXT}")
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            _check(loader, node, origin)
            return loader.construct_document(node)
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        raise RecipeError(f"{origin} is not valid YAML: {error}") from error
    except RecipeError:
        raise
    except _BAD_VALUE as error:
        raise RecipeError(f"{origin} holds a value that cannot be read: {_short(error)}") from error


def _check(loader: _Loader, root: yaml.Node, origin: str) -> None:
    """Walk all that the text stands for, repeated anchors included."""
    waiting: list[tuple[yaml.Node, tuple[str, ...], int]] = [(root, (), 1)]
    n_values = 0
    while waiting:
        node, path, depth = waiting.pop()
        n_values += 1
        where = f"{origin}: {'.'.join(path) or 'the recipe'} (line {node.start_mark.line + 1})"
        if n_values > _MOST_VALUES or depth > _DEEPEST:
            raise RecipeError(f"{where}: more than {_MOST_VALUES} values or {_DEEPEST} levels: no recipe needs so many")
        if isinstance(node, yaml.MappingNode):
            waiting += [(value, (*path, key), depth + 1) for key, value in _items(loader, node, where)]
        elif isinstance(node, yaml.SequenceNode):
            waiting += [(value, (*path, str(k)), depth + 1) for k, value in enumerate(node.value)]
        elif isinstance(node, yaml.ScalarNode):
            _scalar(loader, node, where)


def _items(loader: _Loader, node: yaml.MappingNode, where: str) -> list[tuple[str, yaml.Node]]:
    items, seen = [], set()
    for key_node, value_node in node.value:
        if not isinstance(key_node, yaml.ScalarNode):
            raise RecipeError(f"{where}: a key is a word, not a list or mapping")
        key = _scalar(loader, key_node, where)
        if key in seen:
            raise RecipeError(
                f"{where}: the key {_short(key)!r} is there twice (line {key_node.start_mark.line + 1}): keep one"
            )
        seen.add(key)
        items.append((_short(key), value_node))
    return items


def _scalar(loader: _Loader, node: yaml.ScalarNode, where: str):
    if node.tag == "tag:yaml.org,2002:merge":
        return "<<"
    try:
        return loader.construct_object(node)
    except _BAD_VALUE as error:
        kind = node.tag.rpartition(":")[2]
        raise RecipeError(f"{where}: {_short(node.value)!r} cannot be read as {kind}: {_short(error)}") from error


def _short(value) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
