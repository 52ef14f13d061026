"""HTML that is escaped unless it says that it is HTML already."""

from __future__ import annotations

import re
from html import escape
from string import Template
from typing import TypeAlias


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


Part: TypeAlias = "Markup | str | None"

_UNSHOWABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""Controls, and halves of surrogate pairs, which UTF-8 cannot hold."""

_EMPTY = {"br", "line", "rect", "circle", "wbr"}
"""Elements without an end tag, or that end themselves."""


def shown(text: str) -> str:
    """A text without what no page can show."""
    return _UNSHOWABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def joined(*parts: Part) -> Markup:
    """Parts one after the other, each escaped that is no Markup; None is nothing."""
    return Markup("".join(_escaped(part) for part in parts if part is not None))


def element(name: str, *children: Part, **attributes: str | float | bool | None) -> Markup:
    """An element.

    Args:
        attributes: `class_` is `class`, `data_value` is `data-value`; one that is None or False is
            left out, one that is True has no value.
    """
    written = "".join(
        f" {_attribute(key)}" + ("" if value is True else f'="{_escaped(str(value))}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in _EMPTY:
        return Markup(f"<{name}{written}/>")
    return Markup(f"<{name}{written}>{joined(*children)}</{name}>")


def filled(template: str, **parts: str) -> Markup:
    """A template whose `$name` are parts, each escaped that is no Markup."""
    return Markup(Template(template).substitute({k: _escaped(v) for k, v in parts.items()}))


def _escaped(part: str) -> str:
    return part if isinstance(part, Markup) else escape(shown(part), quote=True)


def _attribute(key: str) -> str:
    name = key.rstrip("_")
    return name if name == "viewBox" else name.replace("_", "-")
