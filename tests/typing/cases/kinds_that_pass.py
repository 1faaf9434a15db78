"""A kind of one's own, declared as the catalogue declares its kinds."""

from __future__ import annotations

from collections.abc import Sequence

from typing_extensions import assert_type

import orchestra as oc


class Queue(oc.Resource, kind="messaging.Queue", unique_by=("name",)):
    """A queue."""

    name: str | oc.Ref[str] = oc.input_field(replace=True, doc="Its name.")
    readers: Sequence[oc.Server | oc.Ref[str]] = oc.input_field(default=(), doc="What may read it.")
    retention: int = oc.input_field(default=3600, doc="How long messages are kept, in seconds.")

    url = oc.output_field(str, doc="Where to send messages.")
    depth = oc.output_field(int, doc="How many messages there are.")


class Mail(oc.Stack):
    """A queue and a bucket."""

    def build(self) -> None:
        self.queue = Queue(name="mail", retention=60)
        self.later = Queue(name=self.queue.url.map(lambda url: url.rpartition("/")[2]), depends_on=[self.queue])


mail = Mail()
assert_type(mail.queue.url, oc.Ref[str])
assert_type(mail.queue.depth, oc.Ref[int])
assert_type(mail.queue.id, oc.Ref[str])
assert_type(mail.queue.retention, int)
