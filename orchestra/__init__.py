"""Embeddable cloud orchestration: stacks as Python classes, planned and applied through Apache Libcloud.

``import orchestra as oc``, subclass `Stack`, give it to a `Deployment`, ``plan()`` and ``apply()``. Names are
loaded when they are first used, so that importing the package is quick, starts nothing and opens nothing.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from orchestra.lazily import lazily

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
        InProgressError,
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
        CustomImage,
        FloatingIp,
        Image,
        KeyPair,
        Server,
        Size,
        Snapshot,
        Volume,
        VolumeAttachment,
    )
    from orchestra.resources.containers import Cluster, Container, ContainerImage, Mount, Port
    from orchestra.resources.dns import Record, Zone
    from orchestra.resources.network import AvailabilityZone, Firewall, Network, Rule, Subnet, allow
    from orchestra.resources.storage import Blob, Bucket
    from orchestra.state.audit import AuditEntry, AuditEvent

_MODULES: Final = MappingProxyType(
    {
        "": "clouds errors events migrate",
        "adoption.discovering": "Discovered discover",
        "adoption.drafting": "LeftOut",
        "adoption.generating": "Generated generate",
        "adoption.selecting": "Select",
        "clouds.cloud": "Cloud",
        "deployment": "Deployment",
        "diff": "PropertyChange",
        "engine.auditing": "Anchor Audit PastRun",
        "engine.run": "Rollback Run StepResult StepStatus",
        "errors": "ApplyError ChoiceError CloudError ConflictError CorruptStateError CredentialsError "
        "CycleError DefinitionError InProgressError InUseError InternalError InvalidRequestError LeaseLostError "
        "LockedError MisuseError NotFoundError NotReadyError OrchestraError PlanError PlanFileError ProtectedError "
        "QuotaError StalePlanError StateError StateVersionError ThrottledError TransientError UnsupportedError",
        "model.fields": "input_field output_field",
        "model.lifecycle": "Lifecycle",
        "model.parameters": "parameter",
        "model.readiness": "HttpOk TcpOpen",
        "model.refs": "Output Ref",
        "model.resource": "Resource",
        "model.secrets": "Secret",
        "model.stack": "Stack",
        "model.values": "ABSENT UNKNOWN",
        "planning.change": "Change Finding",
        "planning.decide": "Action Mode Reason",
        "planning.plan": "Plan",
        "resources.balancing": "HealthCheck LoadBalancer",
        "resources.compute": "CustomImage FloatingIp Image KeyPair Server Size Snapshot Volume VolumeAttachment",
        "resources.containers": "Cluster Container ContainerImage Mount Port",
        "resources.dns": "Record Zone",
        "resources.network": "AvailabilityZone Firewall Network Rule Subnet allow",
        "resources.storage": "Blob Bucket",
        "state.audit": "AuditEntry AuditEvent",
    }
)

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
    "Cluster",
    "ConflictError",
    "Container",
    "ContainerImage",
    "CorruptStateError",
    "CredentialsError",
    "CustomImage",
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
    "InProgressError",
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


if not TYPE_CHECKING:
    __getattr__ = lazily(__name__, _MODULES)


def __dir__() -> list[str]:
    return sorted(__all__)
