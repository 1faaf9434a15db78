"""Buckets and the blobs in them."""

from __future__ import annotations

from collections.abc import Mapping

from orchestra.model.fields import input_field, output_field
from orchestra.model.refs import Ref
from orchestra.model.resource import Resource
from orchestra.model.secrets import Secret
from orchestra.resources import checks


class Bucket(Resource, kind="storage.Bucket", unique_by=("name",)):
    """A container of blobs: encrypted and private unless said otherwise."""

    name: str | None = input_field(
        default=None,
        replace=True,
        identifies=True,
        check=checks.matches(
            r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", "3 to 63 lower-case letters, digits or '-', not '-' at an end"
        ),
        doc="Its name, unique in the whole cloud. Default: made from the deployment and the address.",
    )
    encrypted: bool = input_field(default=True, doc="Whether blobs are encrypted at rest unless they say otherwise.")
    public: bool = input_field(default=False, doc="Whether anyone may be given access to blobs. False blocks it.")
    versioned: bool = input_field(default=False, doc="Whether old versions of blobs are kept.")
    labels: Mapping[str, str | Ref[str]] = input_field(
        factory=dict, check=checks.labels, doc="Your own tags on it: keys and values."
    )


class Blob(Resource, kind="storage.Blob", create_before_delete=False):
    """One object in a bucket."""

    bucket: Bucket | Ref[str] | str = input_field(replace=True, identifies=True, doc="The bucket that it is in.")
    key: str = input_field(
        replace=True,
        identifies=True,
        check=checks.matches(r"[^/](.|\n){0,1023}", "1 to 1024 characters, not '/' first"),
        doc="Its name.",
    )
    content: str | Ref[str] | Secret = input_field(
        summarize=checks.content_digest, doc="Its content as text, stored as UTF-8. Plans and state keep its digest."
    )
    content_type: str = input_field(
        default="text/plain; charset=utf-8", doc="Its MIME type. Default: text/plain; charset=utf-8."
    )

    etag = output_field(str, doc="The cloud's checksum of the content.", changed_by=("content",))
