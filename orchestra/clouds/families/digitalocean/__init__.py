"""DigitalOcean, by Libcloud's drivers for its droplets, volumes, keys and domains."""

from __future__ import annotations

from orchestra.clouds.families.digitalocean.cloud import digitalocean

__all__ = ["digitalocean"]
