"""Linode, by Libcloud's drivers for its servers, volumes, keys and domains."""

from __future__ import annotations

from orchestra.clouds.families.linode.cloud import linode

__all__ = ["linode"]
