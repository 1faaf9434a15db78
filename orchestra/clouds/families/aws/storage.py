"""Buckets and blobs on S3."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from xml.etree.ElementTree import Element

from orchestra.clouds.base.finishing import unless_unfinished
from orchestra.clouds.families.aws import query
from orchestra.clouds.families.aws.connecting import Drivers
from orchestra.clouds.families.aws.described import tolerating
from orchestra.clouds.families.aws.finishing import just_made
from orchestra.clouds.families.aws.rest import element, s3, s3_document, texts
from orchestra.clouds.families.aws.tags import labels_in, labels_of, tags_of
from orchestra.clouds.provider import Calls
from orchestra.clouds.translate import translate
from orchestra.contracts import FoundBy, Inputs, Observation, Ownership, Update
from orchestra.errors import ConflictError, CredentialsError, InUseError, NotFoundError
from orchestra.resources.storage import Bucket

_FIRST_REGION: Final = "us-east-1"
"""Takes no location, and answers a second creation of one's own bucket as if it had made it."""

_BLOCKS: Final = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
_ABSENT: Final = (
    "NoSuchTagSet",
    "NoSuchPublicAccessBlockConfiguration",
    "ServerSideEncryptionConfigurationNotFoundError",
)
"""What S3 answers where a bucket is there and the setting asked for isn't."""

_PLAIN: Final = {"orchestra:encryption": "provider-default"}.items()
"""The tag of a bucket that was asked for without encryption of its own."""


class BucketCalls(Calls[Drivers]):
    """A bucket. Its settings take four calls to read.

    ``encrypted`` configures AES256 (SSE-S3). AWS has encrypted every new object since January 2023, whatever is
    asked: ``encrypted=False`` takes the bucket's own configuration away, AWS's default stays, and a tag remembers
    that this is what was wanted.
    """

    kind = "storage.Bucket"
    found_by = FoundBy.TAG
    found_key = "orchestra:token on the bucket of its name"
    page = 10  # few, so that many are read side by side

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: the bucket with its tags in one request, then its settings."""
        name = _bucket_name(inputs, owner)
        tags = {**tags_of(owner, inputs), **_encryption_tag(inputs)}
        if driver.region != _FIRST_REGION or not self._is_there(driver, owner, inputs):
            try:
                _create(driver, name, tags)
            except Exception as error:
                if translate(error).code != "BucketAlreadyOwnedByYou" or not self.search(driver, owner, inputs):
                    raise
        with just_made(f"bucket {name}"):
            _block(driver, name, inputs)
            if inputs.flag("encrypted"):
                _encrypt(driver, name, inputs)
            if inputs.flag("versioned"):
                _keep_versions(driver, name, inputs)
            return self.look_up(driver, name)

    def read(self, driver: Drivers, ids: Sequence[str]) -> Iterator[Observation]:
        """See `Calls.read`."""
        for external_id in ids:
            with tolerating(NotFoundError):
                yield self.look_up(driver, external_id)

    def look_up(self, driver: Drivers, external_id: str) -> Observation:
        """See `Calls.look_up`."""
        tags = _tags(driver, external_id)
        algorithm = _setting(
            driver,
            external_id,
            "encryption",
            "ServerSideEncryptionConfiguration",
            "Rule/ApplyServerSideEncryptionByDefault/SSEAlgorithm",
        )
        is_default = "".join(algorithm) == "AES256" and tags.items() >= _PLAIN
        return Observation(
            external_id=external_id,
            inputs={
                "name": external_id,
                "encrypted": bool(algorithm) and not is_default,
                "public": _blocks(driver, external_id) != ["true"] * len(_BLOCKS),
                "versioned": _setting(driver, external_id, "versioning", "VersioningConfiguration", "Status")
                == ["Enabled"],
                "labels": labels_of(tags),
            },
            ownership=Ownership.from_tags(tags),
        )

    def search(self, driver: Drivers, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `Calls.search`: by name, if its tags have the token. What a crash left half-way is pending."""
        found = self.look_up(driver, _bucket_name(inputs, owner))
        if not found.ownership or found.ownership.token != owner.token:
            return None
        return unless_unfinished(found, Bucket.kind, inputs, ("encrypted", "public", "versioned"))

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`."""
        if update.changed & {"labels", "encrypted"}:
            kept = {
                key: value
                for key, value in _tags(driver, external_id).items()
                if key not in labels_of({key: value}) and (key, value) not in _PLAIN
            }
            _tag(driver, external_id, {**kept, **labels_in(update.after), **_encryption_tag(update.after)})
        for name, apply in (("encrypted", _encrypt), ("public", _block), ("versioned", _keep_versions)):
            if name in update.changed:
                apply(driver, external_id, update.after)
        return self.look_up(driver, external_id)

    def delete(self, driver: Drivers, external_id: str) -> None:
        """See `Calls.delete`.

        S3 keeps a bucket that holds anything, old versions of deleted blobs included: those are purged if no blob
        is left beside them. A blob that is there refuses it.
        """
        try:
            s3(driver.s3, "DELETE", external_id)
        except Exception as error:
            if not isinstance(translate(error), InUseError) or not _purge(driver, external_id):
                raise
            s3(driver.s3, "DELETE", external_id)

    def everything(self, driver: Drivers) -> Iterator[Observation]:
        """See `Calls.everything`: those in the cloud's region."""
        for name in buckets(driver):
            with tolerating(NotFoundError):
                yield self.look_up(driver, name)

    def _is_there(self, drivers: Drivers, owner: Ownership, inputs: Inputs) -> bool:
        """Whether the bucket was made under this token before; raises `ConflictError` if it belongs to another."""
        try:
            found = self.search(drivers, owner, inputs)
        except Exception as error:
            if isinstance(translate(error), (NotFoundError, CredentialsError)):
                return False  # creating one that is another account's is refused, and says so
            raise
        if found is None:
            raise ConflictError(
                f"bucket {_bucket_name(inputs, owner)} is there already, and not from here",
                remedy="choose another name, or adopt it",
            )
        return True


def buckets(drivers: Drivers) -> Iterator[str]:
    """The names of all buckets in the region, all pages."""
    token = ""
    while True:
        page = {"bucket-region": drivers.region, "max-buckets": "1000"}
        if token:
            page["continuation-token"] = token
        answer = s3_document(s3(drivers.s3, "GET", "", query=page), "ListAllMyBucketsResult")
        yield from (query.text(item, "Name") for item in query.child(answer, "Buckets").findall("Bucket"))
        before, token = token, query.text(answer, "ContinuationToken")
        if not token:
            return
        query.refuse_same_page("ListBuckets", before, token)


def _bucket_name(inputs: Inputs, owner: Ownership) -> str:
    return inputs.optional_text("name") or owner.name()


def _encryption_tag(inputs: Inputs) -> dict[str, str]:
    return {} if inputs.flag("encrypted") else dict(_PLAIN)


def _create(drivers: Drivers, name: str, tags: Mapping[str, str]) -> None:
    body = element("CreateBucketConfiguration")
    if drivers.region != _FIRST_REGION:
        body.append(element("LocationConstraint", text=drivers.region))
    body.append(_tag_elements("Tags", tags))
    s3(drivers.s3, "PUT", name, body=body)


def _tag_elements(name: str, tags: Mapping[str, str]) -> Element:
    return element(name, *(texts("Tag", Key=key, Value=value) for key, value in tags.items()))


def _tag(drivers: Drivers, name: str, tags: Mapping[str, str]) -> None:
    s3(drivers.s3, "PUT", name, query={"tagging": ""}, body=element("Tagging", _tag_elements("TagSet", tags)))


def _tags(drivers: Drivers, name: str) -> dict[str, str]:
    """The tags of a bucket; raises if it isn't there."""
    document = _document(drivers, name, "tagging", "Tagging")
    if document is None:
        return {}
    return {query.text(tag, "Key"): query.text(tag, "Value") for tag in document.findall("TagSet/Tag")}


def _document(drivers: Drivers, name: str, setting: str, root: str) -> Element | None:
    """The document of a setting; None where the bucket has none."""
    try:
        return s3_document(s3(drivers.s3, "GET", name, query={setting: ""}), root)
    except Exception as error:
        if translate(error).code in _ABSENT:
            return None
        raise


def _setting(drivers: Drivers, name: str, setting: str, root: str, path: str) -> list[str]:
    """The texts at ``path`` in the document of a setting; none where the bucket has no such setting."""
    document = _document(drivers, name, setting, root)
    return [found.text or "" for found in document.findall(path)] if document is not None else []


def _blocks(drivers: Drivers, name: str) -> list[str]:
    document = _document(drivers, name, "publicAccessBlock", "PublicAccessBlockConfiguration")
    return [query.text(document, block) for block in _BLOCKS] if document is not None else []


def _block(drivers: Drivers, name: str, inputs: Inputs) -> None:
    """Block public access, or let it be given."""
    setting = {"publicAccessBlock": ""}
    if inputs.flag("public"):
        s3(drivers.s3, "DELETE", name, query=setting)
    else:
        body = texts("PublicAccessBlockConfiguration", **dict.fromkeys(_BLOCKS, "true"))
        s3(drivers.s3, "PUT", name, query=setting, body=body)


def _encrypt(drivers: Drivers, name: str, inputs: Inputs) -> None:
    setting = {"encryption": ""}
    if inputs.flag("encrypted"):
        default = element("Rule", texts("ApplyServerSideEncryptionByDefault", SSEAlgorithm="AES256"))
        s3(drivers.s3, "PUT", name, query=setting, body=element("ServerSideEncryptionConfiguration", default))
    else:
        s3(drivers.s3, "DELETE", name, query=setting)


def _keep_versions(drivers: Drivers, name: str, inputs: Inputs) -> None:
    body = texts("VersioningConfiguration", Status="Enabled" if inputs.flag("versioned") else "Suspended")
    s3(drivers.s3, "PUT", name, query={"versioning": ""}, body=body)


def _purge(drivers: Drivers, name: str) -> bool:
    """Delete the old versions in a bucket of which every blob was deleted; False if one is still there."""
    doomed = list(_versions(drivers, name))
    if any(item.tag == "Version" and query.text(item, "IsLatest") == "true" for item in doomed):
        return False
    for item in doomed:
        version = {"versionId": query.text(item, "VersionId")}
        s3(drivers.s3, "DELETE", name, query.text(item, "Key"), query=version)
    return bool(doomed)


def _versions(drivers: Drivers, name: str) -> Iterator[Element]:
    """Every version and every mark of a deletion, all pages."""
    start: Mapping[str, str] = {}
    while True:
        answer = s3_document(
            s3(drivers.s3, "GET", name, query={"versions": "", "max-keys": "1000", **start}), "ListVersionsResult"
        )
        yield from (item for item in answer if item.tag in ("Version", "DeleteMarker"))
        if query.text(answer, "IsTruncated") != "true":
            return
        before = start
        start = {
            "key-marker": query.text(answer, "NextKeyMarker"),
            "version-id-marker": query.text(answer, "NextVersionIdMarker"),
        }
        query.refuse_same_page("ListObjectVersions", str(before), str(start))
