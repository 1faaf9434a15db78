"""Load balancers: a forwarding rule, a target pool and an HTTP health check, all of one name.

The health check is made first and goes last: where it is, the other two may be, half made or half gone. It tells whose
the balancer is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import attrs

from orchestra.clouds.base.finishing import unless_unfinished
from orchestra.clouds.base.tolerance import tolerating
from orchestra.clouds.families.gce import marks
from orchestra.clouds.families.gce.connecting import Drivers
from orchestra.clouds.families.gce.described import Described, made_now
from orchestra.clouds.families.gce.rest import Item, last
from orchestra.clouds.translate import translate
from orchestra.contracts import FoundBy, Inputs, Observation, Ownership, Status, Update
from orchestra.errors import InvalidRequestError, NotFoundError
from orchestra.model.values import Plain
from orchestra.resources.balancing import LoadBalancer

_CHECKS: Final = "global/httpHealthChecks"


@attrs.frozen
class _Parts:
    """What belongs to a balancer beside its health check; None for what isn't there."""

    pool: Item | None
    rule: Item | None


class LoadBalancerCalls(Described):
    """An external pass-through balancer of the region; its external id is that of its health check.

    It has no subnet and hands packets on as they come: what may reach a member is for the member's firewalls to say,
    which must let Google's health checks in too. Those are HTTP's, for a target pool takes no other.
    """

    kind = "balancing.LoadBalancer"
    resource = LoadBalancer
    unsupported = MappingProxyType(
        {
            "firewalls": "packets reach the members with their senders' addresses: the members' own firewalls decide",
            "member_port": "packets are handed on to the port that they came to",
        }
    )
    required = MappingProxyType(
        {"health_check": "a target pool has no check of its own accord; it takes one over HTTP"}
    )
    fixed = MappingProxyType({"protocol": ("tcp", "packets are handed on as they come: nothing is added to requests")})
    found_by = FoundBy.NAME
    found_key = "name made from the token, with the token in the health check's description; requestId"
    collection = "httpHealthChecks"
    set_later = ("members", "labels")

    def home(self, drivers: Drivers) -> str:
        """See `Described.home`."""
        del drivers
        return _CHECKS

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: the health check, the pool with its members, the rule; each may be there already."""
        check, description = _check(inputs), marks.description(owner, region=driver.region)
        labels = marks.labels_of(owner, inputs)
        name = str(self.make(driver, _CHECKS, {"description": description, **check}, owner)["name"])
        region = f"regions/{driver.region}"
        pool = {
            "description": description,
            "healthChecks": [driver.url(f"{_CHECKS}/{name}")],
            "instances": [driver.url(one) for one in sorted(set(inputs.texts("members")))],
        }
        self.make(driver, f"{region}/targetPools", pool, owner)
        rule = {
            "description": description,
            "IPProtocol": "TCP",
            "portRange": str(inputs.integer("port")),
            "loadBalancingScheme": "EXTERNAL",
            "target": driver.url(f"{region}/targetPools/{name}"),
        }
        made = self.make(driver, f"{region}/forwardingRules", rule, owner)
        with made_now(name):
            if (made.get("labels") or {}) != labels:
                fields = {"labels": labels, "labelFingerprint": made.get("labelFingerprint")}
                driver.change("POST", f"{region}/forwardingRules/{name}/setLabels", fields)
            _set_members(driver, name, inputs)
            return self.look_up(driver, f"{_CHECKS}/{name}")

    def search(self, driver: Drivers, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `Calls.search`. One of which a part isn't there is pending: creating it again finishes it."""
        item = self.made(driver, owner)
        if item is None:
            return None
        for found in self.observations(driver, [item]):
            if found.status is Status.FAILED:
                return attrs.evolve(found, status=Status.PENDING)
            return unless_unfinished(found, self.resource.kind, inputs, self.set_later)
        return None

    def observe(self, drivers: Drivers, item: Item) -> Observation | None:
        """See `Described.observe`: what the health check tells. One of another region, or of others', is none."""
        if marks.marked(item).get("region") != drivers.region:
            return None
        return Observation(
            external_id=drivers.places.place(str(item["selfLink"])),
            inputs={"protocol": "tcp", "health_check": _told_check(item)},
            outputs={"address": None},
            ownership=marks.owner_of(item),
            name=str(item["name"]),
        )

    def observations(self, drivers: Drivers, items: Iterable[Item]) -> Iterator[Observation]:
        """See `Described.observations`: pools and rules of many are listed, those of one asked for."""
        listed = list(items)
        found = [one for item in listed if (one := self.observe(drivers, item)) is not None]
        if len(found) == 1:
            parts = {found[0].name: _parts(drivers, found[0].name)}
        else:
            pools, rules = (_by_name(drivers, name) if found else {} for name in ("targetPools", "forwardingRules"))
            parts = {one.name: _Parts(pools.get(one.name), rules.get(one.name)) for one in found}
        return (_whole(drivers, one, parts[one.name]) for one in found)

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`."""
        check, name = _check(update.after), last(external_id)
        if "health_check" in update.changed:
            driver.change("PATCH", external_id, check)
        _set_members(driver, name, update.after)
        rule = driver.ask("GET", f"regions/{driver.region}/forwardingRules/{name}")
        self.relabel(driver, rule, update.after)
        return self.look_up(driver, external_id)

    def delete(self, driver: Drivers, external_id: str) -> None:
        """See `Calls.delete`: in the opposite order; what tells of the others goes last."""
        name = last(external_id)
        self.item(driver, external_id)
        for collection in ("forwardingRules", "targetPools"):
            with tolerating(NotFoundError):
                driver.change("DELETE", f"regions/{driver.region}/{collection}/{name}")
        super().delete(driver, external_id)


def _check(inputs: Inputs) -> dict[str, Any]:
    """The health check as the API takes it. Raises `InvalidRequestError` for one that isn't HTTP's."""
    said = inputs.mapping("health_check")
    if said.get("protocol") != "http":
        raise InvalidRequestError(
            "health_check: a target pool takes checks over HTTP only",
            sent=False,
            remedy="give HealthCheck(protocol='http', port=…, path=…)",
        )
    return {
        "port": said["port"],
        "requestPath": said["path"],
        "checkIntervalSec": said["interval"],
        "timeoutSec": said["timeout"],
        "healthyThreshold": said["healthy"],
        "unhealthyThreshold": said["unhealthy"],
    }


def _told_check(item: Item) -> dict[str, Plain]:
    """The health check in the form of the kind's input; what isn't told is the API's default."""
    return {
        "protocol": "http",
        "port": int(item.get("port", 80)),
        "path": str(item.get("requestPath", "/")),
        "interval": int(item.get("checkIntervalSec", 5)),
        "timeout": int(item.get("timeoutSec", 5)),
        "healthy": int(item.get("healthyThreshold", 2)),
        "unhealthy": int(item.get("unhealthyThreshold", 2)),
    }


def _parts(drivers: Drivers, name: str) -> _Parts:
    """The pool and the rule of one balancer, asked for."""
    found: list[Item | None] = []
    for collection in ("targetPools", "forwardingRules"):
        try:
            found.append(drivers.ask("GET", f"regions/{drivers.region}/{collection}/{name}"))
        except Exception as error:
            if not isinstance(translate(error), NotFoundError):
                raise
            found.append(None)
    return _Parts(*found)


def _by_name(drivers: Drivers, collection: str) -> Mapping[str, Item]:
    return {str(one["name"]): one for one in drivers.items(f"regions/{drivers.region}/{collection}")}


def _whole(drivers: Drivers, found: Observation, parts: _Parts) -> Observation:
    """``found`` with what its other parts tell; failed if one of them isn't there."""
    if parts.pool is None or parts.rule is None:
        missing = "target pool" if parts.pool is None else "forwarding rule"
        return attrs.evolve(found, status=Status.FAILED, detail=f"its {missing} isn't there")
    first, _, end = str(parts.rule.get("portRange") or "").partition("-")
    members: list[Plain] = [*_members(drivers, parts.pool)]
    told: dict[str, Plain] = {"members": members, "labels": {**marks.labels_in(parts.rule)}}
    if first and first == (end or first):
        told["port"] = int(first)
    return attrs.evolve(
        found, inputs={**found.inputs, **told}, outputs={"address": parts.rule.get("IPAddress") or None}
    )


def _members(drivers: Drivers, pool: Item) -> list[str]:
    return sorted({drivers.places.place(str(one)) for one in pool.get("instances") or ()})


def _set_members(drivers: Drivers, name: str, inputs: Inputs) -> None:
    """Add who is missing, then take away who isn't wanted."""
    place = f"regions/{drivers.region}/targetPools/{name}"
    there = set(_members(drivers, drivers.ask("GET", place)))
    wanted = {drivers.places.place(one) for one in inputs.texts("members")}
    for action, members in (("addInstance", wanted - there), ("removeInstance", there - wanted)):
        if members:
            drivers.change("POST", f"{place}/{action}", _said(drivers, sorted(members)))


def _said(drivers: Drivers, members: Sequence[str]) -> dict[str, Any]:
    return {"instances": [{"instance": drivers.url(one)} for one in members]}
