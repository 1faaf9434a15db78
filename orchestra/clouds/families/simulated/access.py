"""Key pairs and floating addresses, as calls of the simulated compute driver."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence

import attrs
from libcloud.compute.base import KeyPair, NodeDriver

from orchestra.clouds.families.simulated import ranges
from orchestra.clouds.families.simulated.endpoint import InProcess, Tags
from orchestra.clouds.families.simulated.kinds import ADDRESS, KEY_PAIR, SERVER, AddressBody, KeyPairBody
from orchestra.clouds.families.simulated.listing import Filter
from orchestra.clouds.families.simulated.refusals import in_use, refusal
from orchestra.clouds.families.simulated.rows import Row, Rows


@attrs.frozen(kw_only=True)
class SimulatedAddress:
    """A public address that leads to the server with the id ``server``, or nowhere."""

    id: str
    address: str
    server: str | None
    tags: Mapping[str, str]


class KeyPairs(InProcess, NodeDriver):
    """The calls for key pairs, which Libcloud knows by their name."""

    def list_key_pairs(self, ex_names: Sequence[str] | None = None, ex_token: str | None = None) -> list[KeyPair]:
        """All key pairs, or those with the names or the token."""
        wanted = Filter(names=ex_names, parent="" if ex_names is not None else None, token=ex_token)
        return [self._key_pair(row) for row in self._list("list_key_pairs", KEY_PAIR, wanted)]

    def get_key_pair(self, name: str) -> KeyPair:
        """One key pair."""
        with self._read("get_key_pair", name) as rows:
            row = rows.look_up_named(KEY_PAIR, name)
            if row is None:
                raise refusal(KEY_PAIR.missing, f"the key pair '{name}' does not exist")
            return self._key_pair(row)

    def import_key_pair_from_string(
        self, name: str, key_material: str, *, ex_tags: Tags = None, ex_token: str | None = None
    ) -> KeyPair:
        """Keep a public key, in OpenSSH's form, under a name."""
        with self._write("import_key_pair_from_string", token=ex_token) as rows:
            row = rows.made_under(KEY_PAIR, ex_token)
            if row is None:
                if rows.named(KEY_PAIR, name):
                    raise refusal("InvalidKeyPair.Duplicate", f"the key pair '{name}' already exists")
                body: KeyPairBody = {
                    "tags": dict(ex_tags or {}),
                    "name": name,
                    "public_key": key_material,
                    "fingerprint": _fingerprint(key_material),
                }
                row = rows.add(KEY_PAIR, body, name=name, token=ex_token)
            return self._key_pair(row)

    def delete_key_pair(self, key_pair: KeyPair) -> bool:
        """Delete a key pair. Servers that were made with it keep the key."""
        with self._write("delete_key_pair", key_pair.name) as rows:
            row = rows.named(KEY_PAIR, key_pair.name)
            if row is None:
                raise refusal(KEY_PAIR.missing, f"the key pair '{key_pair.name}' does not exist")
            rows.remove(row)
        return True

    def _key_pair(self, row: Row[KeyPairBody]) -> KeyPair:
        body = row.body
        extra = {"id": row.id, "tags": body["tags"]}
        return KeyPair(body["name"], body["public_key"], body["fingerprint"], self, extra=extra)


class Addresses(InProcess):
    """The calls for floating addresses."""

    def ex_allocate_address(self, *, ex_tags: Tags = None, ex_token: str | None = None) -> SimulatedAddress:
        """Take a public address."""
        with self._write("ex_allocate_address", token=ex_token) as rows:
            row = rows.made_under(ADDRESS, ex_token)
            if row is None:
                address = ranges.free_public_address(rows)
                body: AddressBody = {"tags": dict(ex_tags or {}), "address": str(address), "server": None}
                row = rows.add(ADDRESS, body, token=ex_token)
                ranges.hold_public(rows, address, row)
            return _address(row)

    def ex_list_addresses(
        self, ex_ids: Sequence[str] | None = None, ex_token: str | None = None
    ) -> list[SimulatedAddress]:
        """All addresses, or those with the ids or the token."""
        wanted = Filter(ids=ex_ids, token=ex_token)
        return [_address(row) for row in self._list("ex_list_addresses", ADDRESS, wanted)]

    def ex_get_address(self, address_id: str) -> SimulatedAddress:
        """One address."""
        with self._read("ex_get_address", address_id) as rows:
            return _address(rows.look_up(ADDRESS, address_id))

    def ex_associate_address(self, address_id: str, node_id: str | None) -> SimulatedAddress:
        """Let the address lead to this server from now on; None: nowhere."""
        with self._write("ex_associate_address", address_id) as rows:
            row = rows.get(ADDRESS, address_id)
            if row.body["server"] != node_id:
                self._lead(rows, row, node_id)
            return _address(row)

    def ex_release_address(self, address_id: str) -> bool:
        """Give the address back; refused while it leads to a server."""
        with self._write("ex_release_address", address_id) as rows:
            row = rows.get(ADDRESS, address_id)
            if row.body["server"] is not None:
                raise in_use(f"the address '{row.id}'", [row.body["server"]], code="InvalidIPAddress.InUse")
            rows.remove(row)
        return True

    def _lead(self, rows: Rows, row: Row[AddressBody], node_id: str | None) -> None:
        address = row.body["address"]
        if row.body["server"] is not None:
            before = rows.get(SERVER, row.body["server"])
            before.body["floating_ips"] = [one for one in before.body["floating_ips"] if one != address]
            rows.save(before)
        if node_id is not None:
            server = rows.get(SERVER, node_id)
            server.body["floating_ips"] = [*server.body["floating_ips"], address]
            rows.save(server)
        row.body["server"] = node_id
        rows.use(row, "address", [node_id] if node_id is not None else [], blocks=False)
        rows.save(row)


def _fingerprint(public_key: str) -> str:
    """As ``ssh-keygen -l`` shows it."""
    try:
        raw = base64.b64decode(public_key.split()[1], validate=True)
    except (IndexError, binascii.Error) as fault:
        raise refusal("InvalidKey.Format", "the key is not in OpenSSH public key format") from fault
    return "SHA256:" + base64.b64encode(hashlib.sha256(raw).digest()).decode().rstrip("=")


def _address(row: Row[AddressBody]) -> SimulatedAddress:
    body = row.body
    return SimulatedAddress(id=row.id, address=body["address"], server=body["server"], tags=body["tags"])
