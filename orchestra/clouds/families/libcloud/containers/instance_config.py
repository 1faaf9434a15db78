"""What is asked for a container on LXD, and what is told of one. Pure.

https://documentation.ubuntu.com/lxd/en/latest/reference/instance_options/ and …/reference/devices/.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from orchestra.clouds.families.libcloud.containers.lxd import Item
from orchestra.contracts import Inputs, Observation, Ownership, Refusal, Status
from orchestra.model.values import Plain
from orchestra.resources.containers import Mount

MARK: Final = "user.orchestra."
_LABEL: Final = "user.label."
_IMAGE: Final = f"{MARK}image"
_STOPPING: Final = "boot.host_shutdown_timeout"
_STOP_SECONDS: Final = 10
_LIMITS: Final = MappingProxyType({"memory_mib": "limits.memory", "cpus": "limits.cpu.allowance"})
"""The option for each limit. What is declared is kept beside it: a limit that only somebody else set is theirs."""
_NEVER: Final = ("0001", "1970")
"""The years in which what was never started was last used."""
_SHAPE: Final = re.compile(r"[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_DIGEST: Final = re.compile(r"(?:.*@sha256:)?([0-9a-f]{64})")
_MIB: Final = re.compile(r"(\d+)MiB")
_SHARE: Final = re.compile(r"(\d+)ms/(\d+)ms")
_NO_NETWORK: Final = "none"
_LASTING: Final = ("Running", "Stopped", "Frozen")
"""States that last; all others are on their way."""


def refused(declared: Mapping[str, object]) -> Iterable[Refusal]:
    """What LXD can't do of what is declared."""
    mounts = declared.get("mounts")
    for mount in mounts if isinstance(mounts, (list, tuple)) else ():
        if isinstance(mount, Mount) and not mount.source.startswith("/"):
            yield Refusal(
                why=f"mounts: {mount.source!r} is a volume, and LXD's are in storage pools, which a mount doesn't name",
                remedy="give the path of a folder of the machine",
            )
    name = declared.get("name")
    if isinstance(name, str) and not _SHAPE.fullmatch(name):
        yield Refusal(
            why=f"name={name!r}: LXD wants the name of a host",
            remedy="use at most 63 letters, digits or '-', a letter first and no '-' last",
        )


# -- what is asked for


def name_for(inputs: Inputs, owner: Ownership) -> str:
    """The name that is given or made; one that begins with a digit LXD wouldn't take."""
    made = owner.name(limit=61)
    return inputs.optional_text("name") or (made if made[0].isalpha() else f"c-{made}")


def described(name: str, inputs: Inputs, owner: Ownership) -> dict[str, Any]:
    """What a creation asks for: with whose it is, in the same request."""
    image = inputs.text("image")
    digest = _DIGEST.fullmatch(image)
    notes = {"deployment": owner.deployment, "address": owner.address, "token": owner.token}
    return {
        "name": name,
        "type": "container",
        "source": {"type": "image", **({"fingerprint": digest[1]} if digest else {"alias": image})},
        "config": {
            **{f"environment.{key}": str(value) for key, value in sorted(inputs.mapping("environment").items())},
            **{f"{_LABEL}{key}": value for key, value in inputs.labels().items()},
            **{f"{MARK}{key}": value for key, value in notes.items()},
            **limits_for(inputs, _LIMITS),
            _IMAGE: image,
            _STOPPING: str(inputs.integer("stop_seconds")),
        },
        "devices": _devices(inputs),
    }


def limits_for(inputs: Inputs, names: Iterable[str]) -> dict[str, str]:
    """The options for those limits of ``names`` that there are."""
    options = {}
    for name in sorted(names):
        if inputs.values.get(name) is not None:
            options[f"{MARK}{name}"] = str(inputs.values[name])
            options[_LIMITS[name]] = _limit(name, str(inputs.values[name]))
    return options


def _limit(name: str, declared: str) -> str:
    """A limit in LXD's form: processors are a share of time, which has no more than its milliseconds."""
    if name == "memory_mib":
        return f"{declared}MiB"
    cpus = float(declared)
    period = 100 if (cpus * 100).is_integer() else 1000
    return f"{round(cpus * period)}ms/{period}ms"


def _devices(inputs: Inputs) -> dict[str, dict[str, str]]:
    """Devices for ports, mounts and the network."""
    devices = {}
    for number, port in enumerate(inputs.mappings("ports")):
        devices[f"port-{number}"] = {
            "type": "proxy",
            "listen": f"{port['protocol']}:{port['address']}:{port['host']}",
            "connect": f"{port['protocol']}:127.0.0.1:{port['container']}",
        }
    for number, mount in enumerate(inputs.mappings("mounts")):
        devices[f"mount-{number}"] = {
            "type": "disk",
            "source": str(mount["source"]),
            "path": str(mount["target"]),
            "readonly": "true" if mount["read_only"] else "false",
        }
    network = inputs.optional_text("network")
    if network is not None:
        devices["eth0"] = (
            {"type": "none"} if network == _NO_NETWORK else {"type": "nic", "name": "eth0", "network": network}
        )
    return devices


# -- what is told


def id_of(item: Item) -> str:
    """The id of a container: ``name/uuid``."""
    return f"{item['name']}/{item['config']['volatile.uuid']}"


def is_fresh(item: Item) -> bool:
    """Whether it was never started."""
    return item["status"] == "Stopped" and str(item["last_used_at"]).startswith(_NEVER)


def stop_seconds(item: Item) -> int:
    """The seconds that it is given to end by itself."""
    return int(item["expanded_config"].get(_STOPPING) or _STOP_SECONDS)


def owner_of(item: Item) -> Ownership | None:
    """Whose it is."""
    config = item["config"]
    if f"{MARK}token" not in config:
        return None
    return Ownership(*(config.get(f"{MARK}{part}", "") for part in ("deployment", "address", "token")))


def told(item: Item) -> Observation:
    """What there is to say of a container."""
    config, state = item["config"], str(item["status"])
    lasts = state in _LASTING
    inputs: dict[str, Plain] = {
        "name": item["name"],
        "labels": {key.removeprefix(_LABEL): config[key] for key in sorted(config) if key.startswith(_LABEL)},
        "running": state not in ("Stopped", "Frozen"),
        **{name: _limit_in(name, config) for name in _LIMITS if f"{MARK}{name}" in config},
    }
    if _IMAGE in config:
        inputs["image"] = config[_IMAGE]
    if nic := item["devices"].get("eth0"):
        inputs["network"] = _NO_NETWORK if nic["type"] == "none" else nic.get("network", "")
    return Observation(
        external_id=id_of(item),
        status=Status.READY if lasts else Status.PENDING,
        inputs=inputs,
        outputs={"ip": _address(item), "state": state.lower()},
        detail="" if lasts else state,
        ownership=owner_of(item),
        name=item["name"],
    )


def _limit_in(name: str, config: Mapping[str, str]) -> Plain:
    """A limit as it is now: as it was declared, unless somebody has changed it; None if that isn't in our form."""
    declared, now = config[f"{MARK}{name}"], config.get(_LIMITS[name], "")
    if name == "memory_mib":
        found = _MIB.fullmatch(now)
        return int(found[1]) if found else None
    if now == _limit(name, declared):
        return float(declared)
    found = _SHARE.fullmatch(now)
    return int(found[1]) / int(found[2]) if found else None


def _address(item: Item) -> str | None:
    networks = (item.get("state") or {}).get("network") or {}
    addresses = (one for name, net in sorted(networks.items()) if name != "lo" for one in net["addresses"] or ())
    return next((one["address"] for one in addresses if one["family"] == "inet" and one["scope"] == "global"), None)
