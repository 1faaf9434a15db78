"""Buckets and blobs over Libcloud's base API for storage."""

from __future__ import annotations

from orchestra.clouds.base.driver import LibcloudDriver
from orchestra.clouds.provider import Calls


def storage_calls(provider: str) -> tuple[Calls[LibcloudDriver], ...]:
    """The calls of each kind that the driver ``provider`` of Libcloud can serve."""
    del provider
    return ()
