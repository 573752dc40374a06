"""The text of a cassette to plain data: JSON, or YAML with the tags that Python and Ruby of all ages left in it.

Recorders wrote their own objects down. What such an object held is data and is taken; nothing is ever built of it.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from typing import Any

import yaml

_SCALARS = ("unicode", "str", "bytes", "long", "int", "float", "bool", "none")
_SETS = ("frozenset", "set", "tuple", "list")
_BUILTIN = ("__builtin__", "builtins")
_FILES = ("_io.BytesIO", "_io.StringIO", "io.BytesIO", "io.StringIO")


class _Loader(yaml.SafeLoader):
    """A safe loader that takes the tags which recorders left, and makes no object of them."""


def load(text: bytes) -> Any:
    """Return what a cassette holds as plain data; ValueError, YAMLError or RecursionError where it is neither."""
    if text.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{":
        try:
            return json.loads(text.decode("utf-8-sig"))
        except ValueError:
            # A flow mapping of YAML begins so, too.
            pass
    return yaml.load(text, Loader=_Loader)  # noqa: S506


def _refused(tag: str, node: yaml.Node) -> yaml.YAMLError:
    return yaml.constructor.ConstructorError(None, None, f"the tag {tag} is not taken", node.start_mark)


def _plain(loader: yaml.SafeLoader, node: yaml.Node) -> Any:
    """Return what stands under a tag, as if the tag were not there."""
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode) else None


def _python(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Any:
    """Return a value of Python: vcrpy before 1.0 wrote its requests and their frozen headers as objects."""
    kind, _, name = suffix.partition(":")
    if suffix in _SCALARS:
        if not isinstance(node, yaml.ScalarNode):
            raise yaml.constructor.ConstructorError(None, None, "a tagged string is no scalar", node.start_mark)
        return loader.construct_scalar(node)
    if suffix == "tuple" or (kind == "object" and name.startswith("vcr.")):
        return _plain(loader, node)
    module, _, called = name.rpartition(".")
    if kind == "object/apply" and module in _BUILTIN and called in _SETS:
        given = _plain(loader, node)
        return given[0] if isinstance(given, list) and given else []
    if kind == "object/new" and name in _FILES:
        given = _plain(loader, node)
        state = given.get("state") if isinstance(given, dict) else None
        return state[0] if isinstance(state, list) and state else None
    raise _refused(f"python/{suffix}", node)


def _ruby(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Any:
    """Return the fields of a Ruby struct (VCR before 2.0), the text of a symbol or of a string of a subclass."""
    return _plain(loader, node)


def _binary(loader: yaml.SafeLoader, node: yaml.Node) -> Any:
    """Return the bytes of Ruby 1.9's `!binary`, which is the standard tag with one mark too few."""
    text = loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode) else None
    try:
        return base64.b64decode(str(text).encode("ascii"))
    except (binascii.Error, UnicodeEncodeError):
        raise yaml.constructor.ConstructorError(None, None, "a !binary is not in base 64", node.start_mark) from None


_MULTI: tuple[tuple[str, Callable[..., Any]], ...] = (
    ("tag:yaml.org,2002:python/", _python),
    ("!ruby/", _ruby),
    ("tag:ruby.yaml.org,2002:", _ruby),
)
for _tag, _constructor in _MULTI:
    _Loader.add_multi_constructor(_tag, _constructor)
_Loader.add_constructor("!binary", _binary)
_Loader.add_constructor("!str", _plain)
