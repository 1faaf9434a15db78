"""Speaking to the server, by Libcloud's connections and by boto3."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urlsplit
from xml.etree.ElementTree import Element

import boto3
from botocore.config import Config
from libcloud.compute.providers import get_driver
from libcloud.loadbalancer.providers import get_driver as get_balancing_driver

from tests.moto_server import MotoServer

REGION = "eu-west-1"


def client(server: MotoServer, service: str, config: Config | None = None, **keys: str) -> Any:
    """boto3's client: AWS's own library, so what it accepts is AWS's wire."""
    return boto3.client(
        service,
        region_name=REGION,
        endpoint_url=server.endpoint,
        aws_access_key_id=keys.get("access_key", server.access_key),
        aws_secret_access_key=keys.get("secret_key", server.secret_key),
        config=config,
    )


def ec2_driver(server: MotoServer, region: str = REGION, signature_version: str | None = "4") -> Any:
    """Libcloud's EC2 driver."""
    place = urlsplit(server.endpoint)
    return get_driver("ec2")(
        server.access_key,
        server.secret_key,
        secure=False,
        host=place.hostname,
        port=place.port,
        region=region,
        signature_version=signature_version,
    )


def elb_driver(server: MotoServer) -> Any:
    """Libcloud's driver for classic load balancers."""
    make: Any = get_balancing_driver
    driver = make("elb")(server.access_key, server.secret_key, REGION)
    place = urlsplit(server.endpoint)
    connection = driver.connection
    connection.host, connection.port, connection.secure = place.hostname, place.port, 0
    connection.connect()
    return driver


def ask(driver: Any, action: str, path: str = "/", **fields: str) -> Element:
    """The root of the answer to ``action``; ``__`` in names stands for '.'."""
    named = {name.replace("__", "."): value for name, value in fields.items()}
    data = urlencode({"Action": action, "Version": driver.connection.version, **named})
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    root: Element = driver.connection.request(path, method="POST", data=data, headers=headers).object
    return root
