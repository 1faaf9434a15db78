"""Firewalls: a network tag that servers carry, and VPC firewall rules for what carries it.

Google's rules stand each for itself. What ties those of one firewall together is the tag, and the rule that has its
name: it denies what may leave, after all others, and is there from the first request of a creation to the last of a
deletion. What may come in needs no such rule, for a network denies that by itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from types import MappingProxyType
from typing import Any, Final

from orchestra.clouds.base.compute.marking import unique_name
from orchestra.clouds.base.rules import FirewallRule, told_rules, wanted_rule
from orchestra.clouds.families.gce import marks
from orchestra.clouds.families.gce.connecting import Drivers
from orchestra.clouds.families.gce.described import Described, made_now
from orchestra.clouds.families.gce.network import NO_LABELS
from orchestra.clouds.families.gce.rest import Item, last
from orchestra.contracts import FoundBy, Inputs, Observation, Ownership, Update
from orchestra.errors import InvalidRequestError
from orchestra.resources.network import Firewall

_HOME: Final = "global/firewalls"
_DIRECTIONS: Final = MappingProxyType({"ingress": "INGRESS", "egress": "EGRESS"})
_PRIORITY: Final = 1000
_LAST: Final = 65534
"""The priority of the rule that denies: after all others that can be, but for Google's own."""

_EVERYWHERE: Final = "0.0.0.0/0"
_ICMP_6: Final = "58"
"""The number of ICMP for version 6 of IP; the API has no name for it."""

_PROTOCOLS: Final = MappingProxyType({"1": "icmp", "6": "tcp", "17": "udp", _ICMP_6: "icmp", "icmp6": "icmp"})


class FirewallCalls(Described):
    """A firewall: its external id is that of the rule that denies, whose name is the tag."""

    kind = "network.Firewall"
    resource = Firewall
    unsupported = NO_LABELS
    found_by = FoundBy.NAME
    found_key = "name made from the token, with the token in the description; requestId"
    collection = "firewalls"
    set_later = ("ingress", "egress")

    def home(self, drivers: Drivers) -> str:
        """See `Described.home`."""
        del drivers
        return _HOME

    def name(self, owner: Ownership) -> str:
        """See `Described.name`: with room for what tells its rules apart."""
        return unique_name(owner, 54)

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: the rule that denies, then those that allow, each under a name made of what it says."""
        _refuse_impossible(inputs)
        body = {
            "description": marks.description(owner, inputs.text("description")),
            "network": driver.url(inputs.text("network")),
            "direction": "EGRESS",
            "priority": _LAST,
            "denied": [{"IPProtocol": "all"}],
            "destinationRanges": [_EVERYWHERE],
            "targetTags": [self.name(owner)],
        }
        item = self.make(driver, _HOME, body, owner)
        with made_now(str(item["name"])):
            return self._bring_to(driver, item, inputs)

    def observe(self, drivers: Drivers, item: Item) -> Observation | None:
        """See `Described.observe`; without its rules, which are things of their own."""
        if not _is_firewall(item):
            return None
        return Observation(
            external_id=drivers.places.place(str(item["selfLink"])),
            inputs={
                "network": drivers.places.place(str(item["network"])),
                "description": marks.text_in(item),
            },
            ownership=marks.owner_of(item),
            name=str(item["name"]),
        )

    def observations(self, drivers: Drivers, items: Iterable[Item]) -> Iterator[Observation]:
        """See `Described.observations`: the rules of all of them are read together."""
        found = {str(item["name"]): one for item in items if (one := self.observe(drivers, item)) is not None}
        rules: dict[str, list[Item]] = {name: [] for name in found}
        for rule in drivers.items(_HOME) if found else ():
            for tag in _tags(rule):
                if tag in rules and not _is_firewall(rule):
                    rules[tag].append(rule)
        return (_with_rules(one, rules[name]) for name, one in found.items())

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`."""
        _refuse_impossible(update.after)
        return self._bring_to(driver, self.item(driver, external_id), update.after)

    def delete(self, driver: Drivers, external_id: str) -> None:
        """See `Calls.delete`: the rule that tells of the others goes last."""
        self.item(driver, external_id)
        driver.change_all([_drop(str(rule["name"])) for rule in _rules_for(driver, last(external_id))])
        super().delete(driver, external_id)

    def _bring_to(self, drivers: Drivers, item: Item, inputs: Inputs) -> Observation:
        """Bring the rules to those in ``inputs``: add first, so that nothing wanted is cut off meanwhile."""
        if item.get("disabled"):
            drivers.change("PATCH", f"{_HOME}/{item['name']}", {"disabled": False})
        wanted = {str(body["name"]): body for body in _bodies(item, inputs)}
        there = {str(rule["name"]): rule for rule in _rules_for(drivers, str(item["name"]))}
        added = [("POST", _HOME, body) for name, body in wanted.items() if name not in there]
        mended = [
            ("PATCH", f"{_HOME}/{name}", {**body, "disabled": False})
            for name, body in wanted.items()
            if name in there and _differs(body, there[name])
        ]
        drivers.change_all([*added, *mended])
        drivers.change_all([_drop(name) for name in sorted(there.keys() - wanted.keys())])
        return self.look_up(drivers, drivers.places.place(str(item["selfLink"])))


def _drop(name: str) -> tuple[str, str, None]:
    """The change that deletes a rule."""
    return "DELETE", f"{_HOME}/{name}", None


def tag_of(firewall: str) -> str:
    """The tag of what the firewall with this external id is on."""
    return last(firewall)


def firewalls_of(tags: Iterable[str]) -> list[str]:
    """The external ids of the firewalls whose tags a server has."""
    return sorted(f"{_HOME}/{tag}" for tag in tags)


def _is_firewall(item: Item) -> bool:
    """Whether a rule is the one that stands for a firewall."""
    return bool(item.get("denied")) and item.get("direction") == "EGRESS" and _tags(item) == [item["name"]]


def _tags(item: Item) -> Sequence[str]:
    found: Sequence[str] = item.get("targetTags") or ()
    return found


def _rules_for(drivers: Drivers, tag: str) -> Iterator[Item]:
    return (rule for rule in drivers.items(_HOME) if tag in _tags(rule) and not _is_firewall(rule))


def _with_rules(found: Observation, rules: Sequence[Item]) -> Observation:
    told = {name: told_rules(_told(rules, direction), name) for name, direction in _DIRECTIONS.items()}
    return Observation(
        external_id=found.external_id,
        inputs={**found.inputs, **told},
        ownership=found.ownership,
        name=found.name,
    )


def _told(rules: Sequence[Item], direction: str) -> Iterator[FirewallRule]:
    """What the rules of one direction allow; one that is switched off allows nothing."""
    for rule in rules:
        if rule.get("direction") != direction or rule.get("disabled"):
            continue
        for allowed in rule.get("allowed") or ():
            protocol = str(allowed["IPProtocol"])
            for first, end in _spans(protocol, allowed.get("ports") or ()):
                parts = (_PROTOCOLS.get(protocol, protocol), first, end)
                for cidr in rule.get("sourceRanges") or rule.get("destinationRanges") or ():
                    yield FirewallRule(*parts, cidr=str(cidr), firewall=None)
                for tag in rule.get("sourceTags") or ():
                    yield FirewallRule(*parts, cidr=None, firewall=f"{_HOME}/{tag}")


def _spans(protocol: str, ports: Sequence[str]) -> Iterator[tuple[int | None, int | None]]:
    """First and last port of each span; tcp and udp without any are for all."""
    if not ports:
        yield (0, 65535) if protocol in ("tcp", "udp") else (None, None)
    for span in ports:
        first, _, end = span.partition("-")
        yield int(first), int(end or first)


def _bodies(item: Item, inputs: Inputs) -> Iterator[dict[str, Any]]:
    """What the API takes for the rules in ``inputs``, each under a name that is made of what it says."""
    for name, direction in _DIRECTIONS.items():
        for rule in sorted({wanted_rule(rule) for rule in inputs.mappings(name)}, key=repr):
            said = hashlib.blake2b(f"{direction} {rule!r}".encode(), digest_size=4).hexdigest()
            yield {
                "name": f"{item['name']}-{said}",
                "description": str(item.get("description") or ""),
                "network": item["network"],
                "direction": direction,
                "priority": _PRIORITY,
                "allowed": [_allowed(rule)],
                "targetTags": [str(item["name"])],
                **_other_side(rule, direction),
            }


def _allowed(rule: FirewallRule) -> dict[str, Any]:
    protocol = _ICMP_6 if rule.protocol == "icmp" and ":" in (rule.cidr or "") else rule.protocol
    if rule.from_port is None:
        return {"IPProtocol": protocol}
    span = str(rule.from_port) if rule.from_port == rule.to_port else f"{rule.from_port}-{rule.to_port}"
    return {"IPProtocol": protocol, "ports": [span]}


def _other_side(rule: FirewallRule, direction: str) -> dict[str, list[str]]:
    if rule.firewall is not None:
        return {"sourceTags": [tag_of(rule.firewall)]}
    return {"sourceRanges" if direction == "INGRESS" else "destinationRanges": [str(rule.cidr)]}


def _differs(body: dict[str, Any], rule: Item) -> bool:
    """Whether somebody changed a rule of ours in what counts, or switched it off."""
    counting = ("direction", "priority", "allowed", "targetTags", "sourceRanges", "destinationRanges", "sourceTags")
    return bool(rule.get("disabled")) or any(body.get(name) != rule.get(name) for name in counting)


def _refuse_impossible(inputs: Inputs) -> None:
    """Raise `InvalidRequestError` for what Google's rules can't say, before anything is sent."""
    if any(rule.get("firewall") is not None for rule in inputs.mappings("egress")):
        raise InvalidRequestError(
            "egress to a firewall isn't possible: Google's rules know where traffic goes to by address only",
            sent=False,
            remedy="allow the range of the subnet that it goes to",
        )
