"""OpenStack, by Libcloud's compute driver: nova, neutron, cinder and glance, with a token of keystone's."""

from __future__ import annotations

from orchestra.clouds.families.openstack.cloud import OpenStackCloud, openstack

__all__ = ["OpenStackCloud", "openstack"]
