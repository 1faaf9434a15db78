"""Libcloud's drivers for one account and region: EC2, ELB (classic and newer), Route 53 and S3.

Libcloud's drivers keep the request under way in the object, so each thread has drivers of its own, over
connections that all threads share.
"""

from __future__ import annotations

import functools
from typing import Any, Final

import attrs
from libcloud.compute.providers import get_driver as get_compute_driver
from libcloud.dns.providers import get_driver as get_dns_driver
from libcloud.loadbalancer.providers import get_driver as get_balancing_driver
from libcloud.storage.providers import get_driver as get_storage_driver

from orchestra.clouds.connections import Connections, Timeouts
from orchestra.clouds.families.aws.regions import Host, Hosts
from orchestra.clouds.families.aws.rest import S3Answer
from orchestra.clouds.session import share


@attrs.frozen(repr=False)
class Account:
    """Who calls, for which region, and where the services are. Holds secrets, so it has no telling repr."""

    region: str
    hosts: Hosts
    access_key: str
    secret_key: str
    session_token: str | None = None

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no message may show."""
        return tuple(one for one in (self.secret_key, self.session_token, self.access_key) if one)


@attrs.frozen
class Pools:
    """Kept-alive connections to each service."""

    ec2: Connections = attrs.field(factory=Connections)
    elb: Connections = attrs.field(factory=Connections)
    route53: Connections = attrs.field(factory=Connections)
    s3: Connections = attrs.field(factory=Connections)

    @staticmethod
    def within(timeouts: Timeouts) -> Pools:
        """Connections on which each call has ``timeouts``."""
        return Pools(*(Connections(timeouts=timeouts) for _ in range(4)))


_balancing_driver: Final[Any] = get_balancing_driver  # the one of the four that has no types


class Drivers:
    """One thread's drivers, each made when it is first asked for."""

    def __init__(self, account: Account, pools: Pools) -> None:
        self._account = account
        self._pools = pools
        self.region = account.region
        self.domains: dict[str, str] = {}
        """The domains of the zones asked for so far."""

    @functools.cached_property
    def ec2(self) -> Any:
        """Libcloud's EC2 driver, signing with version 4."""
        driver: Any = get_compute_driver("ec2")(
            self._account.access_key,
            self._account.secret_key,
            region=self.region,
            token=self._account.session_token,
            signature_version="4",
            **_place(self._account.hosts.ec2),
        )
        return share(driver, self._pools.ec2)

    @functools.cached_property
    def elb(self) -> Any:
        """Libcloud's driver for classic load balancers."""
        return self._balancing("elb")

    @functools.cached_property
    def elbv2(self) -> Any:
        """Libcloud's driver for application load balancers, whose API has network load balancers too; same host."""
        return self._balancing("alb")

    def _balancing(self, provider: str) -> Any:
        """A driver of load balancers. None of them takes a host, so that is set on its connection."""
        driver = _balancing_driver(provider)(
            self._account.access_key, self._account.secret_key, self.region, token=self._account.session_token
        )
        host = self._account.hosts.elb
        connection = driver.connection
        connection.host, connection.port, connection.secure = host.name, host.port, int(host.secure)
        return share(driver, self._pools.elb)

    @functools.cached_property
    def route53(self) -> Any:
        """Libcloud's Route 53 driver. It would put the session token into the URL, so `rest` sends it as a header."""
        driver: Any = get_dns_driver("route53")(
            self._account.access_key, self._account.secret_key, **_place(self._account.hosts.route53)
        )
        driver.session_token = self._account.session_token
        return share(driver, self._pools.route53)

    @functools.cached_property
    def s3(self) -> Any:
        """Libcloud's S3 driver. It lacks regions that EC2 has, so it is made for one and then told the right one."""
        driver: Any = get_storage_driver("s3")(
            self._account.access_key,
            self._account.secret_key,
            region="us-east-1",
            token=self._account.session_token,
            **_place(self._account.hosts.s3),
        )
        driver.region = driver.region_name = self.region
        driver.connection.responseCls = S3Answer
        return share(driver, self._pools.s3)


def _place(host: Host) -> dict[str, Any]:
    return {"host": host.name, "port": host.port, "secure": host.secure}
