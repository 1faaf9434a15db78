"""Wrong uses of a kind of one's own."""

from __future__ import annotations

import orchestra as oc


class Queue(oc.Resource, kind="messaging.Queue"):
    """A queue."""

    name: str = oc.input_field(doc="Its name.")
    retention: int = oc.input_field(default=3600, doc="How long messages are kept, in seconds.")

    depth = oc.output_field(int, doc="How many messages there are.")


Queue()  # expect: call-arg
Queue(name=3)  # expect: arg-type
Queue(name="mail", retention="long")  # expect: arg-type
Queue(name="mail", size=3)  # expect: call-arg
Queue(name="mail", depth=3)  # expect: call-arg
Queue(name="mail").depth.map(str.upper)  # expect: arg-type
oc.input_field("name")  # expect: call-arg
oc.Network(cidr=Queue(name="mail").depth)  # expect: arg-type
