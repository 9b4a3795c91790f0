"""A web app of the standard library alone, whose behaviour a file decides.

GET /            the release's name          GET /env/KEY      a variable, byte for byte
GET /instance    this instance's id          GET /slow/0.5     the name, half a second later
GET /metrics     what it is to expose, until there is a file /tmp/silent
POST /           what was sent
"""

import http.server
import json
import os
import pathlib
import sys
import threading
import time

BEHAVIOUR = json.loads(pathlib.Path(__file__).with_name("behaviour.json").read_text())


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body in one packet: two of them wait 40 ms for each other.
    wbufsize = -1

    def do_GET(self):
        if self.path.startswith("/slow/"):
            time.sleep(float(self.path.removeprefix("/slow/")))
        if self.path == "/instance":
            self.answer(os.environb[b"SLIPWAY_INSTANCE"])
        elif self.path.startswith("/env/"):
            self.answer(os.environb.get(self.path.removeprefix("/env/").encode(), b"(unset)"))
        elif self.path == "/metrics" and pathlib.Path("/tmp/silent").exists():
            self.send_error(404)
        elif self.path == "/metrics":
            self.answer(BEHAVIOUR.get("metrics", "").encode())
        else:
            self.answer(BEHAVIOUR["name"].encode())

    def do_POST(self):
        self.answer(self.rfile.read(int(self.headers["content-length"])))

    def answer(self, body):
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 256
    daemon_threads = True


def main():
    print(f"{BEHAVIOUR['name']} boots", flush=True)
    time.sleep(BEHAVIOUR.get("boot_s", 0))
    if BEHAVIOUR.get("crash"):
        sys.exit("the settings are missing: DATABASE_URL")
    port = BEHAVIOUR.get("port") or int(os.environ["PORT"])
    server = Server((BEHAVIOUR.get("host", "0.0.0.0"), port), Handler)
    print(f"{BEHAVIOUR['name']} listens", flush=True)
    if "dies_after_s" in BEHAVIOUR:
        threading.Timer(BEHAVIOUR["dies_after_s"], os._exit, [9]).start()
    server.serve_forever()


main()
