"""Python source on lines of at most 88 columns, as the usual formatters leave it. Pure."""

from __future__ import annotations

from typing import Final, TypeAlias

import attrs

WIDTH: Final = 88
_INDENT: Final = 4


@attrs.frozen
class Bracketed:
    """Parts between brackets: on one line where they fit, else each on a line of its own.

    ``parts`` are each what stands before it on its line, such as ``cidr=``, and the part itself. ``joined`` is what
    stands between them: a comma, or nothing in a comprehension.
    """

    opening: str
    parts: tuple[tuple[str, Source], ...]
    closing: str
    joined: str = ","


Source: TypeAlias = "str | Bracketed"


def laid_out(source: Source, *, before: str, indent: int, after: str = "") -> str:
    """``source`` behind ``before``, which stands ``indent`` columns in, and followed by ``after``."""
    flat = f"{' ' * indent}{before}{_flat(source)}{after}"
    if isinstance(source, str) or not source.parts or len(flat) <= WIDTH:
        return flat
    lines = [f"{' ' * indent}{before}{source.opening}"]
    for prefix, part in source.parts:
        lines.append(laid_out(part, before=prefix, indent=indent + _INDENT, after=source.joined))
    lines.append(f"{' ' * indent}{source.closing}{after}")
    return "\n".join(lines)


def text(value: str) -> str:
    """A string literal, in double quotes unless others save a backslash."""
    quote = "'" if value.count('"') > value.count("'") else '"'
    return quote + "".join(_escaped(one, quote) for one in value) + quote


def _escaped(one: str, quote: str) -> str:
    if one in ("\\", quote):
        return f"\\{one}"
    if one.isprintable():
        return one
    return one.encode("unicode_escape").decode()


def _flat(source: Source) -> str:
    if isinstance(source, str):
        return source
    inside = f"{source.joined} ".join(f"{prefix}{_flat(part)}" for prefix, part in source.parts)
    return f"{source.opening}{inside}{source.closing}"
