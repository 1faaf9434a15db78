"""Networks that have no parts, and firewalls that go by a tag of the servers they are on."""

from __future__ import annotations

from collections.abc import Iterable

from orchestra.clouds.base.compute.listed import Listed
from orchestra.clouds.base.compute.traits import Access, Firewalls, Networks, Told
from orchestra.clouds.base.rules import FirewallRule, told_rules, wanted_rule
from orchestra.contracts import Inputs, Observation, Ownership, Status, Update


class NetworkCalls(Listed):
    """A network. These clouds have no subnets: servers are put into the network itself, by its id."""

    kind = "network.Network"

    def __init__(self, traits: Networks) -> None:
        super().__init__(traits)
        self._traits = traits

    def create(self, driver: Access, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: what the token made is looked for first."""
        found = self.search(driver, owner, inputs)
        return found or self.observe(self._traits.create(driver, self.name_for(owner), inputs.text("cidr")))

    def observe(self, told: Told) -> Observation:
        """See `Listed.observe`."""
        return Observation(
            external_id=told.id,
            inputs={"cidr": told.cidr},
            ownership=self.owner_of(told),
            name=told.name,
            comes_with=told.comes_with,
        )

    def update(self, driver: Access, external_id: str, update: Update) -> Observation:
        """See `Calls.update`: nothing of such a network can be changed in place."""
        del update
        return self.look_up(driver, external_id)


class FirewallCalls(Listed):
    """A firewall. It belongs to no network on these clouds, so which one isn't told."""

    kind = "network.Firewall"

    def __init__(self, traits: Firewalls) -> None:
        super().__init__(traits)
        self._traits = traits

    def create(self, driver: Access, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: what the token made is looked for first."""
        found = self.search(driver, owner, inputs)
        if found is not None:
            return found
        ingress, egress = _wanted(inputs, "ingress"), _wanted(inputs, "egress")
        return self.observe(self._traits.create(driver, self.name_for(owner), ingress, egress))

    def observe(self, told: Told) -> Observation:
        """See `Listed.observe`."""
        return Observation(
            external_id=told.id,
            status=self._traits.statuses.get(told.state, Status.PENDING),
            inputs={"ingress": told_rules(told.ingress, "ingress"), "egress": told_rules(told.egress, "egress")},
            detail=told.state,
            ownership=self.owner_of(told),
            name=told.name,
        )

    def update(self, driver: Access, external_id: str, update: Update) -> Observation:
        """See `Calls.update`: all rules at once."""
        told = self.one(driver, external_id)
        self._traits.change(driver, told, _wanted(update.after, "ingress"), _wanted(update.after, "egress"))
        return self.look_up(driver, external_id)


def _wanted(inputs: Inputs, name: str) -> Iterable[FirewallRule]:
    return sorted({wanted_rule(rule) for rule in inputs.mappings(name)}, key=repr)
