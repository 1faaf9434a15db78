"""Wrong uses of references and outputs."""

from __future__ import annotations

from typing_extensions import assert_type

import orchestra as oc

network = oc.Network(cidr="10.0.0.0/16")
subnet = oc.Subnet(network=network, cidr="10.0.1.0/24")
server = oc.Server(image="ami-1", size="t3.micro", subnet=subnet)


def double(number: int) -> int:
    """Takes a number."""
    return 2 * number


address: str = server.private_ip  # expect: assignment
count: oc.Ref[int] = server.private_ip  # expect: assignment
server.private_ip.map(double)  # expect: arg-type
server.private_ip.map(lambda text: text.nonsense)  # expect: attr-defined
server.private_ip.map(3)  # expect: arg-type
assert_type(server.private_ip.map(len), oc.Ref[str])  # expect: assert-type
oc.Ref.all(server.private_ip, "text")  # expect: call-overload
pair: oc.Ref[tuple[str, int]] = oc.Ref.all(server.id, server.zone)  # expect: arg-type
server.nonsense  # expect: attr-defined
network.private_ip  # expect: attr-defined
server.private_ip = "10.0.0.1"  # expect: assignment
