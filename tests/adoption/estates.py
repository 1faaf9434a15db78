"""Things in clouds that nobody declared: made through Libcloud's drivers and boto3, some at random."""

from __future__ import annotations

import random
from typing import Any, Protocol, runtime_checkable

from account import KEY, Account, tags
from libcloud.compute.base import Node, NodeImage, NodeLocation, NodeSize, StorageVolume
from libcloud.dns.base import Zone as CloudZone
from libcloud.loadbalancer.base import Member
from libcloud.storage.base import Container

import orchestra as oc
from orchestra.clouds.families.simulated.firewalls import rule

Labels = dict[str, str]
SCRIPT = "#!/bin/sh\necho password=hunter2hunter2\n"


class Estate(Protocol):
    """Makes things in one cloud; each call returns the id."""

    cloud: Any
    zones: tuple[str, ...]

    def network(self, name: str, cidr: str, internet: bool, labels: Labels) -> str: ...
    def subnet(self, network: str, name: str, cidr: str, zone: str, public: bool, labels: Labels) -> str: ...
    def firewall(self, network: str, name: str, ports: list[int], source: str | None, labels: Labels) -> str: ...
    def guard_itself(self, firewall: str) -> None: ...
    def key_pair(self, name: str) -> str: ...
    def server(self, name: str, subnet: str, firewalls: list[str], key: str | None, labels: Labels) -> str: ...
    def volume(self, name: str, size: int, zone: str, encrypted: bool, labels: Labels) -> str: ...
    def attach(self, volume: str, server: str, device: str) -> None: ...
    def snapshot(self, volume: str, description: str) -> str: ...
    def image(self, server: str, name: str, labels: Labels) -> str: ...
    def floating_ip(self, name: str, server: str | None) -> str: ...


@runtime_checkable
class WholeEstate(Estate, Protocol):
    """In a cloud that has balancers, names and files too."""

    def balancer(self, name: str, port: int, subnet: str, members: list[str], labels: Labels) -> str: ...
    def zone(self, domain: str) -> str: ...
    def record(self, zone: str, name: str, kind: str, values: list[str], ttl: int) -> None: ...
    def bucket(self, name: str, versioned: bool, labels: Labels) -> str: ...
    def blob(self, bucket: str, key: str, content: str) -> None: ...


class SimulatedEstate:
    """On the simulated cloud, through its Libcloud drivers."""

    zones = ("sim-1a", "sim-1b")

    def __init__(self, cloud: oc.clouds.SimulatedCloud) -> None:
        self.cloud = cloud
        self.drivers = cloud.drivers
        compute = self.drivers.compute
        self._size: NodeSize = next(one for one in compute.list_sizes() if one.name == "small")
        self._image: NodeImage = compute.list_images()[0]

    def network(self, name: str, cidr: str, internet: bool, labels: Labels) -> str:
        made = self.drivers.compute.ex_create_network(cidr, ex_tags=_named(name, labels))
        if internet:
            self.drivers.compute.ex_create_gateway(made.id)
        return made.id

    def subnet(self, network: str, name: str, cidr: str, zone: str, public: bool, labels: Labels) -> str:
        made = self.drivers.compute.ex_create_subnet(network, cidr, zone, public, ex_tags=_named(name, labels))
        return made.id

    def firewall(self, network: str, name: str, ports: list[int], source: str | None, labels: Labels) -> str:
        rules = [rule("tcp", port, port, cidr="0.0.0.0/0") for port in ports]
        if source:
            rules.append(rule("tcp", 5000, 6000, firewall=source))
        made = self.drivers.compute.ex_create_firewall(network, name, "a guard", ingress=rules, ex_tags=labels)
        return made.id

    def guard_itself(self, firewall: str) -> None:
        now = self.drivers.compute.ex_get_firewall(firewall)
        rules = [*now.ingress, rule("all", firewall=firewall)]
        self.drivers.compute.ex_set_firewall_rules(firewall, ingress=rules, egress=now.egress)

    def key_pair(self, name: str) -> str:
        return str(self.drivers.compute.import_key_pair_from_string(name, KEY).name)

    def server(self, name: str, subnet: str, firewalls: list[str], key: str | None, labels: Labels) -> str:
        made = self.drivers.compute.create_node(
            name,
            self._size,
            self._image,
            ex_subnet=subnet,
            ex_firewalls=firewalls,
            ex_key_pair=key,
            ex_user_data=SCRIPT,
            ex_tags=labels,
        )
        return str(made.id)

    def volume(self, name: str, size: int, zone: str, encrypted: bool, labels: Labels) -> str:
        place = NodeLocation(zone, zone, "", self.drivers.compute)
        made = self.drivers.compute.create_volume(size, name, place, ex_encrypted=encrypted, ex_tags=labels)
        return str(made.id)

    def attach(self, volume: str, server: str, device: str) -> None:
        node: Any = Node(server, "", 0, [], [], self.drivers.compute)
        self.drivers.compute.attach_volume(node, StorageVolume(volume, "", 0, self.drivers.compute), device)

    def snapshot(self, volume: str, description: str) -> str:
        driver = self.drivers.compute
        made = driver.create_volume_snapshot(StorageVolume(volume, "", 0, driver), "", ex_description=description)
        return str(made.id)

    def image(self, server: str, name: str, labels: Labels) -> str:
        node: Any = Node(server, "", 0, [], [], self.drivers.compute)
        return str(self.drivers.compute.create_image(node, name, "kept", ex_tags=labels).id)

    def floating_ip(self, name: str, server: str | None) -> str:
        made = self.drivers.compute.ex_allocate_address(ex_tags=_named(name, {}))
        if server:
            self.drivers.compute.ex_associate_address(made.id, server)
        return made.id

    def balancer(self, name: str, port: int, subnet: str, members: list[str], labels: Labels) -> str:
        member: Any = Member
        made = self.drivers.balancing.create_balancer(
            name, port, "http", None, [member(one, None, port) for one in members], ex_subnets=[subnet], ex_tags=labels
        )
        return str(made.id)

    def zone(self, domain: str) -> str:
        return str(self.drivers.dns.create_zone(domain).id)

    def record(self, zone: str, name: str, kind: str, values: list[str], ttl: int) -> None:
        place = CloudZone(zone, "", "master", 0, self.drivers.dns)
        self.drivers.dns.create_record(name, place, kind, "\n".join(values), extra={"ttl": ttl})

    def bucket(self, name: str, versioned: bool, labels: Labels) -> str:
        made = self.drivers.storage.create_container(name, ex_versioned=versioned, ex_tags=labels)
        return str(made.name)

    def blob(self, bucket: str, key: str, content: str) -> None:
        place = Container(bucket, {}, self.drivers.storage)
        self.drivers.storage.upload_object_via_stream(iter([content.encode()]), place, key)


class AwsEstate:
    """On AWS's API over HTTP, through boto3."""

    zones = ("eu-west-1a", "eu-west-1b")

    def __init__(self, account: Account) -> None:
        self.account = account
        self.cloud = account.cloud
        self.ec2 = account.ec2
        self.elb, self.route53, self.s3 = (account.client(name) for name in ("elb", "route53", "s3"))
        self._image = account.image()

    def network(self, name: str, cidr: str, internet: bool, labels: Labels) -> str:
        made = self.ec2.create_vpc(CidrBlock=cidr, TagSpecifications=_specified("vpc", name, labels))
        vpc = str(made["Vpc"]["VpcId"])
        if internet:
            gateway = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
            self.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
            main = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "association.main", "Values": ["true"]}]
            table = self.ec2.describe_route_tables(Filters=main)["RouteTables"][0]["RouteTableId"]
            self.ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
        return vpc

    def subnet(self, network: str, name: str, cidr: str, zone: str, public: bool, labels: Labels) -> str:
        made = self.ec2.create_subnet(
            VpcId=network, CidrBlock=cidr, AvailabilityZone=zone, TagSpecifications=_specified("subnet", name, labels)
        )
        subnet = str(made["Subnet"]["SubnetId"])
        if public:
            self.ec2.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": True})
        return subnet

    def firewall(self, network: str, name: str, ports: list[int], source: str | None, labels: Labels) -> str:
        made = self.ec2.create_security_group(
            VpcId=network,
            GroupName=name,
            Description="a guard",
            TagSpecifications=_specified("security-group", "", labels) if labels else [],
        )
        group = str(made["GroupId"])
        rules: list[dict[str, Any]] = [
            {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
            for port in ports
        ]
        if source:
            pair = {"UserIdGroupPairs": [{"GroupId": source}]}
            rules.append({"IpProtocol": "tcp", "FromPort": 5000, "ToPort": 6000, **pair})
        if rules:
            self.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=rules)
        return group

    def guard_itself(self, firewall: str) -> None:
        rules = [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": firewall}]}]
        self.ec2.authorize_security_group_ingress(GroupId=firewall, IpPermissions=rules)

    def key_pair(self, name: str) -> str:
        self.ec2.import_key_pair(KeyName=name, PublicKeyMaterial=KEY.encode())
        return name

    def server(self, name: str, subnet: str, firewalls: list[str], key: str | None, labels: Labels) -> str:
        made = self.ec2.run_instances(
            ImageId=self._image,
            InstanceType="t3.micro",
            MinCount=1,
            MaxCount=1,
            SubnetId=subnet,
            TagSpecifications=_specified("instance", name, labels),
            UserData=SCRIPT,
            **({"SecurityGroupIds": firewalls} if firewalls else {}),
            **({"KeyName": key} if key else {}),
        )
        return str(made["Instances"][0]["InstanceId"])

    def volume(self, name: str, size: int, zone: str, encrypted: bool, labels: Labels) -> str:
        made = self.ec2.create_volume(
            Size=size,
            AvailabilityZone=zone,
            VolumeType="gp2" if size % 2 else "gp3",
            Encrypted=encrypted,
            TagSpecifications=_specified("volume", name, labels),
        )
        return str(made["VolumeId"])

    def attach(self, volume: str, server: str, device: str) -> None:
        self.ec2.attach_volume(VolumeId=volume, InstanceId=server, Device=device)

    def snapshot(self, volume: str, description: str) -> str:
        return str(self.ec2.create_snapshot(VolumeId=volume, Description=description)["SnapshotId"])

    def image(self, server: str, name: str, labels: Labels) -> str:
        specified = _specified("image", "", labels)
        made = self.ec2.create_image(InstanceId=server, Name=name, Description="kept", TagSpecifications=specified)
        return str(made["ImageId"])

    def floating_ip(self, name: str, server: str | None) -> str:
        made = self.ec2.allocate_address(Domain="vpc", TagSpecifications=_specified("elastic-ip", name, {}))
        if server:
            self.ec2.associate_address(AllocationId=made["AllocationId"], InstanceId=server)
        return str(made["AllocationId"])

    def balancer(self, name: str, port: int, subnet: str, members: list[str], labels: Labels) -> str:
        listener = {"Protocol": "HTTP", "LoadBalancerPort": port, "InstanceProtocol": "HTTP", "InstancePort": port}
        self.elb.create_load_balancer(
            LoadBalancerName=name,
            Listeners=[listener],
            Subnets=[subnet],
            **({"Tags": tags("", **labels)[0]["Tags"]} if labels else {}),
        )
        instances = [{"InstanceId": one} for one in members]
        if instances:
            self.elb.register_instances_with_load_balancer(LoadBalancerName=name, Instances=instances)
        return name

    def zone(self, domain: str) -> str:
        made = self.route53.create_hosted_zone(Name=domain, CallerReference=f"by hand: {domain}")
        return str(made["HostedZone"]["Id"]).rpartition("/")[2]

    def record(self, zone: str, name: str, kind: str, values: list[str], ttl: int) -> None:
        domain = self.route53.get_hosted_zone(Id=zone)["HostedZone"]["Name"]
        said = [{"Value": f'"{value}"' if kind == "TXT" else value} for value in values]
        records = {"Name": f"{name}.{domain}", "Type": kind, "TTL": ttl, "ResourceRecords": said}
        change = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": records}]}
        self.route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=change)

    def bucket(self, name: str, versioned: bool, labels: Labels) -> str:
        place = {"LocationConstraint": self.account.client("s3").meta.region_name}
        self.s3.create_bucket(Bucket=name, CreateBucketConfiguration=place)
        if versioned:
            self.s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        if labels:
            self.s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tags("", **labels)[0]["Tags"]})
        return name

    def blob(self, bucket: str, key: str, content: str) -> None:
        self.s3.put_object(Bucket=bucket, Key=key, Body=content.encode())


def _named(name: str, labels: Labels) -> Labels:
    return {**labels, **({"Name": name} if name else {})}


def _specified(resource: str, name: str, labels: Labels) -> list[dict[str, Any]]:
    return tags(resource, **_named(name, labels)) if name or labels else []


NAMES = (
    *("", "web", "web 1", "web-2", "web3", "prod/db", "Büro", "class", "build"),
    *("10.0.0.1", "self", "Shop-1", "shop-2"),
)


def furnish(estate: Estate, seed: int, *, small: bool = False) -> None:
    """Make things at random: the same for the same ``seed``. ``small`` is for clouds that take their time."""
    _Furnishing(estate, seed, small).everything()


class _Furnishing:
    def __init__(self, estate: Estate, seed: int, small: bool) -> None:
        self.estate = estate
        self.seed = seed
        self.small = small
        self.drawn = random.Random(seed)
        self.disks = 0
        self.servers: list[str] = []

    def everything(self) -> None:
        drawn, estate = self.drawn, self.estate
        keys = [estate.key_pair(f"key-{number}") for number in range(drawn.randint(0, 2))]
        for at in range(1 if self.small and drawn.random() < 0.6 else drawn.randint(1, 2)):
            self.network(at, keys)
        for server in drawn.sample([None, *self.servers], drawn.randint(0, min(2, 1 + len(self.servers)))):
            estate.floating_ip(self.name(), server)
        if isinstance(estate, WholeEstate):
            self.names_and_files(estate)

    def names_and_files(self, estate: WholeEstate) -> None:
        drawn = self.drawn
        if drawn.random() < 0.7:
            zone = estate.zone(drawn.choice(("shop.example", "a-b.example")))
            estate.record(zone, "www", "A", ["192.0.2.2", "192.0.2.1"], 300)
            estate.record(zone, "*", "TXT", ["v=spf1 -all"], 60)
        if drawn.random() < 0.7:
            bucket = estate.bucket(f"files-of-{self.seed}", drawn.random() < 0.5, self.labels())
            estate.blob(bucket, "a/b c.txt", "kept")
        for number, server in enumerate(drawn.sample(self.servers, min(len(self.servers), drawn.randint(0, 2)))):
            estate.image(server, f"golden-{number}", self.labels())

    def network(self, at: int, keys: list[str]) -> None:
        drawn, estate = self.drawn, self.estate
        network = estate.network(self.name(), f"10.{at}.0.0/16", drawn.random() < 0.5, self.labels())
        subnets: dict[str, str] = {}
        for index in range(drawn.randint(1, 2 if self.small else 3)):
            zone, public = drawn.choice(estate.zones), drawn.random() < 0.5
            made = estate.subnet(network, self.name(), f"10.{at}.{index}.0/24", zone, public, self.labels())
            subnets[made] = zone
        firewalls: list[str] = []
        for index in range(drawn.randint(0, 2 if self.small else 3)):
            source = drawn.choice([None, *firewalls])
            ports = drawn.sample((22, 80, 443), drawn.randint(0, 2))
            firewalls.append(estate.firewall(network, f"guard-{at}-{index}", ports, source, self.labels()))
            if drawn.random() < 0.3:
                estate.guard_itself(firewalls[-1])
        here = [
            self.server(index, subnets, firewalls, keys) for index in range(drawn.randint(0, 1 if self.small else 4))
        ]
        if isinstance(estate, WholeEstate) and here and drawn.random() < 0.6:
            members = drawn.sample(here, drawn.randint(0, len(here)))
            estate.balancer(f"front-{at}", drawn.choice((80, 8080)), next(iter(subnets)), members, self.labels())
        self.servers += here

    def server(self, index: int, subnets: dict[str, str], firewalls: list[str], keys: list[str]) -> str:
        drawn, estate = self.drawn, self.estate
        subnet = drawn.choice(list(subnets))
        called = f"app-{index + 1}" if drawn.random() < 0.5 else self.name() or "server"
        guards = drawn.sample(firewalls, drawn.randint(0, len(firewalls)))
        server = estate.server(called, subnet, guards, drawn.choice([None, *keys]), self.labels())
        for device in drawn.sample(("/dev/sdf", "/dev/sdg"), drawn.randint(0, 1)):
            size, encrypted = 10 + self.disks, drawn.random() < 0.5
            volume = estate.volume(self.name() or "disk", size, subnets[subnet], encrypted, self.labels())
            estate.attach(volume, server, device)
            self.disks += 1
            if drawn.random() < 0.4:
                estate.snapshot(volume, drawn.choice(("", "before the move")))
        return server

    def name(self) -> str:
        return self.drawn.choice(NAMES)

    def labels(self) -> Labels:
        keys = self.drawn.sample(("env", "team", 'say "hi"', "Größe", "it's"), self.drawn.randint(0, 2))
        return {key: self.drawn.choice(("prod", "", "a \\ b", "x" * 90)) for key in keys}
