"""Google Compute Engine: networks, compute and load balancers, with Cloud DNS and Cloud Storage beside them."""

from __future__ import annotations

from orchestra.clouds.families.gce.cloud import GceCloud, gce

__all__ = ["GceCloud", "gce"]
