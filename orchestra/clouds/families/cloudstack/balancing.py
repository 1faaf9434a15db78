"""Load balancers: rules of the virtual router of a VPC, each on a public address of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar, Final

import attrs

from orchestra.clouds.families.cloudstack import acquiring
from orchestra.clouds.families.cloudstack.connecting import Drivers
from orchestra.clouds.families.cloudstack.described import Described, Listing, labels_of, mark, settled
from orchestra.clouds.families.cloudstack.rest import Item
from orchestra.contracts import Inputs, Observation, Ownership, Status, Update
from orchestra.errors import InvalidRequestError, NotFoundError
from orchestra.model.values import Plain

_ADDRESS: Final = "address:"
"""Begins the external id of a balancer of which only the address was acquired."""
_GONE: Final = ("Revoke", "Deleting")


class LoadBalancerCalls(Described):
    """A rule, and the address that was acquired for it: releasing that takes the rule along."""

    kind = "balancing.LoadBalancer"
    found_key = "name of the rule; until there is one, the tag of its address"
    fixed = MappingProxyType({"protocol": ("tcp", "the rules of a virtual router pass bytes through")})
    required = MappingProxyType({"subnets": "a rule is for servers of one subnet, on an address of its network"})
    unsupported = MappingProxyType(
        {
            "firewalls": "the network ACL list of its subnet guards it",
            "health_check": "the virtual router sees whether members take a connection, and can't be told otherwise",
        }
    )
    listing: ClassVar[Listing] = Listing(
        command="listLoadBalancerRules",
        key="loadbalancerrule",
        remove="deleteLoadBalancerRule",
        marked="name",
        tagged="LoadBalancer",
    )

    def asked(self, owner: Ownership, inputs: Inputs) -> Mapping[str, object]:
        """See `Described.asked`."""
        del inputs
        return {"name": mark(owner)}

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: the address, the rule on it, its members. What the token began is gone on with."""
        subnet = _subnet(inputs)
        item = self.made(driver, owner, inputs)
        if item is not None:
            return self._bring_to(driver, str(item["id"]), inputs)
        vpc = acquiring.vpc_of(driver, subnet)
        address = acquiring.acquire(driver, vpc, owner, **acquiring.ROLE)
        content = driver.do(
            "createLoadBalancerRule",
            name=mark(owner),
            publicipid=address["id"],
            networkid=subnet,
            algorithm="roundrobin",
            publicport=inputs.integer("port"),
            privateport=inputs.integer("member_port", inputs.integer("port")),
            protocol="tcp",
            openfirewall=False,
        )
        external_id = str(content["id"])
        driver.jobs.began(external_id, content)
        self._assign(driver, external_id, sorted(set(inputs.texts("members"))))
        self.label(driver, external_id, inputs.labels())
        return Observation(
            external_id=external_id,
            status=Status.PENDING,
            inputs={"subnets": [subnet], "members": [*sorted(set(inputs.texts("members")))]},
            outputs={"address": str(address["ipaddress"])},
            detail="accepted",
            ownership=owner,
        )

    def observe(self, drivers: Drivers, item: Item) -> Observation | None:
        """See `Described.observe`; without its members."""
        state = str(item["state"])
        if state in _GONE:
            return None
        return Observation(
            external_id=str(item["id"]),
            status=Status.READY if state == "Active" else Status.PENDING,
            inputs={
                "port": int(item["publicport"]),
                "member_port": int(item["privateport"]),
                "protocol": "tcp",
                "subnets": [str(item["networkid"])],
                "labels": {**labels_of(item)},
            },
            outputs={"address": str(item["publicip"])},
            detail=state,
            ownership=self.owner_of(item),
            name=str(item["name"]),
        )

    def observations(self, drivers: Drivers, items: Iterable[Item]) -> Iterator[Observation]:
        """See `Described.observations`: CloudStack tells the members of one rule at a time."""
        for item in items:
            found = self.observe(drivers, item)
            if found is not None:
                members: list[Plain] = [*_members(drivers, found.external_id)]
                yield settled(drivers, attrs.evolve(found, inputs={**found.inputs, "members": members}))

    def read(self, driver: Drivers, ids: Sequence[str]) -> Iterator[Observation]:
        """See `Calls.read`."""
        return super().read(driver, [one for one in ids if not one.startswith(_ADDRESS)] or [""])

    def look_up(self, driver: Drivers, external_id: str) -> Observation:
        """See `Calls.look_up`."""
        if external_id.startswith(_ADDRESS):
            return _half_made(acquiring.address_of(driver, external_id.removeprefix(_ADDRESS)))
        return super().look_up(driver, external_id)

    def search(self, driver: Drivers, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `Calls.search`. One of which a crash left only the address, or without all members, is pending."""
        found = super().search(driver, owner, inputs)
        if found is not None:
            if found.inputs["members"] != sorted(set(inputs.texts("members"))):
                return attrs.evolve(found, status=Status.PENDING, detail="its members aren't all there yet")
            return found
        address = acquiring.acquired(driver, acquiring.vpc_of(driver, _subnet(inputs)), owner)
        if address is None:
            return None
        return attrs.evolve(_half_made(address, owner), status=Status.PENDING)

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`."""
        return self._bring_to(driver, external_id, update.after)

    def delete(self, driver: Drivers, external_id: str) -> None:
        """See `Calls.delete`. One on an address that wasn't acquired for it leaves that."""
        if external_id.startswith(_ADDRESS):
            driver.do("disassociateIpAddress", id=external_id.removeprefix(_ADDRESS))
            return
        address = str(self.item(driver, external_id)["publicipid"])
        if not acquiring.is_of_balancer(acquiring.address_of(driver, address)):
            super().delete(driver, external_id)
            return
        driver.jobs.forget(external_id)
        driver.jobs.began(external_id, driver.do("disassociateIpAddress", id=address))

    def everything(self, driver: Drivers) -> Iterator[Observation]:
        """See `Calls.everything`, with those of which only the address was acquired."""
        used = set()
        for item in self.listed(driver):
            used.add(str(item["publicipid"]))
            yield from self.observations(driver, [item])
        for address in acquiring.addresses(driver):
            if acquiring.is_of_balancer(address) and str(address["id"]) not in used and address["state"] == "Allocated":
                yield _half_made(address)

    def _bring_to(self, drivers: Drivers, external_id: str, inputs: Inputs) -> Observation:
        self.relabel(drivers, self.item(drivers, external_id), inputs)
        there, wanted = set(_members(drivers, external_id)), set(inputs.texts("members"))
        self._assign(drivers, external_id, sorted(wanted - there))
        if stale := ",".join(sorted(there - wanted)):
            content = drivers.do("removeFromLoadBalancerRule", id=external_id, virtualmachineids=stale)
            drivers.jobs.began(external_id, content)
        return self.look_up(drivers, external_id)

    def _assign(self, drivers: Drivers, external_id: str, members: Sequence[str]) -> None:
        if members:
            fields = {"id": external_id, "virtualmachineids": ",".join(members)}
            drivers.jobs.began(external_id, drivers.do("assignToLoadBalancerRule", **fields))


def _members(drivers: Drivers, external_id: str) -> list[str]:
    items = drivers.items("listLoadBalancerRuleInstances", "loadbalancerruleinstance", id=external_id)
    return sorted({str(item["id"]) for item in items})


def _subnet(inputs: Inputs) -> str:
    """The one subnet that it listens for."""
    subnets = inputs.texts("subnets")
    if len(set(subnets)) != 1:
        raise InvalidRequestError(
            f"a balancer here has its members in one subnet, not in {len(set(subnets))}", sent=False, remedy="give one"
        )
    return subnets[0]


def _half_made(address: Item, owner: Ownership | None = None) -> Observation:
    """A balancer of which only the address was acquired: what is recorded as such is replaced, as its rule was refused.

    Raises `NotFoundError` for any other address.
    """
    told = Ownership.from_tags(acquiring.tags_of(address)) or owner
    if told is None or address["state"] == "Free":
        raise NotFoundError(f"address {address['id']} isn't that of a balancer that was left half-made")
    return Observation(
        external_id=f"{_ADDRESS}{address['id']}",
        status=Status.FAILED,
        outputs={"address": str(address["ipaddress"])},
        detail="only its address was acquired",
        ownership=told,
    )
