"""The source of a stack for what was found, and which address each thing gets in it. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from orchestra.adoption import layout
from orchestra.adoption.drafting import Draft
from orchestra.adoption.layout import Bracketed, Source
from orchestra.adoption.naming import Slot
from orchestra.adoption.terms import Call, Constant, Either, Entries, Items, Pair, Term, Use


@attrs.frozen
class Written:
    """A module with one stack in it, and the address of each thing, in an order in which they can be adopted."""

    source: str
    adoptions: Mapping[str, str]


def write_stack(name: str, slots: Sequence[Slot], title: str) -> Written:
    """The module that declares what is in ``slots`` as the stack ``name``; ``title`` says where it comes from."""
    ordered = _in_order(slots)
    adoptions = {str(at): one.found.external_id for slot in ordered for at, one in slot.addresses()}
    body = _Body(ordered)
    statements = [body.statement(slot) for slot in ordered]
    adopt = _mapping({key: layout.text(value) for key, value in adoptions.items()})
    title = re.sub(r'["\\\s]+', " ", title)
    lines = [
        f'"""{title}"""',
        "",
        "from __future__ import annotations",
        "",
        *body.imports(),
        "",
        layout.laid_out(adopt, before="ADOPT: dict[str, str] = ", indent=0),
        '"""What each resource is in the cloud, for ``Deployment.adopt_all(ADOPT)``."""',
        "",
        "",
        f"class {name}(oc.Stack):",
        f'    """{title}"""',
        "",
        "    def build(self) -> None:",
        '        """Declare it."""',
        *statements,
    ]
    return Written(source="\n".join(lines) + "\n", adoptions=adoptions)


class _Body:
    """The statements of `build`: what is declared so far can be referred to."""

    def __init__(self, slots: Iterable[Slot]) -> None:
        self._imports = {"import orchestra as oc"} | {
            f"from {one.cls.__module__} import {one.cls.__name__}"
            for slot in slots
            for one in slot.drafts
            if not _is_ours(one.cls)
        }
        self._declared: dict[Use, str] = {}

    def imports(self) -> list[str]:
        """The imports that the statements need."""
        return sorted(self._imports, key=lambda line: (line.startswith("from"), line))

    def statement(self, slot: Slot) -> str:
        """The statement that declares what is in ``slot``."""
        made = [self._resource(one) for one in slot.drafts]
        source: Source = made[0]
        if slot.keys and all(isinstance(key, str) for key in slot.keys):
            source = _mapping({str(key): one for key, one in zip(slot.keys, made, strict=True)})
        elif slot.keys and all(one == made[0] for one in made):
            loop = f"for _ in range({len(made)})"
            source = Bracketed("[", (("", made[0]), ("", loop)), "]", joined="")
        elif slot.keys:
            source = _list(made)
        for at, one in slot.addresses():
            self._declared[one.key] = f"self.{at}"
        return layout.laid_out(source, before=f"self.{slot.name} = ", indent=8)

    def _resource(self, one: Draft) -> Source:
        return self._call(one.cls, (), tuple(one.terms.items()))

    def _call(
        self, function: Callable[..., Any], positional: Sequence[Term], named: Sequence[tuple[str, Term]]
    ) -> Source:
        parts = [("", self._term(one)) for one in positional] + [(f"{key}=", self._term(one)) for key, one in named]
        name = f"oc.{function.__name__}" if _is_ours(function) else function.__name__
        return Bracketed(f"{name}(", tuple(parts), ")")

    def _term(self, given: Term) -> Source:
        match given:
            case Constant():
                return layout.text(given.value) if isinstance(given.value, str) else repr(given.value)
            case Pair():
                return f"({given.first}, {given.last})"
            case Use():
                return self._declared.get(given) or layout.text(given.external_id)
            case Either():
                return self._term(given.known if given.use in self._declared else given.unknown)
            case Call():
                return self._call(given.function, given.positional, given.named)
            case Items():
                return _list([self._term(one) for one in given.terms])
            case Entries():
                return _mapping({key: self._term(one) for key, one in given.terms})


def _is_ours(function: Callable[..., Any]) -> bool:
    return function.__module__.startswith("orchestra.")


def _list(parts: Iterable[Source]) -> Source:
    return Bracketed("[", tuple(("", one) for one in parts), "]")


def _mapping(parts: Mapping[str, Source]) -> Source:
    return Bracketed("{", tuple((f"{layout.text(key)}: ", one) for key, one in parts.items()), "}")


def _in_order(slots: Sequence[Slot]) -> list[Slot]:
    """Each after what it uses, and otherwise as given. What uses itself in a circle keeps plain ids for that."""
    homes = {one.key: index for index, slot in enumerate(slots) for one in slot.drafts}
    needs = [dict.fromkeys(homes[use] for one in slot.drafts for use in one.uses() if use in homes) for slot in slots]
    return [slots[index] for index in _depth_first(needs)]


def _depth_first(needs: Sequence[Collection[int]]) -> Iterator[int]:
    begun: set[int] = set()
    for start in range(len(needs)):
        path = [] if start in begun else [(start, iter(needs[start]))]
        begun.add(start)
        while path:
            index, left = path[-1]
            after = next((need for need in left if need not in begun), None)
            if after is None:
                path.pop()
                yield index
            else:
                begun.add(after)
                path.append((after, iter(needs[after])))
