"""What each family of clouds can do, and how each finds again what it made: made from the tables of calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from extensions.tables import head, row
from orchestra.clouds import capabilities
from orchestra.contracts import Families
from orchestra.resources.catalogue import KINDS

if TYPE_CHECKING:
    from sphinx.application import Sphinx

PAGE: Final = "clouds"
PLACES: Final = ("% which kinds", "% how kinds are found again")


def kinds_in(families: Families) -> Mapping[str, str]:
    """What each kind is called, by its name in full: those of the catalogue in its order, then all others."""
    named = {cls.kind.name: cls.__name__ for cls in KINDS}
    others = sorted({kind for kinds in families.values() for kind in kinds} - named.keys())
    return {**named, **{kind: kind.rpartition(".")[2] for kind in others}}


def which(families: Families) -> Iterator[str]:
    """Kinds beside families; the kinds of each provider of a family that has several; what can't be had of those."""
    named = kinds_in(families)
    whole = {family: kinds for family, kinds in families.items() if ":" not in family}
    yield from head("kind", *(f"`{family}`" for family in whole))
    for kind, called in named.items():
        yield row(f"`{called}`", *(cell(kinds, kind) for kinds in whole.values()))
    yield ""
    yield from head("provider", "kinds")
    for family in sorted(families.keys() - whole.keys()):
        yield row(f"`{family}`", ", ".join(f"`{named[kind]}`" for kind in named if kind in families[family]))
    yield ""
    for family, kinds in families.items():
        for kind, ability in kinds.items():
            called = f"- `{family}`, `{kind.rpartition('.')[2]}`"
            for name, why in ability.unsupported.items():
                yield f"{called} without `{name}`: {why}"
            for name, why in ability.required.items():
                yield f"{called} not without `{name}`: {why}"
            for name, (only, why) in ability.fixed.items():
                yield f"{called} only with `{name}={only!r}`: {why}"


def cell(kinds: Mapping[str, Any], kind: str) -> str:
    """Whether a family has a kind, and the inputs that it can't do."""
    if kind not in kinds:
        return ""
    without = ", ".join(f"`{name}`" for name in kinds[kind].unsupported)
    return f"yes, without {without}" if without else "yes"


def found(families: Families) -> Iterator[str]:
    """Each kind on each family, with what finds it again."""
    yield from head("kind", "on", "found again by", "that is")
    for kind, called in kinds_in(families).items():
        ways: dict[tuple[str, str], list[str]] = {}
        for family, kinds in families.items():
            if kind in kinds:
                by = kinds[kind].found_by
                ways.setdefault((by.value if by else "not told", kinds[kind].found_key), []).append(f"`{family}`")
        for number, ((by, key), names) in enumerate(ways.items()):
            yield row("" if number else f"`{called}`", ", ".join(names), by, key)


def fill(app: Sphinx, docname: str, source: list[str]) -> None:
    """Put the tables in their places on their page."""
    if docname != PAGE:
        return
    families = capabilities()
    for place, table in zip(PLACES, (which(families), found(families)), strict=True):
        before, there, after = source[0].partition(place)
        if not there:
            raise ValueError(f"{PAGE}.md has no line {place!r} where a table goes")
        source[0] = before + "\n".join(table) + after


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.connect("source-read", fill)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
