"""Scaleway, by the connection of Libcloud's driver for its servers."""

from __future__ import annotations

from orchestra.clouds.families.scaleway.cloud import scaleway

__all__ = ["scaleway"]
