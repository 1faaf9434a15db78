"""Where a server goes, and what lets go of it when it is gone."""

from __future__ import annotations

from ipaddress import IPv4Network

import attrs

from orchestra.clouds.families.simulated import ranges
from orchestra.clouds.families.simulated.endpoint import Endpoint
from orchestra.clouds.families.simulated.kinds import ADDRESS, BALANCER, SERVER, SUBNET, VOLUME, PlaceBody, ServerBody
from orchestra.clouds.families.simulated.refusals import refusal
from orchestra.clouds.families.simulated.rows import Row, Rows


@attrs.frozen(kw_only=True)
class Placement:
    """Where a server goes, and what is around it there. ``public``: it gets a public address unless it says."""

    where: PlaceBody
    public: bool
    pool: str
    range: IPv4Network


def placement(rows: Rows, endpoint: Endpoint, subnet_id: str | None, zone: str | None) -> Placement:
    """The place in a subnet; without one, in ``zone`` of the region's own network."""
    if subnet_id is None:
        zone = zone or endpoint.zones[0]
        if zone not in endpoint.zones:
            raise refusal("InvalidParameterValue", f"the zone '{zone}' is not in {endpoint.region}")
        return Placement(
            where={"subnet": None, "network": None, "zone": zone},
            public=True,
            pool=f"{ranges.DEFAULT_POOL}:{endpoint.region}",
            range=ranges.DEFAULT_RANGE,
        )
    subnet = rows.get(SUBNET, subnet_id).body
    if zone is not None and zone != subnet["zone"]:
        raise refusal("InvalidParameterValue", f"the subnet '{subnet_id}' is in {subnet['zone']}, not in '{zone}'")
    return Placement(
        where={"subnet": subnet_id, "network": subnet["network"], "zone": subnet["zone"]},
        public=subnet["public"],
        pool=subnet_id,
        range=IPv4Network(subnet["cidr"]),
    )


def place(rows: Rows, body: ServerBody, placement: Placement, token: str | None) -> Row[ServerBody]:
    """A server with the addresses that it gets there."""
    private = ranges.free_address(rows, placement.pool, placement.range)
    public = ranges.free_public_address(rows) if body["public"] else None
    body["private_ip"], body["public_ip"] = str(private), str(public) if public else None
    row = rows.add(SERVER, body, token=token)
    ranges.hold(rows, placement.pool, placement.range, private, row)
    if public is not None:
        ranges.hold_public(rows, public, row)
    if body["subnet"] is not None:
        rows.use(row, "subnet", [body["subnet"]])
    if body["firewalls"]:
        rows.use(row, "firewall", body["firewalls"])
    return row


def renew_public_address(rows: Rows, row: Row[ServerBody]) -> None:
    """Another public address for a server that starts, if it has one at all."""
    if row.body["public"]:
        address = ranges.free_public_address(rows)  # before the old one is free: it must not come back
        ranges.let_go_public(rows, row)
        ranges.hold_public(rows, address, row)
        row.body["public_ip"] = str(address)


def let_go_of(rows: Rows, server: Row[ServerBody]) -> None:
    """Nothing leads to ``server`` any more."""
    for volume in rows.linked(VOLUME, server.id, "attachment"):
        volume.body["server"] = volume.body["device"] = None
        rows.use(volume, "attachment", ())
        rows.save(volume)
    for address in rows.linked(ADDRESS, server.id, "address"):
        address.body["server"] = None
        rows.use(address, "address", ())
        rows.save(address)
    for balancer in rows.linked(BALANCER, server.id, "member"):
        balancer.body["members"] = [member for member in balancer.body["members"] if member != server.id]
        rows.use(balancer, "member", balancer.body["members"], blocks=False)
        rows.save(balancer)
