"""Which inputs of a thing a stack is to give, and what can't be declared. Pure."""

from __future__ import annotations

import typing
from collections.abc import Callable, Collection, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

import attrs

from orchestra.adoption.discovering import Discovered
from orchestra.adoption.terms import Term, Use, may_be_secret, term, uses, value_of
from orchestra.contracts import Status
from orchestra.errors import DefinitionError
from orchestra.model.fields import InputSpec
from orchestra.model.resource import Resource, known_kinds
from orchestra.model.typecheck import hints_of
from orchestra.model.values import Plain
from orchestra.resources.balancing import HealthCheck


@attrs.frozen(kw_only=True)
class LeftOut:
    """What a generated stack says nothing of, and why, a sentence.

    ``kind`` is the thing's kind, or what it was called where it was read if there is no such kind. ``name`` is what
    people call it there. ``input`` names one input that the stack doesn't give; '' if the whole thing is left out.
    """

    kind: str
    external_id: str
    name: str = ""
    input: str = ""
    why: str

    def __str__(self) -> str:
        called = f" ({self.name})" if self.name not in ("", self.external_id) else ""
        part = f", {self.input}" if self.input else ""
        return f"{self.kind} {self.external_id}{called}{part}: {self.why}"


@attrs.frozen(kw_only=True)
class Draft:
    """One thing that is to be declared: the inputs that are given, in the order of its kind."""

    found: Discovered
    cls: type[Resource]
    terms: Mapping[str, Term]

    @property
    def key(self) -> Use:
        """What others refer to it by."""
        return Use(self.found.kind, self.found.external_id)

    def uses(self) -> Iterator[Use]:
        """What it refers to."""
        for one in self.terms.values():
            yield from uses(one)


def _usual_check(told: Mapping[str, Plain]) -> Plain:
    port = told.get("member_port") or told.get("port")
    return attrs.asdict(HealthCheck(port=port)) if isinstance(port, int) else None


_IMPLIED: Final[Mapping[tuple[str, str], Callable[[Mapping[str, Plain]], Plain]]] = MappingProxyType(
    {
        ("balancing.LoadBalancer", "member_port"): lambda told: told.get("port"),
        ("balancing.LoadBalancer", "health_check"): _usual_check,
        ("compute.Volume", "type"): lambda told: "ssd",
    }
)
"""What a cloud makes of an input that isn't given, where that is always the same."""


def unfit(found: Discovered, with_managed: bool) -> str:
    """Why a thing isn't to be declared, whatever its inputs; '' if it may be."""
    if found.ownership is not None and not with_managed:
        owner = found.ownership
        return f"the deployment {owner.deployment!r} manages it, at {owner.address}"
    if found.comes_with:
        return f"nobody asked for it: it came with {found.comes_with}"
    if found.status is not Status.READY:
        return f"it isn't ready: the cloud says {found.detail or found.status.value!r}"
    return ""


def draft(found: Discovered, in_plain: Collection[str] = ()) -> tuple[Draft | None, tuple[LeftOut, ...]]:
    """How to declare it, if it can be, and what is left out of that.

    ``in_plain`` names inputs that could hold a secret, or are long, and are known to be fit to be written down.
    """
    cls = known_kinds()[found.kind].cls
    said = _Inputs(found, cls, in_plain)
    try:
        terms = said.terms()
        cls(**{name: value_of(one) for name, one in terms.items()})
    except DefinitionError as error:
        return None, (_left_out(found, "; ".join(error.faults)),)
    return Draft(found=found, cls=cls, terms=terms), tuple(said.left_out)


def _left_out(found: Discovered, why: str, name: str = "") -> LeftOut:
    return LeftOut(kind=found.kind, external_id=found.external_id, name=found.name, input=name, why=why)


class _Inputs:
    """The inputs of one thing. ``left_out`` fills up as `terms` goes through them."""

    def __init__(self, found: Discovered, cls: type[Resource], in_plain: Collection[str]) -> None:
        self._found = found
        self._cls = cls
        self._in_plain = in_plain
        self._hints = hints_of(cls)
        self._fields: Mapping[str, Any] = attrs.fields_dict(typing.cast("type[Any]", cls))
        self.left_out: list[LeftOut] = []

    def terms(self) -> dict[str, Term]:
        """The inputs to give. Raises `DefinitionError` if one that it can't be without can't be given."""
        given: dict[str, Term] = {}
        for name, spec in self._cls.kind.inputs.items():
            if (one := self._term(name, spec)) is not None:
                given[name] = one
        return given

    def _term(self, name: str, spec: InputSpec) -> Term | None:
        told = self._found.inputs.get(name)
        if told is None:
            if spec.required:
                raise DefinitionError(f"its {name} isn't told, and it can't be declared without")
            return None
        try:
            return self._written(name, spec, told)
        except DefinitionError as error:
            if spec.required or self._default(name) is not None:
                raise DefinitionError(f"its {name} can't be declared: {error.message}") from error
            # what isn't given is left as it is
            self.left_out.append(_left_out(self._found, error.message, name))
            return None

    def _written(self, name: str, spec: InputSpec, told: Plain) -> Term | None:
        annotation = self._hints[name]
        if spec.secret or (may_be_secret(annotation) and name not in self._in_plain):
            raise DefinitionError("it may hold a secret, and those are never written down")
        if spec.summarize is not None and name not in self._in_plain:
            raise DefinitionError("only a digest of it is told")
        if spec.choice and isinstance(told, Mapping):
            told = told.get("id")
        implied = _IMPLIED.get((self._found.kind, name))
        if implied is not None and implied(self._found.inputs) == told:
            return None
        one = term(told, annotation)
        value = value_of(one)
        if _same(value, self._default(name)):
            return None
        for check in () if isinstance(one, Use) else spec.checks:
            if fault := check(value):
                raise DefinitionError(f"{value!r}: {fault}")
        return one

    def _default(self, name: str) -> Any:
        default = self._fields[name].default
        if isinstance(default, attrs.Factory):  # type: ignore[arg-type]
            return default.factory()
        return None if default is attrs.NOTHING else default


def _same(value: Any, default: Any) -> bool:
    """Whether what is told is what the default is: a list told is a tuple by default."""
    return bool(value == (list(default) if isinstance(default, tuple) else default))
