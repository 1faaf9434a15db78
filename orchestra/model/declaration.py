"""A stack with every resource at its address: what planning starts from."""

from __future__ import annotations

import contextlib
import difflib
import functools
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

import attrs

from orchestra.errors import DefinitionError
from orchestra.garbage import uncollected
from orchestra.model import address as addresses
from orchestra.model.address import Address
from orchestra.model.building import Placeholder, holds_token
from orchestra.model.expressions import Expression, is_value, lower, sources
from orchestra.model.fields import InputSpec, KindSpec
from orchestra.model.lifecycle import Lifecycle
from orchestra.model.refs import Output, Ref
from orchestra.model.resource import UNRULED, NamedCloud, Resource
from orchestra.model.secrets import Secret
from orchestra.model.stack import Stack, members
from orchestra.model.values import ATOMS

_NONE: Final[frozenset[str]] = frozenset()


@attrs.frozen(kw_only=True, eq=False)
class Declared:
    """One resource as declared.

    ``cloud`` is the one that it, or the nearest stack around it, names; None: the deployment's.
    ``open_inputs`` are those that hold a reference or a secret: the others are their own values already.
    ``dependencies`` are sorted by address.
    """

    address: Address
    resource: Resource
    cloud: NamedCloud | None
    kind: KindSpec
    inputs: Mapping[str, Expression]
    triggers: Expression
    dependencies: tuple[Address, ...]
    secrets: tuple[Secret, ...]
    refreshed: frozenset[str] = frozenset()
    """The portable choices that are made anew in every plan."""
    open_inputs: tuple[str, ...] = attrs.field()

    @open_inputs.default
    def _open_inputs(self) -> tuple[str, ...]:
        return tuple(name for name, expression in self.inputs.items() if not is_value(expression))

    @property
    def is_static(self) -> bool:
        """Whether its inputs hold no reference and no secret."""
        return not self.open_inputs

    @property
    def lifecycle(self) -> Lifecycle:
        """Its rules."""
        return self.resource.lifecycle


@attrs.frozen(kw_only=True, eq=False)
class Declaration:
    """A stack, collected."""

    resources: Mapping[Address, Declared]
    outputs: Mapping[Address, Expression]
    placeholders: Mapping[str, Placeholder]
    by_identity: Mapping[int, Address]

    def address_of(self, resource: Resource) -> Address:
        """Where ``resource`` is; raises `DefinitionError` if it isn't in this stack."""
        found = self.by_identity.get(id(resource))
        if found is None:
            raise DefinitionError(
                f"{resource!r} is not part of this stack", remedy="use the resources of the deployment's own stack"
            )
        return found


@uncollected()
def collect(stack: Stack) -> Declaration:
    """Walk ``stack`` and everything in it. Raises `DefinitionError` with every fault found."""
    walk = _Walk()
    walk.stack(stack, "")
    walk.find_unassigned()
    declared = {address: walk.declare(address, resource) for address, resource in walk.resources.items()}
    outputs: dict[Address, Expression] = {}
    for address, output in walk.outputs.items():
        with walk.faults_at(address):
            outputs[address] = lower(output, walk.placeholders)
            walk.uses(outputs[address], address)
    if walk.faults:
        raise DefinitionError(
            f"{type(stack).__name__} is declared wrongly:" + "".join(f"\n  - {fault}" for fault in walk.faults),
            faults=walk.faults,
        )
    return Declaration(
        resources={address: item for address, item in declared.items() if item is not None},
        outputs=outputs,
        placeholders=walk.placeholders,
        by_identity=walk.by_identity,
    )


def _wish(expression: Expression, spec: InputSpec) -> Expression:
    """What a choice asks for, without what it leaves open; else the id of one of the cloud's own."""
    if not isinstance(expression, dict):
        return {"id": expression} if spec.choice else expression
    return {key: item for key, item in expression.items() if item is not None}


def _refreshed(kind: KindSpec, values: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(spec.refreshes for name, spec in kind.switches.items() if values[name])


class _Walk:
    """One walk over a stack and the stacks in it."""

    def __init__(self) -> None:
        self.resources: dict[Address, Resource] = {}
        self.outputs: dict[Address, Output[Any]] = {}
        self.by_identity: dict[int, Address] = {}
        self.placeholders: dict[str, Placeholder] = {}
        self.faults: list[str] = []
        self._made: list[Resource | Stack] = []
        self._stacks: dict[int, str] = {}
        self._clouds: dict[Address, NamedCloud] = {}
        self._same_names: dict[tuple[str, ...], tuple[str, ...]] = {}  # one tuple for all that have these open

    @contextlib.contextmanager
    def faults_at(self, where: str) -> Iterator[None]:
        """Inside, faults are told at ``where``."""
        try:
            yield
        except DefinitionError as error:
            self.faulty(error, where)

    def faulty(self, error: DefinitionError, where: str) -> None:
        """Keep the faults that ``error`` tells, at ``where``."""
        remedy = f" ({error.remedy})" if error.remedy else ""
        self.faults.extend(f"{where}: {fault}{remedy}" for fault in error.faults)

    @functools.cached_property
    def _rank(self) -> dict[Address, int]:
        """The place of each address among all, sorted: to sort some of them costs little then."""
        return {address: place for place, address in enumerate(sorted(self.resources, key=addresses.sort_key))}

    def stack(self, stack: Stack, prefix: str, around: NamedCloud | None = None) -> None:
        """Collect what the attributes of ``stack`` hold, with addresses under ``prefix``; ``around`` it is a cloud."""
        if id(stack) in self._stacks:
            self._twice(type(stack).__name__, self._stacks[id(stack)], prefix)
            return
        self._stacks[id(stack)] = prefix
        self.placeholders.update(stack._building.placeholders)
        self._made += [*stack._building.resources, *stack._building.stacks]
        cloud = around if stack.cloud is None else stack.cloud
        for path, member in members(stack):
            address = Address(f"{prefix}.{path}" if prefix else path)
            if isinstance(member, Stack):
                self.stack(member, address, cloud)
            elif isinstance(member, Output):
                self.outputs[address] = member
            else:
                self._resource(member, address, cloud)

    def _resource(self, resource: Resource, address: Address, around: NamedCloud | None) -> None:
        known = self.by_identity.get(id(resource))
        if known is not None:
            self._twice(type(resource).__name__, known, address)
            return
        object.__setattr__(resource, "hint", address)
        self.by_identity[id(resource)] = address
        self.resources[address] = resource
        cloud = around if resource.cloud is None else resource.cloud
        if cloud is not None:
            self._clouds[address] = cloud

    def _twice(self, what: str, first: str, second: str) -> None:
        self.faults.append(
            f"{second}: this {what} is assigned to {first} already; it can have one address only "
            f"(make a second one, or take it from self.{first} where you need it)"
        )

    def find_unassigned(self) -> None:
        """Resources and stacks made in a build() that no attribute holds would silently never exist."""
        for made in self._made:
            if id(made) in self.by_identity or id(made) in self._stacks:
                continue
            name = type(made).__name__
            written = f"oc.{name}" if type(made).__module__.startswith("orchestra.") else name
            self.faults.append(
                f"a {name} was made in build() and assigned to no attribute, so that it has no address "
                f"(meant: self.{name.lower()} = {written}(…))"
            )

    def declare(self, address: Address, resource: Resource) -> Declared | None:
        """``resource`` with its inputs as expressions and its dependencies as addresses."""
        count = len(self.faults)
        inputs, open_inputs, found = self._inputs(address, resource)
        secrets = [one for one in found if isinstance(one, Secret)]
        used = {one for one in found if not isinstance(one, Secret)} if secrets else set(cast("list[Address]", found))
        triggers = self._lifecycle(address, resource, used) if resource.lifecycle is not UNRULED else None
        if resource.depends_on:
            self._depends_on(address, resource, used)
        if len(self.faults) > count:
            return None
        return Declared(
            address=address,
            resource=resource,
            cloud=self._clouds.get(address),
            kind=resource.kind,
            inputs=inputs,
            triggers=triggers,
            dependencies=tuple(sorted(used, key=self._rank.__getitem__) if len(used) > 1 else used),
            secrets=tuple(dict.fromkeys(secrets)) if secrets else (),
            refreshed=_refreshed(resource.kind, vars(resource)) if resource.kind.switches else _NONE,
            open_inputs=self._same_names.setdefault(open_inputs, open_inputs),
        )

    def _inputs(
        self, address: Address, resource: Resource
    ) -> tuple[dict[str, Expression], tuple[str, ...], list[Address | Secret]]:
        """The inputs, the names of those that are open, and what those use."""
        values, kind = vars(resource), resource.kind
        inputs: dict[str, Expression] = {}
        open_inputs: list[str] = []
        found: list[Address | Secret] = []
        for name, spec in kind.inputs.items():
            value = values[name]
            sort = type(value)
            if sort in ATOMS and (sort is not str or not holds_token(value)):  # its own expression and its own value
                inputs[name] = {"id": value} if spec.choice else value
                continue
            try:
                expression = lower(value, self.placeholders)
                inputs[name] = expression = _wish(expression, spec) if name in kind.choices else expression
                if not is_value(expression):
                    open_inputs.append(name)
                    found += self.uses(expression, address, name)
            except DefinitionError as error:
                self.faulty(error, f"{address}: input {name}")
        return inputs, tuple(open_inputs), found

    def _depends_on(self, address: Address, resource: Resource, used: set[Address]) -> None:
        for other in resource.depends_on:
            known = self.by_identity.get(id(other))
            if known is None:
                self.faults.append(f"{address}: depends_on names {other!r}, which is in no attribute of this stack")
            else:
                used.add(known)

    def uses(self, expression: Expression, where: str, name: str = "") -> list[Address | Secret]:
        """The addresses and secrets in ``expression``; what belongs to no address is a fault at ``where``."""
        found: list[Address | Secret] = []
        for source in sources(expression, self.placeholders):
            if isinstance(source, Secret):
                found.append(source)
            elif id(source) in self.by_identity:
                found.append(self.by_identity[id(source)])
            else:
                self.faults.append(
                    f"{where}{f': input {name}' * bool(name)} uses a {type(source).__name__} that is in no attribute "
                    f"of this stack (assign it: self.{type(source).__name__.lower()} = …)"
                )
        return found

    def _lifecycle(self, address: Address, resource: Resource, used: set[Address]) -> Expression:
        rules = resource.lifecycle
        for name in rules.ignore_changes:
            if name not in resource.kind.inputs:
                near = difflib.get_close_matches(name, resource.kind.inputs, n=1)
                self.faults.append(
                    f"{address}: ignore_changes names {name!r}, which is no input of {resource.kind.name}"
                    + (f" (did you mean {near[0]!r}?)" if near else "")
                )
        for old in rules.moved_from:
            if not addresses.is_address(old):
                self.faults.append(f"{address}: moved_from={old!r} is no address such as web[0]")
            elif old in self.resources:
                self.faults.append(f"{address}: moved_from={old!r} is still declared")
        triggers: list[Expression] = []
        with self.faults_at(f"{address}: replace_on"):
            for trigger in rules.replace_on:
                if not isinstance(trigger, (Ref, Resource, str, int)):
                    raise DefinitionError(f"{trigger!r}: a reference, a resource, text or a number is needed")
                triggers.append(lower(trigger, self.placeholders))
            used.update(one for one in self.uses(triggers, f"{address}: replace_on") if not isinstance(one, Secret))
        return triggers or None
