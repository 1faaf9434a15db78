"""Address ranges and single addresses: what is taken, and what is next."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from typing import Final

from orchestra.clouds.families.simulated.kinds import B
from orchestra.clouds.families.simulated.refusals import refusal
from orchestra.clouds.families.simulated.rows import Row, Rows

_PUBLIC_RANGE: Final = IPv4Network("198.18.0.0/15")
"""Public addresses come from here: kept for tests by RFC 2544, so they lead nowhere."""
_PUBLIC_POOL: Final = "public"
DEFAULT_RANGE: Final = IPv4Network("172.31.0.0/16")
"""Private addresses of servers that were made without a subnet."""
DEFAULT_POOL: Final = "default"

_RESERVED: Final = 4
"""The first addresses of a subnet belong to the cloud, and so does the last."""

_OVERLAPPING: Final = (
    "SELECT objects.id, low, high FROM spans JOIN objects ON number = owner"
    " WHERE network = ? AND low <= ? ORDER BY low DESC LIMIT 1"
)
_GAP: Final = (
    "SELECT one.offset + 1 FROM addresses AS one WHERE one.pool = ? AND one.offset < ? AND NOT EXISTS"
    " (SELECT 1 FROM addresses AS next WHERE next.pool = one.pool AND next.offset = one.offset + 1) LIMIT 1"
)


def network_range(cidr: str, code: str) -> IPv4Network:
    """``cidr`` as a range, refused with ``code`` unless it is an IPv4 network of /8 to /28 without host bits."""
    try:
        found = IPv4Network(cidr)
    except ValueError as fault:
        raise refusal("InvalidParameterValue", f"'{cidr}' is not a valid IPv4 CIDR ({fault})") from fault
    if not 8 <= found.prefixlen <= 28:
        raise refusal(code, f"the CIDR '{cidr}' is invalid: a prefix of /8 to /28 is needed")
    return found


def check_overlap(rows: Rows, network: str, wanted: IPv4Network) -> None:
    """Refuse a range that a subnet of ``network`` already has a part of."""
    low, high = int(wanted.network_address), int(wanted.broadcast_address)
    # ranges in a network never overlap each other, so only the last that starts before this one ends can overlap it
    found = rows.connection.execute(_OVERLAPPING, (network, high)).fetchone()
    if found and found[2] >= low:
        raise refusal("InvalidSubnet.Conflict", f"the CIDR '{wanted}' conflicts with that of subnet {found[0]}")


def claim(rows: Rows, network: str, wanted: IPv4Network, owner: Row[B]) -> None:
    """``wanted`` belongs to ``owner`` from now on."""
    rows.connection.execute(
        "INSERT INTO spans (network, low, high, owner) VALUES (?, ?, ?, ?)",
        (network, int(wanted.network_address), int(wanted.broadcast_address), owner.number),
    )


def free_address(rows: Rows, pool: str, wanted: IPv4Network) -> IPv4Address:
    """An address of the range ``wanted`` that nothing in ``pool`` has. It is free until `hold` takes it."""
    first, last = _RESERVED, wanted.num_addresses - 2
    top = rows.connection.execute("SELECT MAX(offset) FROM addresses WHERE pool = ?", (pool,)).fetchone()[0]
    if top is None:
        return wanted[first]
    if top < last:
        return wanted[top + 1]
    lowest = rows.connection.execute("SELECT MIN(offset) FROM addresses WHERE pool = ?", (pool,)).fetchone()[0]
    if lowest > first:
        return wanted[first]
    gap = rows.connection.execute(_GAP, (pool, last)).fetchone()
    if gap is None:
        raise refusal("InsufficientFreeAddressesInSubnet", f"no address of {wanted} is free")
    return wanted[gap[0]]


def hold(rows: Rows, pool: str, wanted: IPv4Network, address: IPv4Address, owner: Row[B]) -> None:
    """``owner`` has ``address`` from now on."""
    rows.connection.execute(
        "INSERT INTO addresses (pool, offset, owner) VALUES (?, ?, ?)",
        (pool, int(address) - int(wanted.network_address), owner.number),
    )


def free_public_address(rows: Rows) -> IPv4Address:
    """A public address that nothing has. It is free until `hold_public` takes it."""
    return free_address(rows, _PUBLIC_POOL, _PUBLIC_RANGE)


def hold_public(rows: Rows, address: IPv4Address, owner: Row[B]) -> None:
    """``owner`` has the public ``address`` from now on."""
    hold(rows, _PUBLIC_POOL, _PUBLIC_RANGE, address, owner)


def let_go_public(rows: Rows, owner: Row[B]) -> None:
    """``owner`` has no public address any more."""
    rows.connection.execute("DELETE FROM addresses WHERE owner = ? AND pool = ?", (owner.number, _PUBLIC_POOL))
