"""Worlds to plan in: a stack, what the state has of it, and what the cloud tells; all made by hand."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import attrs

import orchestra as oc
from orchestra import graph
from orchestra.contracts import Observation, Status
from orchestra.model.address import Address, sort_key
from orchestra.model.declaration import Declaration, Declared, collect
from orchestra.model.expressions import Scope
from orchestra.model.resource import Resource
from orchestra.model.values import UNKNOWN, Plain, Revealed, Sealed, Value, leaves
from orchestra.planning.choices import Choices
from orchestra.planning.inputs import evaluated_at, kept_form, raw_inputs, sealed
from orchestra.planning.options import Options
from orchestra.planning.planner import World, make_plan
from orchestra.resources import checks
from orchestra.state.records import Condition, Record, Snapshot

NOTHING: Mapping[str, Plain] = MappingProxyType({})


class Box(oc.Resource, kind="test.Box", unique_by=("name",)):
    """Replaced with the new one first, unless it has a name."""

    fixed: str | oc.Ref[str] | Resource | None = oc.input_field(default=None, replace=True)
    loose: Any = oc.input_field(default=None)
    size: int = oc.input_field(default=1, replace=checks.is_smaller)
    name: str | None = oc.input_field(default=None, replace=True)
    password: str | oc.Ref[str] | oc.Secret | None = oc.input_field(default=None, secret=True)
    image: str | oc.Ref[str] | oc.Image | None = oc.input_field(default="image-1", replace=True, choice=True)
    content: str | oc.Ref[str] | oc.Secret | None = oc.input_field(default=None, summarize=checks.content_digest)
    members: Sequence[str | oc.Ref[str] | Resource] = oc.input_field(default=(), normalize=checks.sorted_texts)

    address = oc.output_field(str)
    zone = oc.output_field(str, changed_by=("size",))
    token = oc.output_field(str, secret=True)


class Plot(oc.Resource, kind="test.Plot", create_before_delete=False):
    """Replaced with the old one deleted first."""

    range: str | oc.Ref[str] = oc.input_field(default="a", replace=True)
    within: Resource | None = oc.input_field(default=None, replace=True)
    note: Any = oc.input_field(default=None)

    place = oc.output_field(str)


def seal(secret: Revealed) -> Sealed:
    """A digest that tells nothing of the secret."""
    return Sealed(hashlib.sha256(f"salt{secret.value}".encode()).hexdigest()[:16])


def encrypted(text: str) -> Sealed:
    """``text`` as a state keeps a secret output."""
    return Sealed(f"enc:{text[::-1]}")


def open_value(value: Value, place: str) -> Value:
    """What is `encrypted`, opened."""
    if isinstance(value, Sealed) and value.digest.startswith("enc:"):
        return Revealed(value.digest[4:][::-1])
    return value


@attrs.define
class Situation:
    """A stack with its state and its cloud."""

    stack: oc.Stack
    declaration: Declaration
    records: dict[Address, Record] = attrs.field(factory=dict)
    deposed: list[Record] = attrs.field(factory=list)
    told: dict[tuple[Address, str], Observation | None] = attrs.field(factory=dict)
    choices: dict[Any, str] = attrs.field(factory=dict)
    secrets: dict[str, str] = attrs.field(factory=dict)
    cloud: str = "cloud"

    def record(self, address: str, **changes: Any) -> Record:
        """Change what the state has at ``address``."""
        changed = attrs.evolve(self.records[Address(address)], **changes)
        self.records[Address(address)] = changed
        return changed

    def depose(self, address: str, token: str = "older", **changes: Any) -> Record:
        """Leave behind an older one of ``address``, replaced and not deleted."""
        record = attrs.evolve(
            self.records[Address(address)],
            condition=Condition.DEPOSED,
            token=token,
            external_id=f"{token}-{address}",
            **changes,
        )
        self.deposed.append(record)
        return record

    def forget(self, address: str) -> None:
        """Take ``address`` out of the state."""
        del self.records[Address(address)]

    def tell(
        self,
        address: str,
        *,
        status: Status = Status.READY,
        outputs: Mapping[str, Plain] = NOTHING,
        **inputs: Plain,
    ) -> None:
        """What the cloud tells of ``address``: as recorded but for what is given."""
        record = self.records[Address(address)]
        self.told[record.key] = observation(record, status=status, outputs=outputs, inputs=inputs)

    def tell_all(self) -> Situation:
        """The cloud tells everything as recorded."""
        for record in (*self.records.values(), *self.deposed):
            self.told.setdefault(record.key, observation(record))
        return self

    def gone(self, *addresses: str) -> None:
        """The cloud says that these are gone."""
        for address in addresses:
            self.told[self.records[Address(address)].key] = None

    def now(self, stack: oc.Stack) -> Situation:
        """The same state and cloud under other code."""
        return attrs.evolve(self, stack=stack, declaration=collect(stack))

    def world(self) -> World:
        return World(
            declaration=self.declaration,
            snapshot=Snapshot(
                deployment="test",
                lineage="lineage-1",
                serial=7,
                salt=b"salt",
                records=self.records,
                deposed=tuple(self.deposed),
            ),
            observations=self.told,
            choices=self.choices,
            cloud_of=self.cloud_of,
            reveal=self.reveal,
            open_value=open_value,
            seal=seal,
        )

    def cloud_of(self, item: Declared) -> str:
        return item.cloud.name if item.cloud is not None else self.cloud

    def reveal(self, secret: oc.Secret) -> Revealed:
        return Revealed(self.secrets.get(secret.name, f"value of {secret.name}"))

    def plan(self, **options: Any) -> oc.Plan:
        return make_plan(self.world(), Options(**options), type(self.stack).__name__)

    def changes(self, **options: Any) -> dict[str, oc.Change]:
        """What the plan changes, by address; deposed ones under their token."""
        plan = self.plan(**options)
        return {one.token if one.deposed else one.address: one for one in plan.changes}

    def actions(self, **options: Any) -> dict[str, str]:
        return {name: change.action.value for name, change in self.changes(**options).items()}


def observation(
    record: Record,
    *,
    status: Status = Status.READY,
    outputs: Mapping[str, Plain] = NOTHING,
    inputs: Mapping[str, Plain] = NOTHING,
) -> Observation:
    """What a cloud that has not changed tells of ``record``: nothing that is sealed."""
    kept: dict[str, Any] = {name: value for name, value in record.inputs.items() if is_plain(value)}
    told: dict[str, Any] = {name: value for name, value in record.outputs.items() if is_plain(value) and name != "id"}
    return Observation(
        external_id=record.external_id, status=status, inputs={**kept, **inputs}, outputs={**told, **outputs}
    )


def is_plain(value: Value) -> bool:
    return not any(isinstance(leaf, (Sealed, Revealed)) for leaf in leaves(value))


def fresh(stack: oc.Stack, choices: Choices | None = None) -> Situation:
    """``stack`` before its first apply."""
    return Situation(stack, collect(stack), choices=dict(choices or {}))


def applied(stack: oc.Stack, **more: Any) -> Situation:
    """``stack`` after an apply: everything recorded as declared, every output told."""
    situation = attrs.evolve(fresh(stack), **more)
    declaration = situation.declaration
    needs = {address: item.dependencies for address, item in declaration.resources.items()}
    outputs: dict[Address, dict[str, Value]] = {}

    def output(resource: Resource, name: str) -> Value:
        return open_value(outputs[declaration.address_of(resource)].get(name, UNKNOWN), name)

    scope = Scope(output, situation.reveal, declaration.placeholders)
    for address in graph.order(needs, key=sort_key):
        item = declaration.resources[address]
        kept = kept_form(item.kind, raw_inputs(item, scope), seal)
        for name, spec in item.kind.inputs.items():
            value = kept[name]
            if spec.choice and isinstance(value, dict) and "id" not in value:
                kept[name] = {**value, "id": "-".join(map(str, value.values()))}
        outputs[address] = {
            name: encrypted(f"{name} of {address}") if field.secret else f"{name} of {address}"
            for name, field in item.kind.outputs.items()
        }
        outputs[address]["id"] = f"id-{address}"
        rules = item.lifecycle
        situation.records[address] = Record(
            address=address,
            kind=item.kind.name,
            cloud=situation.cloud_of(item),
            external_id=f"id-{address}",
            token=f"token-{address}",
            condition=Condition.READY,
            inputs=kept,
            outputs=outputs[address],
            dependencies=item.dependencies,
            triggers=sealed(evaluated_at(address, "replace_on", item.triggers, scope), seal),
            protect=rules.protect,
            retain=rules.retain,
            create_before_delete=rules.create_before_delete,
            delete_timeout=rules.delete_timeout,
        )
    return situation


def stack_of(build: Callable[[Any], None]) -> oc.Stack:
    """A stack with this build()."""
    made: oc.Stack = type("Shop", (oc.Stack,), {"build": build, "__module__": __name__})()
    return made


def one_box(**inputs: Any) -> oc.Stack:
    """A stack of one box."""
    return stack_of(lambda self: setattr(self, "box", Box(**inputs)))


def empty() -> oc.Stack:
    """A stack of nothing."""
    return stack_of(lambda self: None)


def chain(self: Any) -> None:
    """A build(): net <- sub <- web[0], web[1] <- dns; and a box by itself."""
    self.net = Box()
    self.sub = Box(fixed=self.net)
    self.web = [Box(fixed=self.sub) for _ in range(2)]
    self.dns = Box(members=[web.address for web in self.web])
    self.alone = Box()
    self.url = oc.Output(f"http://{self.dns.address}")


EVERYTHING = ("alone", "dns", "net", "sub", "web[0]", "web[1]")
"""The addresses of `chain`, sorted."""


class Elsewhere:
    """Another cloud, by its name."""

    name = "elsewhere"

    def provider(self, kind: str) -> None:
        return None

    def verify(self) -> None:
        return None


def path_names(changes: Iterable[oc.PropertyChange]) -> list[str]:
    return [change.name for change in changes]
