"""The server's own process: ``python -m tests.moto_server [--port-file FILE] [--port PORT]``.

It prints its address when it is ready, and ends when its standard input is closed: whoever started it is gone.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import threading
from pathlib import Path

from tests.moto_server.images import catalogue
from tests.moto_server.messages import ACCESS_KEY, SECRET_KEY


def main() -> None:
    """Serve until standard input ends."""
    arguments = argparse.ArgumentParser(prog="moto_server")
    arguments.add_argument("--port", type=int, default=0)
    arguments.add_argument("--port-file", type=Path)
    arguments.add_argument("--keys", default=f"{ACCESS_KEY}:{SECRET_KEY}", help="access:secret, several with commas")
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        images = Path(folder, "images.json")
        images.write_text(json.dumps(catalogue()))
        os.environ["MOTO_AMIS_PATH"] = str(images)
        os.environ["MOTO_ENABLE_AMI_VALIDATION"] = "1"
        os.environ["MOTO_ENABLE_KEYPAIR_VALIDATION"] = "1"
        os.environ["MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION"] = "1"
        from tests.moto_server.serving import Server  # moto reads its settings when it is imported
        from tests.moto_server.shim import Shim

        serving = Server(Shim(dict(pair.split(":", 1) for pair in asked.keys.split(","))), asked.port)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # branches that have ended leave nothing behind
    threading.Thread(target=serving.serve_forever, daemon=True).start()
    if asked.port_file:
        fresh = asked.port_file.with_suffix(".new")
        fresh.write_text(str(serving.port))
        fresh.rename(asked.port_file)
    print(f"http://127.0.0.1:{serving.port}", flush=True)
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
