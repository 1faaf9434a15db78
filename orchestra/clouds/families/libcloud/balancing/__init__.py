"""Load balancers of any driver of Libcloud's whose way to create is known to be safe."""

from __future__ import annotations
