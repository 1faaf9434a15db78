"""Libcloud's objects, made of what its methods look at in them: that spares asking the cloud for them first."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from libcloud.compute.base import KeyPair, Node, NodeImage, NodeLocation, NodeSize, StorageVolume, VolumeSnapshot
from libcloud.compute.types import NodeState


def a_node(driver: Any, identity: str, **extra: Any) -> Node:
    """A server."""
    return Node(identity, "", NodeState.UNKNOWN, [], [], driver, size=a_size(driver, ""), extra=extra)


def a_volume(driver: Any, identity: str, name: str = "", size: int = 0, **extra: Any) -> StorageVolume:
    """A volume."""
    return StorageVolume(identity, name, size, driver, extra=extra)


def a_snapshot(driver: Any, identity: str) -> VolumeSnapshot:
    """A snapshot of a volume."""
    return VolumeSnapshot(identity, driver)


def a_size(driver: Any, identity: str, **extra: Any) -> NodeSize:
    """A size; Libcloud's drivers go by its id or by its name."""
    return NodeSize(identity, identity, 0, 0, 0, 0.0, driver, extra=extra)


def an_image(driver: Any, identity: Any, **extra: Any) -> NodeImage:
    """An image; a number stays one, which Libcloud would make a text of."""
    made = NodeImage("", "", driver, extra=extra)
    made.id = identity
    return made


def a_key(driver: Any, identity: str, name: str) -> KeyPair:
    """A key."""
    return KeyPair(name, "", "", driver, extra={"id": identity})


def a_location(driver: Any, identity: str) -> NodeLocation:
    """A region."""
    return NodeLocation(identity, "", "", driver)


def fingerprint(public_key: str) -> str | None:
    """The MD5 fingerprint of an OpenSSH key, for clouds that tell none; None for what is no such key."""
    raw = _raw(public_key)
    if raw is None:
        return None
    digits = hashlib.md5(raw, usedforsecurity=False).hexdigest()
    return ":".join(digits[at : at + 2] for at in range(0, len(digits), 2))


def sha256_fingerprint(public_key: str) -> str | None:
    """The fingerprint of an OpenSSH key as OpenSSH tells it, ``SHA256:…``; None for what is no such key."""
    raw = _raw(public_key)
    if raw is None:
        return None
    return "SHA256:" + base64.b64encode(hashlib.sha256(raw).digest()).decode().rstrip("=")


def _raw(public_key: str) -> bytes | None:
    try:
        return base64.b64decode(public_key.split()[1], validate=True)
    except (IndexError, ValueError):
        return None
