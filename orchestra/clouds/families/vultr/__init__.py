"""Vultr, by Libcloud's drivers for its servers, volumes, keys and domains."""

from __future__ import annotations

from orchestra.clouds.families.vultr.cloud import vultr

__all__ = ["vultr"]
