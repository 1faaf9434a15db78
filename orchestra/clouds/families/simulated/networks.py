"""Networks, gateways and subnets, as calls of the simulated compute driver."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network

import attrs

from orchestra.clouds.families.simulated import ranges
from orchestra.clouds.families.simulated.endpoint import InProcess, Tags
from orchestra.clouds.families.simulated.kinds import GATEWAY, NETWORK, SUBNET, GatewayBody, NetworkBody, SubnetBody
from orchestra.clouds.families.simulated.listing import Filter
from orchestra.clouds.families.simulated.refusals import in_use, refusal
from orchestra.clouds.families.simulated.rows import Row, Rows


@attrs.frozen(kw_only=True)
class SimulatedNetwork:
    """A private network. ``gateway`` is the id of its way to the internet, or None."""

    id: str
    cidr: str
    gateway: str | None
    tags: Mapping[str, str]


@attrs.frozen(kw_only=True)
class SimulatedGateway:
    """A network's way to the internet, with the default route to it."""

    id: str
    network: str
    tags: Mapping[str, str]


@attrs.frozen(kw_only=True)
class SimulatedSubnet:
    """A part of a network. ``public``: servers get a public address unless they say otherwise."""

    id: str
    network: str
    cidr: str
    zone: str
    public: bool
    tags: Mapping[str, str]


class Networks(InProcess):
    """The calls for networks, gateways and subnets."""

    def ex_create_network(self, cidr: str, *, ex_tags: Tags = None, ex_token: str | None = None) -> SimulatedNetwork:
        """Make a network, with no way to the internet yet."""
        with self._write("ex_create_network", token=ex_token, service="network") as rows:
            row = rows.made_under(NETWORK, ex_token)
            if row is None:
                ranges.network_range(cidr, "InvalidVpc.Range")
                body: NetworkBody = {"tags": dict(ex_tags or {}), "cidr": cidr, "gateway": None}
                row = rows.add(NETWORK, body, token=ex_token)
            return _network(row)

    def ex_list_networks(
        self, ex_ids: Sequence[str] | None = None, ex_token: str | None = None, ex_deployment: str | None = None
    ) -> list[SimulatedNetwork]:
        """All networks, or those with the ids, the token, or of the deployment."""
        wanted = Filter(ids=ex_ids, token=ex_token, deployment=ex_deployment)
        return [_network(row) for row in self._list("ex_list_networks", NETWORK, wanted)]

    def ex_get_network(self, network_id: str) -> SimulatedNetwork:
        """One network."""
        with self._read("ex_get_network", network_id, service="network") as rows:
            return _network(rows.look_up(NETWORK, network_id))

    def ex_destroy_network(self, network_id: str) -> bool:
        """Delete a network and its gateway; refused while it has subnets or firewalls."""
        with self._write("ex_destroy_network", network_id, service="network") as rows:
            row = rows.get(NETWORK, network_id)
            if users := [user for user in rows.users(row.id) if user != row.body["gateway"]]:
                raise in_use(f"the network '{row.id}'", users)
            if row.body["gateway"] is not None:
                rows.remove(rows.get(GATEWAY, row.body["gateway"]))
            rows.remove(row)
        return True

    def ex_create_gateway(
        self, network_id: str, *, ex_tags: Tags = None, ex_token: str | None = None
    ) -> SimulatedGateway:
        """Give a network its way to the internet: a gateway and the default route to it."""
        with self._write("ex_create_gateway", network_id, token=ex_token, service="network") as rows:
            row = rows.made_under(GATEWAY, ex_token)
            if row is None:
                network = rows.get(NETWORK, network_id)
                if network.body["gateway"] is not None:
                    raise refusal(
                        "Resource.AlreadyAssociated",
                        f"the network '{network_id}' already has the gateway '{network.body['gateway']}'",
                    )
                body: GatewayBody = {"tags": dict(ex_tags or {}), "network": network_id}
                row = rows.add(GATEWAY, body, parent=network_id, token=ex_token)
                network.body["gateway"] = row.id
                rows.save(network)
            return _gateway(row)

    def ex_list_gateways(self, ex_ids: Sequence[str] | None = None) -> list[SimulatedGateway]:
        """All gateways, or those with the ids."""
        return [_gateway(row) for row in self._list("ex_list_gateways", GATEWAY, Filter(ids=ex_ids))]

    def ex_destroy_gateway(self, gateway_id: str) -> bool:
        """Delete a gateway: its network has no way to the internet any more."""
        with self._write("ex_destroy_gateway", gateway_id, service="network") as rows:
            row = rows.get(GATEWAY, gateway_id)
            network = rows.get(NETWORK, row.body["network"])
            network.body["gateway"] = None
            rows.save(network)
            rows.remove(row)
        return True

    def ex_create_subnet(
        self,
        network_id: str,
        cidr: str,
        zone: str | None = None,
        public: bool = True,
        *,
        ex_tags: Tags = None,
        ex_token: str | None = None,
    ) -> SimulatedSubnet:
        """Make a subnet. Without ``zone`` the zones of the region take turns."""
        with self._write("ex_create_subnet", token=ex_token, service="network") as rows:
            row = rows.made_under(SUBNET, ex_token)
            if row is None:
                network = rows.get(NETWORK, network_id)
                wanted = _range_inside(network, cidr)
                ranges.check_overlap(rows, network_id, wanted)
                body: SubnetBody = {
                    "tags": dict(ex_tags or {}),
                    "network": network_id,
                    "cidr": cidr,
                    "zone": self._zone(zone) if zone is not None else self._next_zone(rows, network_id),
                    "public": public,
                }
                row = rows.add(SUBNET, body, parent=network_id, token=ex_token)
                ranges.claim(rows, network_id, wanted, row)
            return _subnet(row)

    def ex_list_subnets(
        self, ex_ids: Sequence[str] | None = None, ex_token: str | None = None, ex_network: str | None = None
    ) -> list[SimulatedSubnet]:
        """All subnets, or those with the ids, the token, or in the network."""
        wanted = Filter(ids=ex_ids, token=ex_token, parent=ex_network)
        return [_subnet(row) for row in self._list("ex_list_subnets", SUBNET, wanted)]

    def ex_get_subnet(self, subnet_id: str) -> SimulatedSubnet:
        """One subnet."""
        with self._read("ex_get_subnet", subnet_id, service="network") as rows:
            return _subnet(rows.look_up(SUBNET, subnet_id))

    def ex_modify_subnet(self, subnet_id: str, public: bool) -> SimulatedSubnet:
        """Say whether servers made in it from now on get a public address unless they say otherwise."""
        with self._write("ex_modify_subnet", subnet_id, service="network") as rows:
            row = rows.get(SUBNET, subnet_id)
            row.body["public"] = public
            rows.save(row)
            return _subnet(row)

    def ex_destroy_subnet(self, subnet_id: str) -> bool:
        """Delete a subnet; refused while servers or balancers are in it."""
        with self._write("ex_destroy_subnet", subnet_id, service="network") as rows:
            row = rows.get(SUBNET, subnet_id)
            if users := rows.users(row.id):
                raise in_use(f"the subnet '{row.id}'", users)
            rows.remove(row)
        return True

    def _zone(self, zone: str) -> str:
        if zone not in self.endpoint.zones:
            known = ", ".join(self.endpoint.zones)
            raise refusal("InvalidParameterValue", f"the zone '{zone}' is not one of {known}")
        return zone

    def _next_zone(self, rows: Rows, network_id: str) -> str:
        zones = self.endpoint.zones
        newest = rows.newest_in(SUBNET, network_id)
        return zones[(zones.index(newest.body["zone"]) + 1) % len(zones)] if newest else zones[0]


def _range_inside(network: Row[NetworkBody], cidr: str) -> IPv4Network:
    wanted = ranges.network_range(cidr, "InvalidSubnet.Range")
    if not wanted.subnet_of(IPv4Network(network.body["cidr"])):
        raise refusal(
            "InvalidSubnet.Range",
            f"the CIDR '{cidr}' is outside of '{network.body['cidr']}', the range of network {network.id}",
        )
    return wanted


def _network(row: Row[NetworkBody]) -> SimulatedNetwork:
    body = row.body
    return SimulatedNetwork(id=row.id, cidr=body["cidr"], gateway=body["gateway"], tags=body["tags"])


def _gateway(row: Row[GatewayBody]) -> SimulatedGateway:
    return SimulatedGateway(id=row.id, network=row.body["network"], tags=row.body["tags"])


def _subnet(row: Row[SubnetBody]) -> SimulatedSubnet:
    body = row.body
    return SimulatedSubnet(
        id=row.id,
        network=body["network"],
        cidr=body["cidr"],
        zone=body["zone"],
        public=body["public"],
        tags=body["tags"],
    )
