"""The simulated load balancing driver: Libcloud's base class, with subnets, firewalls and health checks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import Final

from libcloud.loadbalancer.base import Algorithm, Driver, LoadBalancer, Member
from libcloud.loadbalancer.types import State

from orchestra.clouds.families.simulated.endpoint import WEBSITE, NoConnection, Tags
from orchestra.clouds.families.simulated.firewalls import check_on_network
from orchestra.clouds.families.simulated.kinds import (
    BALANCER,
    FAILED,
    SERVER,
    SUBNET,
    BalancerBody,
    HealthCheckBody,
    state_at,
)
from orchestra.clouds.families.simulated.listing import Filter
from orchestra.clouds.families.simulated.refusals import refusal
from orchestra.clouds.families.simulated.rows import Row, Rows
from orchestra.clouds.families.simulated.tagging import Tagging

_PROTOCOLS: Final = ("tcp", "http")
_STATES: Final = MappingProxyType({"pending": State.PENDING, "running": State.RUNNING, FAILED: State.ERROR})

# Libcloud's constructors have no types
_MEMBER: Final[Callable[..., Member]] = Member
_BALANCER: Final[Callable[..., LoadBalancer]] = LoadBalancer


class SimulatedBalancerDriver(Tagging, Driver):
    """Load balancers. Members are servers: the id of a `Member` is the server's."""

    # Libcloud's base class gives these attributes no types, or the types of empty ones
    connectionCls = NoConnection  # noqa: N815
    name = "Simulated"  # type: ignore[assignment]
    website = WEBSITE  # type: ignore[assignment]
    service = "balancing"
    tagged = (BALANCER,)
    _ALGORITHM_TO_VALUE_MAP = MappingProxyType(  # type: ignore[assignment]
        {Algorithm.ROUND_ROBIN: "round-robin", Algorithm.LEAST_CONNECTIONS: "least-connections"}
    )

    def list_protocols(self) -> list[str]:
        """What a balancer can speak."""
        return list(_PROTOCOLS)

    def list_balancers(self, ex_ids: Sequence[str] | None = None, ex_token: str | None = None) -> list[LoadBalancer]:
        """All balancers, or those with the ids or the token."""
        wanted = Filter(ids=ex_ids, token=ex_token)
        return [self._balancer(row) for row in self._list("list_balancers", BALANCER, wanted)]

    def get_balancer(self, balancer_id: str) -> LoadBalancer:
        """One balancer."""
        with self._read("get_balancer", balancer_id) as rows:
            return self._balancer(rows.look_up(BALANCER, balancer_id))

    def create_balancer(
        self,
        name: str,
        port: int,
        protocol: str,
        algorithm: int | None,
        members: Sequence[Member] | None,
        *,
        ex_member_port: int | None = None,
        ex_subnets: Sequence[str] = (),
        ex_firewalls: Sequence[str] = (),
        ex_health_check: HealthCheckBody | None = None,
        ex_tags: Tags = None,
        ex_token: str | None = None,
    ) -> LoadBalancer:
        """Make a balancer. Without ``ex_health_check`` members are checked by connecting to the member port."""
        with self._write("create_balancer", token=ex_token) as rows:
            row = rows.made_under(BALANCER, ex_token)
            if row is None:
                self._check_request(rows, name, port, protocol)
                network = _network_of(rows, ex_subnets)
                member_port = ex_member_port or port
                body: BalancerBody = {
                    "tags": dict(ex_tags or {}),
                    "name": name,
                    "port": port,
                    "protocol": protocol,
                    "member_port": member_port,
                    "algorithm": Algorithm.ROUND_ROBIN if algorithm is None else algorithm,
                    "address": f"{name}.lb.{self.endpoint.region}.example".lower(),
                    "members": _servers_on(rows, [member.id for member in members or ()], network),
                    "subnets": list(dict.fromkeys(ex_subnets)),
                    "network": network,
                    "firewalls": check_on_network(rows, ex_firewalls, network),
                    "health_check": ex_health_check or default_check(member_port),
                    "states": self._passing("pending", "running"),
                }
                row = rows.add(BALANCER, body, name=name, token=ex_token)
                rows.use(row, "subnet", body["subnets"])
                _use(rows, row)
            return self._balancer(row)

    def update_balancer(  # type: ignore[override] # what can be changed is said by name
        self,
        balancer: LoadBalancer,
        *,
        algorithm: int | None = None,
        ex_members: Sequence[str] | None = None,
        ex_firewalls: Sequence[str] | None = None,
        ex_health_check: HealthCheckBody | None = None,
    ) -> LoadBalancer:
        """Change a balancer, in one call; None leaves a thing as it is."""
        with self._write("update_balancer", balancer.id) as rows:
            row = rows.get(BALANCER, balancer.id)
            body = row.body
            if algorithm is not None:
                body["algorithm"] = algorithm
            if ex_members is not None:
                body["members"] = _servers_on(rows, ex_members, body["network"])
            if ex_firewalls is not None:
                body["firewalls"] = check_on_network(rows, ex_firewalls, body["network"])
            if ex_health_check is not None:
                body["health_check"] = ex_health_check
            _use(rows, row)
            rows.save(row)
            return self._balancer(row)

    def balancer_attach_member(self, balancer: LoadBalancer, member: Member) -> Member:
        """Put a server behind a balancer."""
        with self._write("balancer_attach_member", balancer.id) as rows:
            row = rows.get(BALANCER, balancer.id)
            row.body["members"] = _servers_on(rows, [*row.body["members"], member.id], row.body["network"])
            _use(rows, row)
            rows.save(row)
            return self._member(rows, row, str(member.id))

    def balancer_detach_member(self, balancer: LoadBalancer, member: Member) -> bool:
        """Take a server away from behind a balancer."""
        with self._write("balancer_detach_member", balancer.id) as rows:
            row = rows.get(BALANCER, balancer.id)
            if member.id not in row.body["members"]:
                raise refusal("InvalidInstanceID.NotFound", f"'{member.id}' isn't a member of '{row.id}'")
            row.body["members"] = [one for one in row.body["members"] if one != member.id]
            _use(rows, row)
            rows.save(row)
        return True

    def balancer_list_members(self, balancer: LoadBalancer) -> list[Member]:
        """The servers behind a balancer."""
        with self._read("balancer_list_members", balancer.id) as rows:
            row = rows.look_up(BALANCER, balancer.id or "")
            return [self._member(rows, row, server) for server in row.body["members"]]

    def destroy_balancer(self, balancer: LoadBalancer) -> bool:
        """Delete a balancer."""
        with self._write("destroy_balancer", balancer.id) as rows:
            rows.remove(rows.get(BALANCER, balancer.id))
        return True

    def _check_request(self, rows: Rows, name: str, port: int, protocol: str) -> None:
        if rows.named(BALANCER, name):
            raise refusal("DuplicateLoadBalancerName", f"the balancer '{name}' already exists")
        if not 1 <= len(name) <= 63:
            raise refusal("InvalidParameterValue", f"the name '{name}' needs 1 to 63 characters")
        if not 1 <= port <= 65535:
            raise refusal("InvalidParameterValue", f"the port {port} is not one of 1 to 65535")
        if protocol not in _PROTOCOLS:
            raise refusal("InvalidParameterValue", f"the protocol '{protocol}' is not one of {', '.join(_PROTOCOLS)}")

    def _member(self, rows: Rows, row: Row[BalancerBody], server: str) -> Member:
        found = rows.find(SERVER, server)
        return _MEMBER(server, found.body["private_ip"] if found else None, row.body["member_port"])

    def _balancer(self, row: Row[BalancerBody]) -> LoadBalancer:
        body = row.body
        state = state_at(body["states"], self._now())
        return _BALANCER(
            row.id,
            body["name"],
            _STATES[state],
            body["address"],
            body["port"],
            self,
            extra={
                "status": state,
                "protocol": body["protocol"],
                "member_port": body["member_port"],
                "members": body["members"],
                "subnets": body["subnets"],
                "firewalls": body["firewalls"],
                "health_check": body["health_check"],
                "tags": body["tags"],
            },
        )


def _network_of(rows: Rows, subnets: Sequence[str]) -> str | None:
    """The one network of ``subnets``, which are in different zones."""
    found = [rows.get(SUBNET, subnet).body for subnet in dict.fromkeys(subnets)]
    if len({body["network"] for body in found}) > 1:
        raise refusal("InvalidParameterValue", "the subnets belong to different networks")
    if len({body["zone"] for body in found}) < len(found):
        raise refusal("InvalidParameterValue", "at most one subnet of each zone is possible")
    return found[0]["network"] if found else None


def _servers_on(rows: Rows, servers: Sequence[str | None], network: str | None) -> list[str]:
    """``servers``, each once; refused unless all of them are in ``network``."""
    wanted = [str(server) for server in dict.fromkeys(servers)]
    for server in wanted:
        if rows.get(SERVER, server).body["network"] != network:
            raise refusal("InvalidParameterValue", f"the server '{server}' isn't in the balancer's network")
    return wanted


def _use(rows: Rows, row: Row[BalancerBody]) -> None:
    rows.use(row, "firewall", row.body["firewalls"])
    rows.use(row, "member", row.body["members"], blocks=False)


def default_check(port: int) -> HealthCheckBody:
    """The check of members that a balancer has unless it is given one: connect to ``port``."""
    return {"protocol": "tcp", "port": port, "path": "/", "interval": 30, "timeout": 5, "healthy": 3, "unhealthy": 2}
