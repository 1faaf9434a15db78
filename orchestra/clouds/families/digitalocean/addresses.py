"""DigitalOcean's reserved addresses: https://docs.digitalocean.com/reference/api/reference/reserved-ips/.

They have neither names nor tags. The project that one is in could tell whose it is, but an address goes into that of
the droplet which it is given to.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from orchestra.clouds.base.compute.traits import Access, Addresses, Told

_PATH: Final = "/v2/reserved_ips"
_BUSY: Final = "locked"


def _address(row: Mapping[str, Any]) -> Told:
    droplet = row["droplet"]
    return Told(
        id=row["ip"],
        name=row["ip"],
        state=_BUSY if row["locked"] else "",
        region=row["region"]["slug"],
        public_ip=row["ip"],
        servers=[str(droplet["id"])] if droplet else [],
    )


def _create(access: Access, server: str) -> Told:
    return _address(access.driver.send("POST", _PATH, {"droplet_id": int(server)})["reserved_ip"])


def _lead(access: Access, told: Told, server: str | None) -> None:
    body: dict[str, Any] = {"type": "assign", "droplet_id": int(server)} if server else {"type": "unassign"}
    access.driver.send("POST", f"{_PATH}/{told.id}/actions", body)


ADDRESSES: Final = Addresses(
    all=lambda access: map(_address, access.driver.rows(_PATH, "reserved_ips")),
    one=lambda access, identity: _address(access.driver.send("GET", f"{_PATH}/{identity}")["reserved_ip"]),
    create=_create,
    lead=_lead,
    destroy=lambda access, told: access.driver.send("DELETE", f"{_PATH}/{told.id}"),
    busy=_BUSY,
    unsupported={"labels": "a reserved address has neither tags nor a name"},
)
