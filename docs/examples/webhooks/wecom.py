"""A receiver of webhooks for a group in WeCom (企业微信): its robot says which recording must be made again.

pip install standardwebhooks
export TINGQING_WEBHOOK_SECRET=whsec_… WECOM_ROBOT_URL='https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=…'
python wecom.py 9000

The address of the robot holds its key: whoever has it can write to the group. It is printed nowhere.
"""

import json
import os
import sys
import threading
import time
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.request import Request, urlopen

from standardwebhooks import Webhook, WebhookVerificationError

PER_MINUTE = 20  # more than that the robot refuses, for a minute and longer (errcode 45009)
WITHIN_S = 5.0  # twice this is less than the 15 s for which the server waits
MOST_BYTES = 2048  # of a text, in UTF-8
VERDICTS = {"re-record": "需要重录", "unusable": "无法使用，需要重录"}

webhook = Webhook(os.environ["TINGQING_WEBHOOK_SECRET"])
robot_url = os.environ["WECOM_ROBOT_URL"]
seen: set[str] = set()  # in a database, for a day and more: the same id may come again
sent: deque[float] = deque(maxlen=PER_MINUTE)  # when, by a clock that only rises
turn = threading.Lock()  # one message at a time, so that none is sent twice and all are counted


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        try:
            event = webhook.verify(body, dict(self.headers))
        except WebhookVerificationError:
            return self.answer(401)
        if event["type"] != "assessment.rejected":
            return self.answer(204)
        if not turn.acquire(timeout=WITHIN_S):
            return self.answer(503, retry_after_s=5)
        try:
            return self.answer(*told(self.headers["webhook-id"], text_of(event["data"])))
        finally:
            turn.release()

    def answer(self, status: int, retry_after_s: int = 0) -> None:
        self.send_response(status)
        if retry_after_s:
            self.send_header("Retry-After", str(retry_after_s))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def told(webhook_id: str, text: str) -> tuple[int, int]:
    """The status to answer with, and when to send again: only what the robot took is not sent again."""
    if webhook_id in seen:
        return 204, 0
    now = time.monotonic()
    if len(sent) == PER_MINUTE and now - sent[0] < 60:
        return 503, int(60 - (now - sent[0])) + 1
    sent.append(now)
    fault = fault_of(text)
    print(fault or "told", flush=True)
    if fault:
        return 502, 0
    seen.add(webhook_id)
    return 204, 0


def fault_of(text: str) -> str:
    """Says ``text`` in the group; empty if it is there."""
    body = json.dumps({"msgtype": "text", "text": {"content": text}}, ensure_ascii=False).encode()
    try:
        with urlopen(Request(robot_url, body, {"Content-Type": "application/json"}), timeout=WITHIN_S) as answer:
            errcode = json.loads(answer.read(10_000))["errcode"]
    except (OSError, ValueError, LookupError, TypeError) as error:
        return f"no answer: {type(error).__name__}"  # what an error says may hold the address
    return "" if errcode == 0 else f"errcode {errcode}"


def text_of(data: dict) -> str:  # type: ignore[type-arg]
    """Plain text, not Markdown: a reference that holds a link or ``<@name>`` must not become one. Of the patient it
    says the reference alone; for a server whose references are names, leave it out too."""
    lines = [
        f"【听清】录音{VERDICTS.get(data['verdict'], '需要重录')}",
        f"编号：{data.get('reference') or data['id']}",
    ]
    sentences = [prompt["zh"] for prompt in data["prompts"] if "zh" in prompt]
    if sentences:
        lines.append(f"请告诉患者：{''.join(sentences)}")
    return "\n".join(lines).encode()[:MOST_BYTES].decode(errors="ignore")


server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver)
print(f"listening on {server.server_address[1]}", flush=True)
server.serve_forever()
