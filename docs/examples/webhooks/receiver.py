"""A receiver of webhooks: checks the signature, drops repetitions, and answers at once.

pip install standardwebhooks
TINGQING_WEBHOOK_SECRET=whsec_… python receiver.py 9000
"""

import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook, WebhookVerificationError

webhook = Webhook(os.environ["TINGQING_WEBHOOK_SECRET"])
seen: set[str] = set()  # in a database, for a day and more: the same id may come again


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        try:
            event = webhook.verify(body, dict(self.headers))
        except WebhookVerificationError:
            return self.answer(401)
        if self.headers["webhook-id"] not in seen:
            seen.add(self.headers["webhook-id"])
            self.handle_event(event)
        return self.answer(204)

    def handle_event(self, event: dict) -> None:  # type: ignore[type-arg]
        if event["type"] == "assessment.rejected":
            sentence = next((prompt["zh"] for prompt in event["data"]["prompts"] if "zh" in prompt), "请重新录一次。")
            print(f"SMS for {event['data'].get('reference')}: {sentence}", flush=True)
        else:
            print(event["type"], event["data"].get("id") or event["data"].get("session_id"), flush=True)

    def answer(self, status: int) -> None:
        self.send_response(status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver)
print(f"listening on {server.server_address[1]}", flush=True)
server.serve_forever()
