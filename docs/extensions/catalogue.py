"""The reference of all kinds, made from the `KindSpec` of each: nothing on that page can be out of date."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Iterator
from typing import Any, Final

import attrs
from sphinx.application import Sphinx

from extensions.tables import head, row
from orchestra.model.fields import InputSpec, KindSpec, OutputField
from orchestra.model.typecheck import describe
from orchestra.resources.catalogue import KINDS

PAGE: Final = "kinds"
PLACE: Final = "% catalogue"


def page() -> str:
    """The reference of all kinds, in Markdown."""
    return "\n".join(line for cls in KINDS for line in section(cls.kind))


def section(kind: KindSpec) -> Iterator[str]:
    """One kind: what it is, its inputs, its outputs, how it is replaced, how long it may take."""
    name = kind.cls.__name__
    yield f"## {name}\n"
    yield f"`{kind.name}`, class {{py:class}}`orchestra.{name}`\n"
    yield f"{prose(inspect.getdoc(kind.cls) or '')}\n"
    yield from head("input", "type", "default", "a change of it", "meaning")
    hints = typing.get_type_hints(kind.cls)
    defaults = {field.name: field.default for field in attrs.fields(typing.cast("type[Any]", kind.cls))}
    for spec in [*kind.inputs.values(), *kind.switches.values()]:
        yield row(
            f"`{spec.name}`",
            f"`{shown(hints[spec.name])}`",
            default(defaults[spec.name]),
            effect(spec),
            prose(spec.doc),
        )
    yield ""
    yield from head("output", "type", "may change with", "meaning")
    for field in kind.outputs.values():
        yield row(f"`{field.name}`", f"`{shown(field.type)}`", changes(field), prose(field.doc) + secrecy(field))
    yield ""
    yield f"{replacement(kind)} {timeouts(kind)}\n"


def shown(hint: object) -> str:
    """A type as a user would write it. A resource, a reference or an id may stand for a resource."""
    return describe(hint)


def default(value: object) -> str:
    """The default of an input; required without one."""
    if value is attrs.NOTHING:
        return "required"
    if isinstance(value, attrs.Factory):  # type: ignore[arg-type] # a class, though its stub says a function
        made = value.factory()
        return "`{}`" if made == {} else "see its meaning"
    return f"`{value!r}`"


def effect(spec: InputSpec) -> str:
    """What changing an input does to what is there."""
    if spec.refreshes:
        return "see its meaning"
    if callable(spec.replace):
        return "updates, or **replaces**: see its meaning"
    return "**replaces**" if spec.replace else "updates"


def changes(field: OutputField[Any]) -> str:
    """The inputs whose update may change an output."""
    return ", ".join(f"`{name}`" for name in field.changed_by) or "replacement only"


def secrecy(field: OutputField[Any]) -> str:
    """What to say of an output that is secret."""
    return " Secret: kept encrypted." if field.secret else ""


def replacement(kind: KindSpec) -> str:
    """In which order a replacement is made."""
    if not kind.create_before_delete:
        return "Replaced by deleting the old one first."
    if kind.unique_by:
        names = ", ".join(f"`{name}`" for name in kind.unique_by)
        return f"Replaced by making the new one first, unless {names} is given and stays the same."
    return "Replaced by making the new one first."


def timeouts(kind: KindSpec) -> str:
    """How long each operation may take unless the user says otherwise."""
    return (
        f"Timeouts: {kind.create_timeout:g} s to create, {kind.update_timeout:g} s to update, "
        f"{kind.delete_timeout:g} s to delete."
    )


def prose(text: str) -> str:
    """A docstring's text as Markdown on one line for each paragraph."""
    paragraphs = text.replace("``", "`").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def fill(app: Sphinx, docname: str, source: list[str]) -> None:
    """Put the reference in its place on its page."""
    if docname == PAGE:
        before, place, after = source[0].partition(PLACE)
        if not place:
            raise ValueError(f"{PAGE}.md has no line {PLACE!r} where the kinds go")
        source[0] = before + page() + after


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.connect("source-read", fill)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
