"""Networks, subnets and firewalls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import cast

import attrs

from orchestra.clouds.families.simulated.calls import choice
from orchestra.clouds.families.simulated.calls.shared import SimulatedCalls, relabel, tags_of
from orchestra.clouds.families.simulated.compute import SimulatedNodeDriver
from orchestra.clouds.families.simulated.firewalls import SimulatedFirewall
from orchestra.clouds.families.simulated.kinds import RuleBody
from orchestra.clouds.families.simulated.networks import SimulatedNetwork, SimulatedSubnet
from orchestra.contracts import Inputs, Observation, Ownership, Update
from orchestra.model.values import Plain
from orchestra.resources.network import Firewall, Network, Subnet


class NetworkCalls(SimulatedCalls[SimulatedNodeDriver, SimulatedNetwork]):
    """A network, and for ``internet`` its gateway."""

    kind = "network.Network"
    resource = Network

    def create(self, driver: SimulatedNodeDriver, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`."""
        network = driver.ex_create_network(inputs.text("cidr"), ex_tags=tags_of(inputs, owner), ex_token=owner.token)
        if inputs.flag("internet") and network.gateway is None:
            gateway = driver.ex_create_gateway(network.id, ex_tags=owner.tags(), ex_token=owner.token)
            network = attrs.evolve(network, gateway=gateway.id)
        return self.tell(network)

    def listed(
        self, driver: SimulatedNodeDriver, ids: Sequence[str] | None = None, token: str | None = None
    ) -> Iterable[SimulatedNetwork]:
        """See `SimulatedCalls.listed`."""
        return driver.ex_list_networks(ids, token)

    def one(self, driver: SimulatedNodeDriver, external_id: str) -> SimulatedNetwork:
        """See `SimulatedCalls.one`."""
        return driver.ex_get_network(external_id)

    def tell(self, one: SimulatedNetwork) -> Observation:
        """See `SimulatedCalls.tell`."""
        return self.observation(one.id, {"cidr": one.cidr, "internet": one.gateway is not None}, tags=one.tags)

    def update(self, driver: SimulatedNodeDriver, external_id: str, update: Update) -> Observation:
        """See `Calls.update`."""
        network = driver.ex_get_network(external_id)
        if "internet" in update.changed:
            wanted = update.after.flag("internet")
            if wanted and network.gateway is None:
                gateway = driver.ex_create_gateway(external_id)
                network = attrs.evolve(network, gateway=gateway.id)
            elif not wanted and network.gateway is not None:
                driver.ex_destroy_gateway(network.gateway)
                network = attrs.evolve(network, gateway=None)
        return self.tell(attrs.evolve(network, tags=relabel(driver, external_id, network.tags, update)))

    def delete(self, driver: SimulatedNodeDriver, external_id: str) -> None:
        """See `Calls.delete`: its gateway goes with it."""
        driver.ex_destroy_network(external_id)


class SubnetCalls(SimulatedCalls[SimulatedNodeDriver, SimulatedSubnet]):
    """A subnet."""

    kind = "network.Subnet"
    resource = Subnet

    def create(self, driver: SimulatedNodeDriver, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`."""
        subnet = driver.ex_create_subnet(
            inputs.text("network"),
            inputs.text("cidr"),
            inputs.optional_text("zone"),
            inputs.flag("public"),
            ex_tags=tags_of(inputs, owner),
            ex_token=owner.token,
        )
        return self.tell(subnet)

    def listed(
        self, driver: SimulatedNodeDriver, ids: Sequence[str] | None = None, token: str | None = None
    ) -> Iterable[SimulatedSubnet]:
        """See `SimulatedCalls.listed`."""
        return driver.ex_list_subnets(ids, token)

    def one(self, driver: SimulatedNodeDriver, external_id: str) -> SimulatedSubnet:
        """See `SimulatedCalls.one`."""
        return driver.ex_get_subnet(external_id)

    def tell(self, one: SimulatedSubnet) -> Observation:
        """See `SimulatedCalls.tell`."""
        inputs: Mapping[str, Plain] = {"network": one.network, "cidr": one.cidr, "zone": one.zone, "public": one.public}
        return self.observation(one.id, inputs, {"available_zone": one.zone}, tags=one.tags)

    def update(self, driver: SimulatedNodeDriver, external_id: str, update: Update) -> Observation:
        """See `Calls.update`."""
        if "public" in update.changed:
            subnet = driver.ex_modify_subnet(external_id, update.after.flag("public"))
        else:
            subnet = driver.ex_get_subnet(external_id)
        return self.tell(attrs.evolve(subnet, tags=relabel(driver, external_id, subnet.tags, update)))

    def delete(self, driver: SimulatedNodeDriver, external_id: str) -> None:
        """See `Calls.delete`."""
        driver.ex_destroy_subnet(external_id)

    def choose(self, driver: SimulatedNodeDriver, name: str, wanted: Mapping[str, Plain]) -> str:
        """See `Calls.choose`."""
        return (
            choice.choose_zone(driver.list_locations(), wanted)
            if name == "zone"
            else super().choose(driver, name, wanted)
        )


class FirewallCalls(SimulatedCalls[SimulatedNodeDriver, SimulatedFirewall]):
    """A firewall with its rules."""

    kind = "network.Firewall"
    resource = Firewall

    def create(self, driver: SimulatedNodeDriver, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`."""
        firewall = driver.ex_create_firewall(
            inputs.text("network"),
            owner.name(),
            inputs.text("description"),
            ingress=_rules(inputs, "ingress"),
            egress=_rules(inputs, "egress"),
            ex_tags=tags_of(inputs, owner),
            ex_token=owner.token,
        )
        return self.tell(firewall)

    def listed(
        self, driver: SimulatedNodeDriver, ids: Sequence[str] | None = None, token: str | None = None
    ) -> Iterable[SimulatedFirewall]:
        """See `SimulatedCalls.listed`."""
        return driver.ex_list_firewalls(ids, token)

    def one(self, driver: SimulatedNodeDriver, external_id: str) -> SimulatedFirewall:
        """See `SimulatedCalls.one`."""
        return driver.ex_get_firewall(external_id)

    def tell(self, one: SimulatedFirewall) -> Observation:
        """See `SimulatedCalls.tell`."""
        inputs: Mapping[str, Plain] = {
            "network": one.network,
            "description": one.description,
            "ingress": [cast("Mapping[str, Plain]", rule) for rule in one.ingress],
            "egress": [cast("Mapping[str, Plain]", rule) for rule in one.egress],
        }
        return self.observation(one.id, inputs, tags=one.tags, name=one.name)

    def update(self, driver: SimulatedNodeDriver, external_id: str, update: Update) -> Observation:
        """See `Calls.update`: the rules of a direction are replaced in one call."""
        if update.changed & {"ingress", "egress"}:
            firewall = driver.ex_set_firewall_rules(
                external_id, ingress=_rules(update.after, "ingress"), egress=_rules(update.after, "egress")
            )
        else:
            firewall = driver.ex_get_firewall(external_id)
        return self.tell(attrs.evolve(firewall, tags=relabel(driver, external_id, firewall.tags, update)))

    def delete(self, driver: SimulatedNodeDriver, external_id: str) -> None:
        """See `Calls.delete`."""
        driver.ex_destroy_firewall(external_id)


def _rules(inputs: Inputs, name: str) -> list[RuleBody]:
    rules = [Inputs(rule) for rule in inputs.mappings(name)]
    return [
        {
            "protocol": rule.text("protocol"),
            "from_port": _port(rule, "from_port"),
            "to_port": _port(rule, "to_port"),
            "cidr": rule.optional_text("cidr"),
            "firewall": rule.optional_text("firewall"),
        }
        for rule in rules
    ]


def _port(rule: Inputs, name: str) -> int | None:
    return None if rule.values.get(name) is None else rule.integer(name)
