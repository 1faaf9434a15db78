"""Wrong inputs of resources: unknown, missing, of a wrong type."""

from __future__ import annotations

import orchestra as oc

network = oc.Network(cidr="10.0.0.0/16")
subnet = oc.Subnet(network=network, cidr="10.0.1.0/24")
server = oc.Server(image="ami-1", size="t3.micro", subnet=subnet)

oc.Network(cidr=5)  # expect: arg-type
oc.Network(cidr=None)  # expect: arg-type
oc.Network("10.0.0.0/16")  # expect: arg-type, call-arg
oc.Network()  # expect: call-arg
oc.Network(cidr="10.0.0.0/16", colour="red")  # expect: call-arg
oc.Network(cidr="10.0.0.0/16", internet="yes")  # expect: arg-type
oc.Network(cidr="10.0.0.0/16", labels={"count": 3})  # expect: dict-item
oc.Network(cidr="10.0.0.0/16", lifecycle=oc.Lifecycle(protected=True))  # expect: call-arg
oc.Network(cidr="10.0.0.0/16", depends_on=["network"])  # expect: list-item
oc.Subnet(network=server, cidr="10.0.1.0/24")  # expect: arg-type
oc.Subnet(network=network, cidr=subnet.id.map(len))  # expect: arg-type
oc.Server(image="ami-1", size="t3.micro", subnet=server)  # expect: arg-type
oc.Server(image="ami-1", subnet=subnet)  # expect: call-arg
oc.Server(image=oc.Size(cpus=1, memory_gib=1), size="t3.micro", subnet=subnet)  # expect: arg-type
oc.Server(image=oc.Snapshot(volume="vol-1"), size="t3.micro", subnet=subnet)  # expect: arg-type
oc.CustomImage()  # expect: call-arg
oc.CustomImage(server=subnet)  # expect: arg-type
oc.CustomImage(server=server, name=3)  # expect: arg-type
oc.Volume(size_gib=1, zone="a", snapshot=oc.CustomImage(server=server))  # expect: arg-type
oc.Server(image=oc.Image(os="debian"), size="t3.micro", subnet=subnet)  # expect: call-arg
oc.Server(image="ami-1", size=oc.Size(cpus="two", memory_gib=4), subnet=subnet)  # expect: arg-type
oc.Server(image="ami-1", size="t3.micro", subnet=subnet, firewalls=[network])  # expect: list-item
oc.Firewall(network=network, ingress=[443])  # expect: list-item
oc.Record(zone="Z1", type="HINFO", values=["x"])  # expect: arg-type
oc.LoadBalancer(port="443", subnets=[subnet])  # expect: arg-type
oc.allow("gre", 47)  # expect: arg-type
oc.allow("tcp", "443")  # expect: arg-type
oc.Secret.generate("password", size=12)  # expect: call-arg
server.nonsense = "x"  # expect: attr-defined
