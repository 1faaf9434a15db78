"""Load balancers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from types import MappingProxyType
from typing import Final

from libcloud.loadbalancer.base import LoadBalancer as CloudBalancer
from libcloud.loadbalancer.base import Member
from libcloud.loadbalancer.types import State

from orchestra.clouds.families.simulated.balancing import SimulatedBalancerDriver, default_check
from orchestra.clouds.families.simulated.calls.shared import SimulatedCalls, progress, relabel, tags_of
from orchestra.clouds.families.simulated.kinds import HealthCheckBody
from orchestra.contracts import Inputs, Observation, Ownership, Update
from orchestra.resources.balancing import LoadBalancer

# Libcloud's constructors have no types
_MEMBER: Final[Callable[..., Member]] = Member
_BALANCER: Final[Callable[..., CloudBalancer]] = CloudBalancer


class LoadBalancerCalls(SimulatedCalls[SimulatedBalancerDriver, CloudBalancer]):
    """A load balancer with its members."""

    kind = "balancing.LoadBalancer"
    resource = LoadBalancer
    required = MappingProxyType({"subnets": "each load balancer of the simulated cloud is in subnets of a network"})

    def create(self, driver: SimulatedBalancerDriver, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`."""
        port = inputs.integer("port")
        member_port = inputs.integer("member_port", port)
        balancer = driver.create_balancer(
            owner.name(),
            port,
            inputs.text("protocol"),
            None,
            [_MEMBER(server, None, member_port) for server in inputs.texts("members")],
            ex_member_port=member_port,
            ex_subnets=inputs.texts("subnets"),
            ex_firewalls=inputs.texts("firewalls"),
            ex_health_check=_health_check(inputs, member_port),
            ex_tags=tags_of(inputs, owner),
            ex_token=owner.token,
        )
        return self.tell(balancer)

    def listed(
        self, driver: SimulatedBalancerDriver, ids: Sequence[str] | None = None, token: str | None = None
    ) -> Iterable[CloudBalancer]:
        """See `SimulatedCalls.listed`."""
        return driver.list_balancers(ids, token)

    def one(self, driver: SimulatedBalancerDriver, external_id: str) -> CloudBalancer:
        """See `SimulatedCalls.one`."""
        return driver.get_balancer(external_id)

    def tell(self, one: CloudBalancer) -> Observation:
        """See `SimulatedCalls.tell`."""
        extra = one.extra
        inputs = {
            "port": one.port,
            "protocol": extra["protocol"],
            "member_port": extra["member_port"],
            "members": extra["members"],
            "subnets": extra["subnets"],
            "firewalls": extra["firewalls"],
            "health_check": extra["health_check"],
        }
        status, detail = progress(extra["status"], "running")
        return self.observation(
            str(one.id),
            inputs,
            {"address": one.ip},
            tags=extra["tags"],
            status=status,
            detail=detail,
            name=one.name,
        )

    def update(self, driver: SimulatedBalancerDriver, external_id: str, update: Update) -> Observation:
        """See `Calls.update`."""
        changed, after = update.changed, update.after
        if changed & {"members", "firewalls", "health_check"}:
            balancer = driver.update_balancer(
                _stand_in(driver, external_id),
                ex_members=after.texts("members") if "members" in changed else None,
                ex_firewalls=after.texts("firewalls") if "firewalls" in changed else None,
                ex_health_check=(
                    _health_check(after, after.integer("member_port", after.integer("port")))
                    if "health_check" in changed
                    else None
                ),
            )
        else:
            balancer = driver.get_balancer(external_id)
        balancer.extra["tags"] = relabel(driver, external_id, balancer.extra["tags"], update)
        return self.tell(balancer)

    def delete(self, driver: SimulatedBalancerDriver, external_id: str) -> None:
        """See `Calls.delete`."""
        driver.destroy_balancer(_stand_in(driver, external_id))


def _stand_in(driver: SimulatedBalancerDriver, external_id: str) -> CloudBalancer:
    """Libcloud's calls take an object of which only the id matters here."""
    return _BALANCER(external_id, "", State.UNKNOWN, None, None, driver)


def _health_check(inputs: Inputs, member_port: int) -> HealthCheckBody:
    given = inputs.mapping("health_check")
    if not given:
        return default_check(member_port)
    check = Inputs(given)
    return {
        "protocol": check.text("protocol"),
        "port": check.integer("port"),
        "path": check.text("path"),
        "interval": check.integer("interval"),
        "timeout": check.integer("timeout"),
        "healthy": check.integer("healthy"),
        "unhealthy": check.integer("unhealthy"),
    }
