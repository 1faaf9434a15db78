"""Writing a lost state anew, from the ownership that resources carry in their clouds."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import attrs

from orchestra import graph
from orchestra.contracts import Inputs, Observation, Ownership, Provider, Status
from orchestra.engine.live import Live
from orchestra.engine.office import Office
from orchestra.engine.patience import patiently
from orchestra.engine.reading import provider_for
from orchestra.engine.recording import write_records
from orchestra.engine.survey import Site
from orchestra.errors import PlanError
from orchestra.model.address import Address, sort_key
from orchestra.model.declaration import Declared
from orchestra.model.values import Values, is_known
from orchestra.planning.comparing import overlay
from orchestra.resources.catalogue import KINDS
from orchestra.state.records import Condition, Record, Snapshot


def rebuild(site: Site, office: Office, snapshot: Snapshot) -> tuple[Record, ...]:
    """Write the records of all that is found into the state, which is at ``snapshot`` and must be empty."""
    if snapshot.records or snapshot.deposed or snapshot.pending:
        raise PlanError(
            f"the state knows {len(snapshot.records)} resources: it isn't lost",
            remedy="move the state file away first if it is not to be used any more",
        )
    records = tuple(found_records(site))
    write_records(office, "rebuild", records, snapshot)
    return records


def found_records(site: Site) -> list[Record]:
    """What the clouds hold of this deployment, as records: what is declared first, in dependency order.

    A kind that can carry no ownership is found by its natural key, which the declaration tells. What is owned and
    no longer declared is recorded too, so that the next plan deletes it. Raises `CloudError` if a cloud can't be
    read: a state is rebuilt whole or not at all.
    """
    search = _Search(site)
    declared = site.declaration.resources
    for address in graph.order({a: item.dependencies for a, item in declared.items()}, key=sort_key):
        search.declared(declared[address])
    search.others()
    return search.records


class _Search:
    def __init__(self, site: Site) -> None:
        self._site = site
        self._live = Live(site.declaration, site.keyring, {})
        self._owned = dict(self._by_address())
        self.records: list[Record] = []

    def _by_address(self) -> Iterator[tuple[Address, list[tuple[str, str, Observation]]]]:
        """Everything that carries this deployment's ownership: (cloud, kind, observation) by address."""
        found: dict[Address, list[tuple[str, str, Observation]]] = {}
        for cloud, kind, provider in self._providers():
            for observation in patiently(functools.partial(_listed, provider), self._site.clock):
                owner = observation.ownership
                if owner is not None and owner.deployment == self._site.deployment:
                    found.setdefault(Address(owner.address), []).append((cloud, kind, observation))
        yield from found.items()

    def _providers(self) -> Iterator[tuple[str, str, Provider]]:
        kinds = {item.kind.name for item in self._site.declaration.resources.values()}
        kinds |= {kind.kind.name for kind in KINDS}
        for name, cloud in sorted(self._site.clouds.items()):
            for kind in sorted(kinds):
                provider = cloud.provider(kind)
                if provider is not None:
                    yield name, kind, provider

    def declared(self, item: Declared) -> None:
        """Record what exists of one declared resource, and learn its outputs for those that use it."""
        cloud, kind = self._site.cloud_of(item), item.kind.name
        mine = [one for place, what, one in self._owned.get(item.address, []) if (place, what) == (cloud, kind)]
        inputs = self._live.inputs(item, {})
        if not mine and all(is_known(value) for value in inputs.raw.values()):
            provider = provider_for(self._site.clouds, cloud, kind, item.address)
            natural = provider.find(Ownership(self._site.deployment, item.address, ""), Inputs(inputs.raw))
            mine = [natural] if natural is not None and natural.ownership is None else []
        for rank, observation in enumerate(sorted(mine, key=_best_first)):
            condition = Condition.READY if rank == 0 else Condition.DEPOSED
            record = self._record(item.address, cloud, kind, observation, condition, inputs.kept)
            kept = attrs.evolve(record, triggers=self._live.triggers(item))
            told = overlay(kept, observation, item.kind.inputs)
            rules = item.lifecycle
            self.records.append(
                attrs.evolve(
                    kept,
                    inputs={name: value if is_known(value) else None for name, value in told.items()},
                    dependencies=item.dependencies,
                    protect=rules.protect,
                    retain=rules.retain,
                    create_before_delete=rules.create_before_delete,
                    delete_timeout=rules.delete_timeout,
                )
            )
            if rank == 0:
                self._live.learn(item.address, self._told(item.address, observation, inputs.kept))

    def others(self) -> None:
        """Record what is owned and not declared, or declared as something else by now."""
        known = {(record.cloud, record.kind, record.external_id) for record in self.records}
        taken = {record.address for record in self.records}
        for address, things in self._owned.items():
            for cloud, kind, observation in things:
                if (cloud, kind, observation.external_id) in known:
                    continue
                condition = Condition.DEPOSED if address in taken else Condition.READY
                taken.add(address)
                self.records.append(self._record(address, cloud, kind, observation, condition, {}))

    def _told(self, address: Address, observation: Observation, inputs: Values) -> Values:
        outputs: Values = {**observation.outputs, "id": observation.external_id}
        return self._live.told_outputs(address, outputs, inputs)

    def _record(
        self, address: Address, cloud: str, kind: str, observation: Observation, condition: Condition, inputs: Values
    ) -> Record:
        """Without inputs where none are declared: which of those that the cloud tells are secret isn't known."""
        owner = observation.ownership
        outputs: Values = {**observation.outputs, "id": observation.external_id}
        return Record(
            address=address,
            kind=kind,
            cloud=cloud,
            external_id=observation.external_id,
            token=owner.token if owner else f"rebuilt-{observation.external_id}",
            condition=condition,
            inputs=inputs,
            outputs=self._live.kept_outputs(address, outputs, inputs),
        )


def _listed(provider: Provider) -> list[Observation]:
    return list(provider.list())


def _best_first(observation: Observation) -> tuple[bool, str]:
    """Of several at one address the one that is ready is current; ties by id."""
    return observation.status is not Status.READY, observation.external_id
