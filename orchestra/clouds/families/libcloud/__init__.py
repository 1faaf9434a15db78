"""Any driver of Libcloud's, by its base API."""

from __future__ import annotations

from orchestra.clouds.families.libcloud.cloud import LibcloudCloud, libcloud

__all__ = ["LibcloudCloud", "libcloud"]
