"""What moto works out anew for each request and each reset, though it never changes: worked out once.

It answers in half the time then.
"""

from __future__ import annotations

import functools

from moto import backends
from moto.core import responses
from moto.core.base_backend import AccountSpecificBackend
from moto.ec2.models import EC2Backend


def remember() -> None:
    """Remember which services moto has, which methods of each answer, and where there is which."""
    services = tuple(backends.list_of_moto_modules())
    backends.list_of_moto_modules = lambda: services
    responses.method_names_from_class = functools.cache(responses.method_names_from_class)
    regions = functools.cache(functools.partial(AccountSpecificBackend._generate_regions.__wrapped__, None))
    AccountSpecificBackend._generate_regions = lambda backend, service: regions(service)  # type: ignore[method-assign]
    EC2Backend.reset = lambda backend: None  # type: ignore[method-assign] # it is dropped then, and needs no new images
