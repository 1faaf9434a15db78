"""UpCloud, by Libcloud's driver for its servers."""

from __future__ import annotations

from orchestra.clouds.families.upcloud.cloud import upcloud

__all__ = ["upcloud"]
