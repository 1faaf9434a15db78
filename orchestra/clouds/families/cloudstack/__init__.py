"""Apache CloudStack, by Libcloud's compute driver: one zone of it, its commands signed with a key and a secret."""

from __future__ import annotations

from orchestra.clouds.families.cloudstack.cloud import CloudStackCloud, cloudstack

__all__ = ["CloudStackCloud", "cloudstack"]
