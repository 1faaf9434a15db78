"""Embeddable cloud orchestration: stacks as Python classes, planned and applied through Apache Libcloud.

``import orchestra as oc``, subclass `Stack`, give it to a `Deployment`, ``plan()`` and ``apply()``. Names are
loaded when they are first used, so that importing the package is quick, starts nothing and opens nothing.
"""

from __future__ import annotations

import importlib
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from orchestra import clouds, errors, events, migrate
    from orchestra.adoption.discovering import Discovered, discover
    from orchestra.adoption.drafting import LeftOut
    from orchestra.adoption.generating import Generated, generate
    from orchestra.adoption.selecting import Select
    from orchestra.clouds.cloud import Cloud
    from orchestra.deployment import Deployment
    from orchestra.diff import PropertyChange
    from orchestra.engine.auditing import Anchor, Audit, PastRun
    from orchestra.engine.run import Rollback, Run, StepResult, StepStatus
    from orchestra.errors import (
        ApplyError,
        ChoiceError,
        CloudError,
        ConflictError,
        CorruptStateError,
        CredentialsError,
        CycleError,
        DefinitionError,
        InternalError,
        InUseError,
        InvalidRequestError,
        LeaseLostError,
        LockedError,
        MisuseError,
        NotFoundError,
        NotReadyError,
        OrchestraError,
        PlanError,
        PlanFileError,
        ProtectedError,
        QuotaError,
        StalePlanError,
        StateError,
        StateVersionError,
        ThrottledError,
        TransientError,
        UnsupportedError,
    )
    from orchestra.model.fields import input_field, output_field
    from orchestra.model.lifecycle import Lifecycle
    from orchestra.model.parameters import parameter
    from orchestra.model.readiness import HttpOk, TcpOpen
    from orchestra.model.refs import Output, Ref
    from orchestra.model.resource import Resource
    from orchestra.model.secrets import Secret
    from orchestra.model.stack import Stack
    from orchestra.model.values import ABSENT, UNKNOWN
    from orchestra.planning.change import Change, Finding
    from orchestra.planning.decide import Action, Mode, Reason
    from orchestra.planning.plan import Plan
    from orchestra.resources.balancing import HealthCheck, LoadBalancer
    from orchestra.resources.compute import (
        FloatingIp,
        Image,
        KeyPair,
        Server,
        Size,
        Snapshot,
        Volume,
        VolumeAttachment,
    )
    from orchestra.resources.containers import Container, ContainerImage, Mount, Port
    from orchestra.resources.dns import Record, Zone
    from orchestra.resources.network import AvailabilityZone, Firewall, Network, Rule, Subnet, allow
    from orchestra.resources.storage import Blob, Bucket
    from orchestra.state.audit import AuditEntry, AuditEvent

_NAMES: Final = MappingProxyType(
    {
        "orchestra": "clouds errors events migrate",
        "orchestra.adoption.discovering": "Discovered discover",
        "orchestra.adoption.drafting": "LeftOut",
        "orchestra.adoption.generating": "Generated generate",
        "orchestra.adoption.selecting": "Select",
        "orchestra.clouds.cloud": "Cloud",
        "orchestra.deployment": "Deployment",
        "orchestra.diff": "PropertyChange",
        "orchestra.engine.auditing": "Anchor Audit PastRun",
        "orchestra.engine.run": "Rollback Run StepResult StepStatus",
        "orchestra.errors": "ApplyError ChoiceError CloudError ConflictError CorruptStateError CredentialsError "
        "CycleError DefinitionError InUseError InternalError InvalidRequestError LeaseLostError LockedError "
        "MisuseError NotFoundError NotReadyError OrchestraError PlanError PlanFileError ProtectedError QuotaError "
        "StalePlanError StateError StateVersionError ThrottledError TransientError UnsupportedError",
        "orchestra.model.fields": "input_field output_field",
        "orchestra.model.lifecycle": "Lifecycle",
        "orchestra.model.parameters": "parameter",
        "orchestra.model.readiness": "HttpOk TcpOpen",
        "orchestra.model.refs": "Output Ref",
        "orchestra.model.resource": "Resource",
        "orchestra.model.secrets": "Secret",
        "orchestra.model.stack": "Stack",
        "orchestra.model.values": "ABSENT UNKNOWN",
        "orchestra.planning.change": "Change Finding",
        "orchestra.planning.decide": "Action Mode Reason",
        "orchestra.planning.plan": "Plan",
        "orchestra.resources.balancing": "HealthCheck LoadBalancer",
        "orchestra.resources.compute": "FloatingIp Image KeyPair Server Size Snapshot Volume VolumeAttachment",
        "orchestra.resources.containers": "Container ContainerImage Mount Port",
        "orchestra.resources.dns": "Record Zone",
        "orchestra.resources.network": "AvailabilityZone Firewall Network Rule Subnet allow",
        "orchestra.resources.storage": "Blob Bucket",
        "orchestra.state.audit": "AuditEntry AuditEvent",
    }
)
_HOMES: Final = MappingProxyType({name: home for home, names in _NAMES.items() for name in names.split()})

__all__ = [
    "ABSENT",
    "UNKNOWN",
    "Action",
    "Anchor",
    "ApplyError",
    "Audit",
    "AuditEntry",
    "AuditEvent",
    "AvailabilityZone",
    "Blob",
    "Bucket",
    "Change",
    "ChoiceError",
    "Cloud",
    "CloudError",
    "ConflictError",
    "Container",
    "ContainerImage",
    "CorruptStateError",
    "CredentialsError",
    "CycleError",
    "DefinitionError",
    "Deployment",
    "Discovered",
    "Finding",
    "Firewall",
    "FloatingIp",
    "Generated",
    "HealthCheck",
    "HttpOk",
    "Image",
    "InUseError",
    "InternalError",
    "InvalidRequestError",
    "KeyPair",
    "LeaseLostError",
    "LeftOut",
    "Lifecycle",
    "LoadBalancer",
    "LockedError",
    "MisuseError",
    "Mode",
    "Mount",
    "Network",
    "NotFoundError",
    "NotReadyError",
    "OrchestraError",
    "Output",
    "PastRun",
    "Plan",
    "PlanError",
    "PlanFileError",
    "Port",
    "PropertyChange",
    "ProtectedError",
    "QuotaError",
    "Reason",
    "Record",
    "Ref",
    "Resource",
    "Rollback",
    "Rule",
    "Run",
    "Secret",
    "Select",
    "Server",
    "Size",
    "Snapshot",
    "Stack",
    "StalePlanError",
    "StateError",
    "StateVersionError",
    "StepResult",
    "StepStatus",
    "Subnet",
    "TcpOpen",
    "ThrottledError",
    "TransientError",
    "UnsupportedError",
    "Volume",
    "VolumeAttachment",
    "Zone",
    "allow",
    "clouds",
    "discover",
    "errors",
    "events",
    "generate",
    "input_field",
    "migrate",
    "output_field",
    "parameter",
]


if not TYPE_CHECKING:  # else every name, also a mistyped one, would look as if it were there

    def __getattr__(name: str) -> Any:
        home = _HOMES.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module = importlib.import_module(f"{home}.{name}" if home == "orchestra" else home)
        found = globals()[name] = module if home == "orchestra" else getattr(module, name)
        return found


def __dir__() -> list[str]:
    return sorted(__all__)
