"""An account on AWS's API over HTTP: what orchestra knows of it, and what boto3 makes in it behind orchestra's back."""

from __future__ import annotations

from typing import Any

import boto3

import orchestra as oc
from tests.moto_server import MotoServer

REGION = "eu-west-1"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1rqUVdV6Bf4hIPWUVk8cNHCx1cGpPNKyGvdTpDlNGP one@example"


class Account:
    """One account and region."""

    def __init__(self, server: MotoServer) -> None:
        self.server = server
        self.cloud = oc.clouds.aws(
            region=REGION,
            endpoint=server.endpoint,
            access_key=server.access_key,
            secret_key=server.secret_key,
            consistency_seconds=0,
        )
        self.ec2 = self.client("ec2")

    def client(self, service: str) -> Any:
        """boto3's client of a service."""
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.server.endpoint,
            aws_access_key_id=self.server.access_key,
            aws_secret_access_key=self.server.secret_key,
        )

    def image(self) -> str:
        """The id of an image of Debian."""
        provider = self.cloud.provider("compute.Server")
        assert provider is not None
        return provider.choose("image", {"os": "debian", "version": "12"})


def tags(resource: str, **values: str) -> list[dict[str, Any]]:
    """What boto3 takes as ``TagSpecifications``."""
    return [{"ResourceType": resource, "Tags": [{"Key": key, "Value": value} for key, value in values.items()]}]
