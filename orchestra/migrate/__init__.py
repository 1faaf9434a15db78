"""Coming from other tools: a stack of what they made, which takes it over.

``migrate.terraform(…)`` reads a state of Terraform or OpenTofu.
"""

from __future__ import annotations

from orchestra.migrate.migrating import terraform

__all__ = ["terraform"]
