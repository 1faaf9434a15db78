"""What the error codes of clouds, and the exceptions of Libcloud, are in our tree of errors: tables only.

The codes are those of EC2, Elastic Load Balancing, Route 53 and S3 as their API references list them, of OpenStack's
services and Google's Compute Engine as they answer, and of Azure's as
https://learn.microsoft.com/en-us/azure/azure-resource-manager/troubleshooting has them; other clouds that answer in the
same style fall under the patterns.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Final, TypeAlias

from orchestra.errors import (
    CloudError,
    ConflictError,
    CredentialsError,
    InProgressError,
    InUseError,
    InvalidRequestError,
    NotFoundError,
    QuotaError,
    ThrottledError,
    TransientError,
)

ErrorClass: TypeAlias = type[CloudError]

CODES: Final = MappingProxyType(
    {
        code: cls
        for cls, codes in (
            (
                ThrottledError,
                (
                    "RequestLimitExceeded Throttling ThrottlingException Throttled RequestThrottled SlowDown "
                    "RequestThrottledException EC2ThrottledException TooManyRequests TooManyRequestsException "
                    "BandwidthLimitExceeded DependencyThrottle PriorRequestNotComplete "
                    "SnapshotCreationPerVolumeRateExceeded RateLimitExceeded UserRateLimitExceeded "
                    "ResourceOperationRateExceeded"
                ),
            ),
            (
                TransientError,
                (
                    "InternalError InternalFailure InternalServerError Unavailable ServiceUnavailable RequestTimeout "
                    "OperationAborted IncompleteBody BadDigest IncorrectState IncorrectInstanceState "
                    "IncorrectModificationState InsufficientInstanceCapacity InsufficientHostCapacity "
                    "InsufficientCapacity InsufficientAddressCapacity InsufficientVolumeCapacity ZonalShiftInProgress "
                    "Conflict RetryableError AllocationFailed ZonalAllocationFailed OverconstrainedAllocationRequest "
                    "OverconstrainedZonalAllocationRequest InternalServerError ServerTimeout GatewayTimeout "
                    "AADSTS90033 ZoneResourcePoolExhausted ZoneResourcePoolExhaustedWithDetails ResourcePoolExhausted "
                    "Stockout ConditionNotMet BackendError"
                ),
            ),
            (
                InProgressError,
                (
                    "AnotherOperationInProgress RetryableErrorDueToAnotherOperation ReferencedResourceNotProvisioned "
                    "ContainerBeingDeleted AttachDiskWhileBeingDetached NicReservedForAnotherVm ResourceNotReady"
                ),
            ),
            (
                CredentialsError,
                (
                    "AuthFailure InvalidClientTokenId InvalidAccessKeyId SignatureDoesNotMatch UnauthorizedOperation "
                    "AccessDenied AccessDeniedException OptInRequired PendingVerification Blocked ExpiredToken "
                    "ExpiredTokenException TokenRefreshRequired InvalidToken InvalidSecurity RequestExpired "
                    "RequestTimeTooSkewed MissingAuthenticationToken IncompleteSignature NotSignedUp AccountProblem "
                    "AllAccessDisabled UnrecognizedClientException InvalidUserID.NotFound NotAuthorized "
                    "AuthenticationFailed AuthorizationFailed LinkedAuthorizationFailed InvalidAuthenticationToken "
                    "InvalidAuthenticationTokenTenant InvalidAuthenticationTokenAudience ExpiredAuthenticationToken "
                    "MissingSubscriptionRegistration SubscriptionNotRegistered InvalidSignIn"
                ),
            ),
            (
                QuotaError,
                (
                    "LimitsExceeded TooManyLoadBalancers TooManyTargetGroups TooManyTargets TooManyListeners "
                    "TooManyRegistrationsForTargetId TargetGroupAssociationLimit TooManyBuckets TooManyHostedZones "
                    "TooManyTags InsufficientFreeAddressesInSubnet VolumeModificationRateExceeded "
                    "MaxSpotInstanceCountExceeded OverQuota IpAddressGenerationFailure ExternalIpAddressExhausted "
                    "ResourceQuotaExceeded PublicIPCountLimitReached SubnetIsFull IpSpaceExhausted "
                    "IpSpaceExhaustedWithDetails"
                ),
            ),
            (
                ConflictError,
                (
                    "IdempotentParameterMismatch InvalidSubnet.Conflict InvalidCidrBlock.Conflict "
                    "BucketAlreadyOwnedByYou ConflictingDomainExists PreconditionFailed ConditionalRequestConflict "
                    "DuplicateLoadBalancerName DuplicateListener Resource.AlreadyAssociated"
                ),
            ),
            (
                InUseError,
                (
                    "DependencyViolation VolumeInUse ResourceInUse Resource.InUse RouterInterfaceInUseByFloatingIP "
                    "PublicIPAddressCannotBeDeleted ResourceInUseByAnotherResource CannotDeleteResource "
                    "ClusterContainsTasksException ClusterContainsServicesException "
                    "ClusterContainsContainerInstancesException"
                ),
            ),
            (
                NotFoundError,
                (
                    "LoadBalancerNotFound AccessPointNotFound SubnetNotFound Gateway.NotAttached "
                    "InvalidAMIID.Unavailable"
                ),
            ),
            (
                InvalidRequestError,
                (
                    "RequestResourceCountExceeded OperationNotPermitted EntityTooLarge DuplicateTagKeys "
                    "InvalidChangeBatch PermanentRedirect AuthorizationHeaderMalformed CannotDelete "
                    "ExternalGatewayForFloatingIPNotFound "
                    "ResourceGroupNotFound SubscriptionNotFound SkuNotAvailable OperationNotAllowed ScopeLocked "
                    "RequestDisallowedByPolicy PropertyChangeNotAllowed"
                ),
            ),
        )
        for code in codes.split()
    }
)

CODE_PATTERNS: Final = tuple(
    (re.compile(pattern), cls)
    for pattern, cls in (
        (r".*Throttl.*", ThrottledError),
        (r".*\.NotFound|NoSuch.*|.*NotFound(Error|Exception|Fault)?", NotFoundError),
        (r".*Duplicate.*|.*AlreadyExists.*|.*Already(Associated|Owned.*)", ConflictError),
        (r"AADSTS\d+", CredentialsError),
        (r".*InUse|.*NotEmpty|.*InUse(Exception|Error)|InUse\w+CannotBe\w+|\w+InUseBy\w+", InUseError),
        (r".*Limits?Exceeded(Exception|Error)?|.*QuotaExceeded(Exception)?", QuotaError),
        (r"(Invalid|Missing|Malformed|Unsupported|Unknown).*|.*\.(Malformed|Range|Invalid)", InvalidRequestError),
    )
)

EXCEPTIONS: Final = MappingProxyType(
    {
        "RateLimitReachedError": ThrottledError,
        "InvalidCredsError": CredentialsError,
        "ForbiddenError": CredentialsError,
        "GoogleAuthError": CredentialsError,
        "ContainerDoesNotExistError": NotFoundError,
        "ObjectDoesNotExistError": NotFoundError,
        "ZoneDoesNotExistError": NotFoundError,
        "RecordDoesNotExistError": NotFoundError,
        "KeyPairDoesNotExistError": NotFoundError,
        "ResourceNotFoundError": NotFoundError,
        "ContainerAlreadyExistsError": ConflictError,
        "ZoneAlreadyExistsError": ConflictError,
        "RecordAlreadyExistsError": ConflictError,
        "ResourceExistsError": ConflictError,
        "ResourceConflictError": ConflictError,
        "IdempotentParamError": ConflictError,
        "ContainerIsNotEmptyError": InUseError,
        "ResourceInUseError": InUseError,
        "QuotaExceededError": QuotaError,
        "InvalidContainerNameError": InvalidRequestError,
        "InvalidRequestError": InvalidRequestError,
        "NotImplementedError": InvalidRequestError,
        "MalformedResponseError": TransientError,
        "ServiceUnavailableError": TransientError,
        "ObjectHashMismatchError": TransientError,
        "LibcloudLBImmutableError": InProgressError,
    }
)
"""Libcloud's exceptions by name, so that none of its modules is loaded for this."""

STATUSES: Final = MappingProxyType(
    {
        301: InvalidRequestError,
        307: InvalidRequestError,
        400: InvalidRequestError,
        401: CredentialsError,
        403: CredentialsError,
        404: NotFoundError,
        405: InvalidRequestError,
        408: TransientError,
        409: ConflictError,
        410: NotFoundError,
        412: ConflictError,
        413: InvalidRequestError,
        422: InvalidRequestError,
        429: ThrottledError,
    }
)

CODE_REMEDIES: Final = MappingProxyType(
    {
        "AuthFailure": "check the access key, its secret, this machine's clock, and that the account has the region",
        "PermanentRedirect": "use the cloud of the region that the bucket is in",
        "AuthorizationHeaderMalformed": "use the cloud of the region that the bucket is in",
        "RequestExpired": "set this machine's clock right: the cloud refuses requests that look old",
        "RequestTimeTooSkewed": "set this machine's clock right: the cloud refuses requests that look old",
        "ExpiredToken": "get a new session token: this one has run out",
        "ExpiredTokenException": "get a new session token: this one has run out",
        "UnauthorizedOperation": "let the owner of the account permit this call to these credentials",
        "AccessDenied": "let the owner of the account permit this call to these credentials",
        "OptInRequired": "subscribe the account to this service or region first",
        "OperationNotPermitted": "take away the protection that was set on it outside of orchestra, then run again",
        "VolumeModificationRateExceeded": "wait at least six hours before this volume is changed again",
        "InsufficientFreeAddressesInSubnet": "use a larger subnet, or delete something in this one",
        "ExternalGatewayForFloatingIPNotFound": "give the server's network a way out: Network(internet=True)",
        "IdempotentParameterMismatch": "run recover(): an earlier call with this token made something else",
        "ResourceGroupNotFound": "make it, with `az group create --name … --location …`, or give the name of another",
        "SubscriptionNotFound": "check subscription=…, and that the application has a role in it",
        "AuthorizationFailed": "let the owner give the application a role in the resource group, such as Contributor",
        "MissingSubscriptionRegistration": "register the provider that the message names: `az provider register "
        "--namespace …`",
        "SkuNotAvailable": "take another size, zone or region: see `az vm list-skus --location …`",
        "ScopeLocked": "take away the lock that was set on it outside of orchestra, then run again",
        "OperationNotAllowed": "do first what the message asks for, then run again",
    }
)

REMEDIES: Final[MappingProxyType[ErrorClass, str]] = MappingProxyType(
    {
        ConflictError: "choose another name or address range, or adopt what is there",
        InUseError: "take away what still uses it, then run again",
        QuotaError: "delete what is no longer needed, or ask the cloud for a higher limit",
        CredentialsError: "check the access key, its secret and what they are permitted to do",
        InvalidRequestError: "correct the input that the message names",
    }
)
