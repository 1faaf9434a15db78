"""Compute drivers without a family, as the tests of families see them: what holds for families holds for these."""

from __future__ import annotations

from typing import Any, Final

import orchestra as oc
from orchestra.clouds import libcloud
from tests.clouds.anydriver import cloudscale, equinix, ovh
from tests.clouds.families.scenery import Family


def _cloudscale(region: str, token: str, endpoint: str) -> Any:
    return libcloud("cloudscale", key=token, endpoint=endpoint, options={"location": region})


def _equinix(region: str, token: str, endpoint: str) -> Any:
    options = {"location": region, "project": equinix.PROJECT}
    return libcloud("equinixmetal", key=token, endpoint=endpoint, options=options)


def _ovh(region: str, secret: str, endpoint: str) -> Any:
    options = {"location": region, "ex_project_id": ovh.PROJECT, "ex_consumer_key": ovh.CONSUMER}
    return libcloud("ovh", service="compute", key=ovh.APPLICATION, secret=secret, endpoint=endpoint, options=options)


_HAVE: Final = {"labels": False, "resizes": False, "environment": {}}

DRIVERS: Final = (
    Family(
        name="cloudscale",
        imitation=cloudscale.Cloudscale,
        make=_cloudscale,
        bare=lambda region, endpoint: _cloudscale(region, "", endpoint),
        region="rma1",
        credential=cloudscale.TOKEN,
        image=oc.Image(os="ubuntu", version="16.10"),
        sizes=(oc.Size(cpus=1, memory_gib=2), oc.Size(cpus=2, memory_gib=4)),
        creations=("/v1/servers",),
        owned=False,
        **_HAVE,
    ),
    Family(
        name="equinixmetal",
        imitation=equinix.EquinixMetal,
        make=_equinix,
        bare=lambda region, endpoint: _equinix(region, "", endpoint),
        region=equinix.METRO,
        credential=equinix.TOKEN,
        image=oc.Image(os="debian", version="7"),
        sizes=(oc.Size(cpus=1, memory_gib=8), oc.Size(cpus=2, memory_gib=16)),
        creations=(f"/metal/v1/projects/{equinix.PROJECT}/devices",),
        **_HAVE,
    ),
    Family(
        name="ovh",
        imitation=ovh.Ovh,
        make=_ovh,
        bare=lambda region, endpoint: _ovh(region, "", endpoint),
        region=ovh.REGION,
        credential=ovh.SECRET,
        image=oc.Image(os="debian", version="8"),
        sizes=(oc.Size(cpus=1, memory_gib=2), oc.Size(cpus=4, memory_gib=16)),
        creations=(
            "/1.0/cloud/project/project_id/instance",
            "/1.0/cloud/project/project_id/volume",
            "/1.0/cloud/project/project_id/volume/[^/]+/snapshot/",
            "/1.0/cloud/project/project_id/sshkey",
        ),
        user_data=False,
        long_names=False,
        keys_owned=False,
        **_HAVE,
    ),
)
