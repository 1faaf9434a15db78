"""Buckets and blobs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from libcloud.storage.base import Container, Object

from orchestra.clouds.families.simulated.calls.shared import SimulatedCalls, relabel, tags_of
from orchestra.clouds.families.simulated.storage import SimulatedStorageDriver
from orchestra.contracts import FoundBy, Inputs, Observation, Ownership, Update
from orchestra.resources.storage import Blob, Bucket


class BucketCalls(SimulatedCalls[SimulatedStorageDriver, Container]):
    """A bucket; its id is its name."""

    kind = "storage.Bucket"
    resource = Bucket

    def create(self, driver: SimulatedStorageDriver, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`."""
        bucket = driver.create_container(
            inputs.optional_text("name") or owner.name(),
            ex_encrypted=inputs.flag("encrypted"),
            ex_public=inputs.flag("public"),
            ex_versioned=inputs.flag("versioned"),
            ex_tags=tags_of(inputs, owner),
            ex_token=owner.token,
        )
        return self.tell(bucket)

    def listed(
        self, driver: SimulatedStorageDriver, ids: Sequence[str] | None = None, token: str | None = None
    ) -> Iterable[Container]:
        """See `SimulatedCalls.listed`."""
        return driver.iterate_containers(ids, token)

    def one(self, driver: SimulatedStorageDriver, external_id: str) -> Container:
        """See `SimulatedCalls.one`."""
        return driver.get_container(external_id)

    def tell(self, one: Container) -> Observation:
        """See `SimulatedCalls.tell`."""
        inputs = {
            "name": one.name,
            "encrypted": one.extra["encrypted"],
            "public": one.extra["public"],
            "versioned": one.extra["versioned"],
        }
        return self.observation(one.name, inputs, tags=one.extra["tags"])

    def update(self, driver: SimulatedStorageDriver, external_id: str, update: Update) -> Observation:
        """See `Calls.update`."""
        changed, after = update.changed, update.after
        if changed & {"encrypted", "public", "versioned"}:
            bucket = driver.ex_modify_container(
                external_id,
                encrypted=after.flag("encrypted"),
                public=after.flag("public"),
                versioned=after.flag("versioned"),
            )
        else:
            bucket = driver.get_container(external_id)
        bucket.extra["tags"] = relabel(driver, bucket.extra["id"], bucket.extra["tags"], update)
        return self.tell(bucket)

    def delete(self, driver: SimulatedStorageDriver, external_id: str) -> None:
        """See `Calls.delete`."""
        driver.delete_container(Container(external_id, {}, driver))


class BlobCalls(SimulatedCalls[SimulatedStorageDriver, Object]):
    """An object in a bucket: its id is ``bucket/key``, which is its natural key as well."""

    kind = "storage.Blob"
    resource = Blob
    found_by = FoundBy.NATURAL_KEY
    found_key = "bucket and key, with the token in its metadata"

    def create(self, driver: SimulatedStorageDriver, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`."""
        return self.tell(_put(driver, inputs, owner.tags()))

    def listed(
        self, driver: SimulatedStorageDriver, ids: Sequence[str] | None = None, token: str | None = None
    ) -> Iterator[Object]:
        """See `SimulatedCalls.listed`: bucket by bucket."""
        wanted: dict[str, list[str]] | None = None
        if ids is not None:
            wanted = {}
            for external_id in ids:
                bucket, _, key = external_id.partition("/")
                wanted.setdefault(bucket, []).append(key)
        for container in driver.iterate_containers(None if wanted is None else list(wanted)):
            names = None if wanted is None else wanted[container.name]
            yield from driver.iterate_container_objects(container, ex_names=names)

    def one(self, driver: SimulatedStorageDriver, external_id: str) -> Object:
        """See `SimulatedCalls.one`."""
        bucket, _, key = external_id.partition("/")
        return driver.get_object(bucket, key)

    def tell(self, one: Object) -> Observation:
        """See `SimulatedCalls.tell`."""
        inputs = {
            "bucket": one.container.name,
            "key": one.name,
            "content": f"{one.size} bytes, md5 {one.hash}",
            "content_type": one.extra["content_type"],
        }
        return self.observation(
            f"{one.container.name}/{one.name}", inputs, {"etag": one.extra["etag"]}, tags=one.meta_data
        )

    def search(self, driver: SimulatedStorageDriver, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `Calls.search`."""
        return self.look_up(driver, f"{inputs.text('bucket')}/{inputs.text('key')}")

    def update(self, driver: SimulatedStorageDriver, external_id: str, update: Update) -> Observation:
        """See `Calls.update`: a new content is put over the old one, with the same metadata."""
        bucket, _, key = external_id.partition("/")
        if "content" in update.changed:
            kept = driver.get_object(bucket, key).meta_data
            return self.tell(_put(driver, update.after, kept))
        return self.tell(driver.ex_change_object(bucket, key, update.after.text("content_type")))

    def delete(self, driver: SimulatedStorageDriver, external_id: str) -> None:
        """See `Calls.delete`."""
        bucket, _, key = external_id.partition("/")
        # Libcloud's call takes an object of which only the names matter here
        driver.delete_object(Object(key, 0, "", {}, {}, Container(bucket, {}, driver), driver))


def _put(driver: SimulatedStorageDriver, inputs: Inputs, metadata: dict[str, str]) -> Object:
    return driver.upload_object_via_stream(
        iter([inputs.text("content").encode()]),
        Container(inputs.text("bucket"), {}, driver),
        inputs.text("key"),
        extra={"content_type": inputs.text("content_type"), "meta_data": metadata},
    )
