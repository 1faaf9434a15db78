"""Azure, by its Resource Manager, through the connection of Libcloud's driver ``azure_arm``."""

from __future__ import annotations

from orchestra.clouds.families.azure.cloud import AzureCloud, azure

__all__ = ["AzureCloud", "azure"]
