"""What a provider is tried with: resources as a stack would declare them, brought to what the engine would pass on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from orchestra.contracts import Inputs, Observation, Provider, Update
from orchestra.diff import PropertyChange, same
from orchestra.engine.keyring import Keyring
from orchestra.engine.live import Live
from orchestra.errors import DefinitionError
from orchestra.model.address import Address
from orchestra.model.declaration import collect
from orchestra.model.fields import KindSpec
from orchestra.model.resource import Resource
from orchestra.model.stack import Stack
from orchestra.model.values import Plain, Value, Values
from orchestra.planning.comparing import differences, forces, overlay
from orchestra.planning.inputs import kept_form, raw_inputs
from orchestra.state.records import Condition, Record

SUBJECT = Address("subject")


@attrs.frozen(kw_only=True)
class ProviderCase:
    """One way to declare the kind of a provider, for `check_provider`.

    ``make(n)`` declares the nth of them, from 0 to ``copies - 1``; where two can't be alike (the name of a bucket, the
    device of a volume) it uses ``n`` to tell them apart. What the kind needs must be there already, and is given by
    its id: ``Subnet(network="net-1", cidr=f"10.0.{n}.0/24")``.

    ``changes`` holds another value for each input that can be changed in place; values that force a replacement are
    left out by themselves, so the inputs of the whole kind may be given. ``copies``: how many there may be at once, at
    least 2. ``owned``: whether the cloud keeps ownership with it, in tags or the like, and tells it in lists too;
    without it is found by its natural key, and making what is there already may be refused as a conflict.
    ``timeout`` is how many seconds it may take to become ready, and to be gone (300); ``lag`` how many seconds reads
    may lag behind what was written (0).
    """

    make: Callable[[int], Resource]
    changes: Mapping[str, object] = attrs.field(factory=dict)
    copies: int = attrs.field(default=6, validator=attrs.validators.ge(2))
    owned: bool = True
    timeout: float = 300.0
    lag: float = 0.0


class _Alone(Stack):
    """A stack of one resource: what it takes to resolve its inputs as the engine does."""

    cls: Any
    given: Any

    def build(self) -> None:
        """Declare it."""
        self.subject = self.cls(**self.given)


@attrs.frozen(eq=False)
class Subject:
    """One declared resource with its inputs resolved and its choices made.

    ``raw`` is for the provider, ``kept`` as plans and state have it.
    """

    kind: KindSpec
    raw: Values
    kept: Values

    @property
    def inputs(self) -> Inputs:
        """What the provider gets."""
        return Inputs(self.raw)

    def update_to(self, after: Subject) -> Update:
        """The update from this to ``after``, as the engine would ask for it."""
        before = {name: value for name, value in self.kept.items() if isinstance(value, (str, int, float, list, dict))}
        changed = frozenset(name for name, value in after.kept.items() if not same(self.kept.get(name), value))
        return Update(before=Inputs(before), after=after.inputs, changed=changed)

    def differs(self, observation: Observation) -> tuple[PropertyChange, ...]:
        """What the next plan would change, given what the cloud tells."""
        record = Record(
            address=SUBJECT,
            kind=self.kind.name,
            cloud="",
            external_id=observation.external_id,
            token="",
            condition=Condition.READY,
            inputs=self.kept,
        )
        return differences(self.kind.inputs, overlay(record, observation, self.kind.inputs), self.kept)

    def replaced_by(self, after: Subject) -> bool:
        """Whether it takes a new resource to get to ``after``."""
        specs = self.kind.inputs
        return any(
            forces(specs[name], self.kept.get(name), value)
            for name, value in after.kept.items()
            if not same(self.kept.get(name), value)
        )


def subject(
    case: ProviderCase, number: int, provider: Provider, changes: Mapping[str, object] | None = None
) -> Subject:
    """The ``number``-th resource of ``case``, with ``changes`` to its inputs, choices made by ``provider``.

    Raises `DefinitionError` for a declaration that refers to other resources, and what ``choose`` raises.
    """
    made = case.make(number)
    given = {name: value for name, value in vars(made).items() if name in made.kind.inputs}
    declaration = collect(_Alone(cls=type(made), given={**given, **(changes or {})}))
    if len(declaration.resources) != 1:
        raise DefinitionError(
            f"{type(made).__name__} is declared with other resources in it",
            remedy="make those first, and give their ids as text",
        )
    item = declaration.resources[SUBJECT]
    keyring = Keyring(b"check_provider", b"", "check-provider")
    raw = raw_inputs(item, Live(declaration, keyring, {}).scope)
    chosen = {name: _chosen(provider, name, raw[name]) for name in item.kind.choices}
    raw = {**raw, **chosen}
    return Subject(item.kind, raw, {**kept_form(item.kind, raw, keyring.seal), **chosen})


def _chosen(provider: Provider, name: str, wanted: Value) -> Value:
    if not isinstance(wanted, Mapping):
        return wanted
    plain: dict[str, Plain] = {
        key: value for key, value in wanted.items() if value is None or isinstance(value, (str, int, float, bool))
    }
    return {**plain, "id": provider.choose(name, plain)}
