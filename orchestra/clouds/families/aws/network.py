"""Networks and subnets: VPCs, each with its internet gateway and default route, and their subnets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import ClassVar, Final
from xml.etree.ElementTree import Element

import attrs

from orchestra.clouds.families.aws import choosing, query
from orchestra.clouds.families.aws.connecting import Drivers
from orchestra.clouds.families.aws.described import Described, Listing, tolerating
from orchestra.clouds.families.aws.finishing import just_made
from orchestra.clouds.families.aws.tags import labels_of, name_in, relabel, tags_in, tags_of
from orchestra.clouds.translate import translate
from orchestra.contracts import FoundBy, Inputs, Observation, Ownership, Status, Update
from orchestra.errors import ConflictError, NotFoundError
from orchestra.model.values import Plain
from orchestra.resources import network

_EVERYWHERE: Final = "0.0.0.0/0"


class NetworkCalls(Described):
    """A VPC. With ``internet``, an internet gateway and a default route to it in the main route table belong to it."""

    kind = "network.Network"
    resource = network.Network
    found_by = FoundBy.TAG
    found_key = "orchestra:token"
    set_later = ("internet",)
    listing: ClassVar[Listing] = Listing(
        action="DescribeVpcs", container="vpcSet", id_filter="vpc-id", id_parameter="VpcId"
    )

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`. A VPC takes no idempotency token, so what the token made is looked for first."""
        tags = tags_of(owner, inputs)
        found = self.search(driver, owner, inputs)
        if found is None:
            answer = query.ec2(driver.ec2, "CreateVpc", {"CidrBlock": inputs.text("cidr")}, query.tagged("vpc", tags))
            found = _network(query.child(answer, "vpc"), internet=False)
        if inputs.flag("internet") and not found.inputs["internet"]:
            with just_made(f"network {found.external_id}"):
                _open(driver, found.external_id, tags)
            found = _with(found, internet=True)
        return found

    def observe(self, item: Element) -> Observation:
        """See `Described.observe`."""
        return _network(item, internet=False)

    def observations(self, drivers: Drivers, items: Iterator[Element]) -> Iterator[Observation]:
        """See `Described.observations`: the default routes of all of them are read together."""
        while chunk := list(islice(items, query.FILTER_VALUES)):
            reached = _with_internet(drivers, [query.text(item, "vpcId") for item in chunk])
            for item in chunk:
                yield _network(item, internet=query.text(item, "vpcId") in reached)

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`."""
        tags = _tags(driver, external_id)
        relabel(driver, external_id, tags, update.after)
        now = self.look_up(driver, external_id)
        wanted = update.after.flag("internet")
        if wanted and not now.inputs["internet"]:
            _open(driver, external_id, tags)
        elif not wanted:
            _close(driver, external_id, tags)
        return _with(now, internet=wanted)

    def delete(self, driver: Drivers, external_id: str) -> None:
        """See `Calls.delete`: its gateway goes first, for a VPC that has one can't be deleted."""
        _close(driver, external_id, _tags(driver, external_id))
        query.ec2(driver.ec2, "DeleteVpc", {"VpcId": external_id})


def _network(item: Element, *, internet: bool) -> Observation:
    tags = tags_in(item)
    return Observation(
        external_id=query.text(item, "vpcId"),
        status=Status.READY if query.text(item, "state") == "available" else Status.PENDING,
        inputs={"cidr": query.text(item, "cidrBlock"), "internet": internet, "labels": labels_of(tags)},
        detail=query.text(item, "state"),
        ownership=Ownership.from_tags(tags),
        name=name_in(tags),
        comes_with="the region" if query.text(item, "isDefault") == "true" else "",
    )


def _with(observation: Observation, **inputs: bool) -> Observation:
    return attrs.evolve(observation, inputs={**observation.inputs, **inputs})


def _tags(drivers: Drivers, vpc: str) -> dict[str, str]:
    """The tags of a VPC; raises if it isn't there."""
    for item in query.ec2_items(drivers.ec2, "DescribeVpcs", "vpcSet", query.numbered("VpcId", [vpc])):
        return tags_in(item)
    raise NotFoundError(f"network {vpc} isn't there any more")


def _with_internet(drivers: Drivers, vpcs: Sequence[str]) -> set[str]:
    """Those of ``vpcs`` whose main route table leads to a gateway that is attached to them."""
    if not vpcs:
        return set()
    attached = {
        (query.text(attachment, "vpcId"), query.text(gateway, "internetGatewayId"))
        for gateway in _gateways(drivers, {"attachment.vpc-id": vpcs})
        for attachment in gateway.findall("attachmentSet/item")
    }
    return {
        query.text(table, "vpcId")
        for table in _main_tables(drivers, vpcs)
        for route in table.findall("routeSet/item")
        if query.text(route, "destinationCidrBlock") == _EVERYWHERE
        and (query.text(table, "vpcId"), query.text(route, "gatewayId")) in attached
    }


def _gateways(drivers: Drivers, wanted: Mapping[str, Sequence[str]]) -> Iterator[Element]:
    return query.ec2_items(
        drivers.ec2, "DescribeInternetGateways", "internetGatewaySet", query.filters(wanted), size=1000
    )


def _main_tables(drivers: Drivers, vpcs: Sequence[str]) -> Iterator[Element]:
    wanted = query.filters({"vpc-id": vpcs, "association.main": ["true"]})
    return query.ec2_items(drivers.ec2, "DescribeRouteTables", "routeTableSet", wanted, size=100)


def _own_gateways(drivers: Drivers, vpc: str, tags: Mapping[str, str]) -> dict[str, bool]:
    """The gateways of a VPC, and whether each is attached: a crash may have left one that isn't yet."""
    found = {query.text(item, "internetGatewayId"): True for item in _gateways(drivers, {"attachment.vpc-id": [vpc]})}
    if owner := Ownership.from_tags(tags):
        for item in _gateways(drivers, {"tag:orchestra:token": [owner.token]}):
            found.setdefault(query.text(item, "internetGatewayId"), False)
    return found


def _open(drivers: Drivers, vpc: str, tags: Mapping[str, str]) -> None:
    """Make, or finish, the way to the internet. Its gateway carries the tags of the VPC."""
    known = _own_gateways(drivers, vpc, tags)
    gateway = min(known, key=lambda name: (not known[name], name), default="")
    if not gateway:
        answer = query.ec2(drivers.ec2, "CreateInternetGateway", query.tagged("internet-gateway", tags))
        gateway = query.text(query.child(answer, "internetGateway"), "internetGatewayId")
    if not known.get(gateway):
        query.ec2(drivers.ec2, "AttachInternetGateway", {"InternetGatewayId": gateway, "VpcId": vpc})
    tables = list(_main_tables(drivers, [vpc]))
    if not tables:
        raise NotFoundError(f"the main route table of network {vpc} can't be seen")
    for table in tables:
        route = {
            "RouteTableId": query.text(table, "routeTableId"),
            "DestinationCidrBlock": _EVERYWHERE,
            "GatewayId": gateway,
        }
        try:
            query.ec2(drivers.ec2, "CreateRoute", route)
        except Exception as error:
            if not isinstance(translate(error), ConflictError):
                raise
            query.ec2(drivers.ec2, "ReplaceRoute", route)


def _close(drivers: Drivers, vpc: str, tags: Mapping[str, str]) -> None:
    """Take the way to the internet away: route, attachment, gateway."""
    for gateway, is_attached in _own_gateways(drivers, vpc, tags).items():
        for table in _main_tables(drivers, [vpc]) if is_attached else ():
            _drop_route(drivers, table, gateway)
        if is_attached:
            with tolerating(NotFoundError):
                query.ec2(drivers.ec2, "DetachInternetGateway", {"InternetGatewayId": gateway, "VpcId": vpc})
        with tolerating(NotFoundError):
            query.ec2(drivers.ec2, "DeleteInternetGateway", {"InternetGatewayId": gateway})


def _drop_route(drivers: Drivers, table: Element, gateway: str) -> None:
    for route in table.findall("routeSet/item"):
        if query.text(route, "destinationCidrBlock") == _EVERYWHERE and query.text(route, "gatewayId") == gateway:
            with tolerating(NotFoundError):
                query.ec2(
                    drivers.ec2,
                    "DeleteRoute",
                    {"RouteTableId": query.text(table, "routeTableId"), "DestinationCidrBlock": _EVERYWHERE},
                )


class SubnetCalls(Described):
    """A subnet."""

    kind = "network.Subnet"
    resource = network.Subnet
    found_by = FoundBy.TAG
    found_key = "orchestra:token; a second one of the range is refused"
    set_later = ("public",)
    listing: ClassVar[Listing] = Listing(
        action="DescribeSubnets", container="subnetSet", id_filter="subnet-id", id_parameter="SubnetId"
    )

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`. A second one of the same range is refused, which is when the first is looked for."""
        zone = inputs.optional_text("zone")
        try:
            answer = query.ec2(
                driver.ec2,
                "CreateSubnet",
                {"VpcId": inputs.text("network"), "CidrBlock": inputs.text("cidr")},
                {"AvailabilityZone": zone} if zone else {},
                query.tagged("subnet", tags_of(owner, inputs)),
            )
            found = self.observe(query.child(answer, "subnet"))
        except Exception as error:
            found = self.made_before(driver, owner, inputs, error)
        with just_made(f"subnet {found.external_id}"):
            return _publish(driver, found, inputs)

    def observe(self, item: Element) -> Observation:
        """See `Described.observe`."""
        tags = tags_in(item)
        zone = query.text(item, "availabilityZone")
        return Observation(
            external_id=query.text(item, "subnetId"),
            status=Status.READY if query.text(item, "state") == "available" else Status.PENDING,
            inputs={
                "network": query.text(item, "vpcId"),
                "cidr": query.text(item, "cidrBlock"),
                "zone": zone,
                "public": query.text(item, "mapPublicIpOnLaunch") == "true",
                "labels": labels_of(tags),
            },
            outputs={"available_zone": zone},
            detail=query.text(item, "state"),
            ownership=Ownership.from_tags(tags),
            name=name_in(tags),
            comes_with=query.text(item, "vpcId") if query.text(item, "defaultForAz") == "true" else "",
        )

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`."""
        asked = query.numbered("SubnetId", [external_id])
        for item in query.ec2_items(driver.ec2, "DescribeSubnets", "subnetSet", asked):
            relabel(driver, external_id, tags_in(item), update.after)
        return _publish(driver, self.look_up(driver, external_id), update.after)

    def delete(self, driver: Drivers, external_id: str) -> None:
        """See `Calls.delete`."""
        query.ec2(driver.ec2, "DeleteSubnet", {"SubnetId": external_id})

    def choose(self, driver: Drivers, name: str, wanted: Mapping[str, Plain]) -> str:
        """See `Calls.choose`."""
        return choosing.zone(driver, wanted) if name == "zone" else super().choose(driver, name, wanted)


def _publish(drivers: Drivers, found: Observation, inputs: Inputs) -> Observation:
    """Whether servers get public addresses is set in a request of its own: creation can't say it."""
    wanted = inputs.flag("public")
    if found.inputs["public"] != wanted:
        query.ec2(
            drivers.ec2,
            "ModifySubnetAttribute",
            {"SubnetId": found.external_id, "MapPublicIpOnLaunch.Value": str(wanted).lower()},
        )
    return _with(found, public=wanted)
