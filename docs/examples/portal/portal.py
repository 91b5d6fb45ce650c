"""A backend of a few lines: a page of one's own with Tingqing in it. The key stays here, the page gets a token.

TINGQING_KEY=tq_… python portal.py https://tingqing.lan:8443/ 8444 portal.crt portal.key
"""

import json
import os
import ssl
import sys
import urllib.error
import urllib.request
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SERVER, PORT, CERT, CERT_KEY = sys.argv[1:]
SERVER = SERVER.rstrip("/") + "/"
KEY = os.environ["TINGQING_KEY"]


class Portal(SimpleHTTPRequestHandler):
    """The folder ``page``, and ``POST /visit``: put your own sign-in before it, for whoever asks gets a session."""

    def do_POST(self) -> None:
        """A session for this visitor."""
        asked = json.dumps({"reference": "visit 4711"}).encode()  # yours; comes back with the result
        request = urllib.request.Request(f"{SERVER}v1/sessions", asked, {"Authorization": f"Bearer {KEY}"})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # SSL_CERT_FILE names an authority of your own
                self._answer(200, {"server": SERVER, "token": json.load(answer)["publish_token"]})
        except urllib.error.HTTPError as refused:  # 503: busy; Retry-After says when it is worth asking again
            self._answer(refused.code, {}, refused.headers.get("Retry-After"))
        except OSError:
            self._answer(502, {})  # not reached, or its certificate is not trusted

    def _answer(self, status: int, body: dict[str, str], retry_after: str | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Cache-Control", "no-store")
        if retry_after is not None:
            self.send_header("Retry-After", retry_after)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())


page = Path(__file__).with_name("page")
portal = ThreadingHTTPServer(("127.0.0.1", int(PORT)), partial(Portal, directory=str(page)))
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(CERT, CERT_KEY)
# The handshake is left to the thread of each connection: a browser opens some before it needs them.
portal.socket = tls.wrap_socket(portal.socket, server_side=True, do_handshake_on_connect=False)
print(f"https://localhost:{portal.server_port}/", flush=True)
portal.serve_forever()
