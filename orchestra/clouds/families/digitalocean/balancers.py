"""DigitalOcean's load balancers.

https://docs.digitalocean.com/reference/api/reference/load-balancers/
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from orchestra.clouds.base.balancing import member_port, wanted_check
from orchestra.clouds.base.compute.traits import Access, Balancers, Marks, Told, region
from orchestra.contracts import Inputs, Status
from orchestra.errors import InvalidRequestError
from orchestra.model.values import Plain

_PATH: Final = "/v2/load_balancers"
_CHECK: Final = MappingProxyType(
    {
        "protocol": "protocol",
        "port": "port",
        "path": "path",
        "check_interval_seconds": "interval",
        "response_timeout_seconds": "timeout",
        "healthy_threshold": "healthy",
        "unhealthy_threshold": "unhealthy",
    }
)
"""DigitalOcean's words for what a health check is, and ours."""
_KEPT: Final = (
    "size_unit",
    "sticky_sessions",
    "redirect_http_to_https",
    "enable_proxy_protocol",
    "enable_backend_keepalive",
    "http_idle_timeout_seconds",
    "project_id",
    "disable_lets_encrypt_dns_records",
    "firewall",
)
"""What isn't ours in a balancer, and would be reset by a change that doesn't send it."""


def _balancer(row: Mapping[str, Any]) -> Told:
    rule, check = row["forwarding_rules"][0], row["health_check"]
    plain: dict[str, Plain] = {ours: check[theirs] for theirs, ours in _CHECK.items() if theirs in check}
    members: list[Plain] = [*sorted(str(one) for one in row["droplet_ids"])]
    return Told(
        id=row["id"],
        name=row["name"],
        state=row["status"],
        region=row["region"]["slug"],
        public_ip=row["ip"] or None,
        inputs={
            "port": rule["entry_port"],
            "protocol": rule["entry_protocol"],
            "member_port": rule["target_port"],
            "members": members,
            "subnets": [row["vpc_uuid"]],
            "health_check": {**plain, "path": check.get("path") or "/"},
        },
    )


def _sent(inputs: Inputs) -> dict[str, Any]:
    """What of a balancer can be changed, and its rule."""
    protocol, check = inputs.text("protocol"), wanted_check(inputs)
    return {
        "forwarding_rules": [
            {
                "entry_protocol": protocol,
                "entry_port": inputs.integer("port"),
                "target_protocol": protocol,
                "target_port": member_port(inputs),
            }
        ],
        "health_check": {
            theirs: check[ours] for theirs, ours in _CHECK.items() if ours != "path" or check["protocol"] == "http"
        },
        "droplet_ids": [int(one) for one in inputs.texts("members")],
    }


def _make(access: Access, name: str, inputs: Inputs) -> Told:
    networks = inputs.texts("subnets")
    if len(networks) != 1:
        raise InvalidRequestError(
            f"a load balancer of DigitalOcean is in one network, not in {len(networks)}",
            sent=False,
            remedy="give subnets=[network.id]",
        )
    body = {"name": name, "region": region(access), "vpc_uuid": networks[0], **_sent(inputs)}
    return _balancer(access.driver.send("POST", _PATH, body)["load_balancer"])


def _change(access: Access, told: Told, inputs: Inputs) -> None:
    """All of it is sent: what isn't is reset."""
    row = access.driver.send("GET", f"{_PATH}/{told.id}")["load_balancer"]
    kept = {name: row[name] for name in _KEPT if row.get(name) is not None}
    same = {"name": row["name"], "region": row["region"]["slug"], "vpc_uuid": row["vpc_uuid"]}
    access.driver.send("PUT", f"{_PATH}/{told.id}", {**kept, **same, **_sent(inputs)})


BALANCERS: Final = Balancers(
    marks=Marks(longest_name=255, dotted=True),
    all=lambda access: map(_balancer, access.driver.rows(_PATH, "load_balancers")),
    one=lambda access, identity: _balancer(access.driver.send("GET", f"{_PATH}/{identity}")["load_balancer"]),
    create=_make,
    change=_change,
    destroy=lambda access, told: access.driver.send("DELETE", f"{_PATH}/{told.id}"),
    statuses={"active": Status.READY, "errored": Status.FAILED},
    required={"subnets": "a load balancer is in a network: subnets=[network.id]"},
    unsupported={
        "labels": "a load balancer has no tags of its own",
        "firewalls": "firewalls guard droplets only",
    },
)
