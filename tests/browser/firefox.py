"""A headless Firefox of the system, spoken to by WebDriver BiDi: Playwright's own Firefox is not Debian's, and cannot
drive it."""

import json
import queue
import re
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from websockets.sync.client import ClientConnection, connect

from tests.browser.asserting import ELEMENT, WITHIN_S

UP_WITHIN_S = 180.0
ANSWER_WITHIN_S = 60.0
STOP_WITHIN_S = 20.0

PREFERENCES: dict[str, bool | int | str] = {
    # Nobody is there to be asked.
    "media.navigator.permission.disabled": True,
    "intl.accept_languages": "en-GB",
    # Nothing asks the world outside for anything.
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "browser.region.update.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,",
}

WHERE = """(() => {
  const root = document.querySelector(%s)?.shadowRoot ?? document;
  const box = root.querySelector(%s)?.getBoundingClientRect();
  return box && box.width > 0 ? [box.x + box.width / 2, box.y + box.height / 2] : null;
})()"""


class Firefox:
    """One window with one tab, of the process behind ``socket``. ``complaints``: errors and warnings of its pages, and
    requests that were refused or failed, in the order in which they came. ``expected``: how those may begin that a
    test provokes."""

    def __init__(self, socket: ClientConnection) -> None:
        self.complaints: list[str] = []
        self.expected: list[str] = []
        self._socket = socket
        self._asked = 0
        self._ask("session.new", capabilities={})
        self._ask("session.subscribe", events=["log.entryAdded", "network.responseCompleted", "network.fetchError"])
        self._tab = self._ask("browsingContext.getTree")["contexts"][0]["context"]

    def open(self, url: str) -> None:
        """Returns once the page has loaded."""
        self._ask("browsingContext.navigate", context=self._tab, url=url, wait="complete")

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression, or of the promise that it is, as JSON has it."""
        wrapped = f"Promise.resolve({expression}).then((value) => JSON.stringify(value ?? null))"
        target = {"context": self._tab}
        said = self._ask("script.evaluate", expression=wrapped, target=target, awaitPromise=True)
        assert said["type"] == "success", said
        return json.loads(said["result"]["value"])

    def until(self, expression: str, *, within_s: float = WITHIN_S) -> Any:
        """The value of ``expression`` once it is true of it."""
        deadline = time.monotonic() + within_s
        while not (value := self.evaluate(expression)):
            assert time.monotonic() < deadline, f"{expression}: {value}"
            self.evaluate("new Promise((done) => setTimeout(done, 100))")
        return value

    def attribute(self, name: str, value: str, *, within_s: float = WITHIN_S) -> None:
        """The element of the page carries this attribute by then."""
        self.until(f"document.querySelector({json.dumps(ELEMENT)}).getAttribute({json.dumps(name)}) === "
                   f"{json.dumps(value)}", within_s=within_s)  # fmt: skip

    def click(self, selector: str) -> None:
        """As a person does it: Firefox lets a page play and listen once somebody has clicked into it."""
        x, y = self.until(WHERE % (json.dumps(ELEMENT), json.dumps(selector)))
        press = [{"type": "pointerMove", "x": round(x), "y": round(y)}]
        press += [{"type": kind, "button": 0} for kind in ("pointerDown", "pointerUp")]
        mouse = {"type": "pointer", "id": "mouse", "actions": press}
        self._ask("input.performActions", context=self._tab, actions=[mouse])

    def _ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._asked += 1
        self._socket.send(json.dumps({"id": self._asked, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv(timeout=ANSWER_WITHIN_S))
            if message.get("id") == self._asked:
                assert message["type"] == "success", f"{method}: {message['error']}: {message['message']}"
                result: dict[str, Any] = message["result"]
                return result
            if message["type"] == "event":
                self._heard(message["method"], message["params"])

    def _heard(self, method: str, told: Mapping[str, Any]) -> None:
        if method == "log.entryAdded" and told["level"] in ("error", "warn"):
            self.complaints.append(str(told["text"]))
        elif method == "network.responseCompleted" and told["response"]["status"] >= 400:
            self.complaints.append(f"{told['response']['status']} {told['request']['url']}")
        elif method == "network.fetchError":
            self.complaints.append(f"{told['errorText']} {told['request']['url']}")


@contextmanager
def running(program: str, profile: Path, environment: Mapping[str, str]) -> Iterator[Firefox]:
    """``program`` with the empty folder ``profile``, in that environment. Raises queue.Empty if it does not start."""
    lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in PREFERENCES.items())
    (profile / "user.js").write_text("\n".join(lines), encoding="utf-8")
    command = [program, "--headless", "--no-remote", "--profile", str(profile), "--remote-debugging-port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment, text=True)
    assert process.stderr is not None
    address: queue.Queue[str] = queue.Queue()
    # It is read to its end, so that Firefox never waits for a full pipe.
    reader = threading.Thread(target=_read, args=(process.stderr, address))
    reader.start()
    try:
        found = address.get(timeout=UP_WITHIN_S)
        with connect(f"{found}/session", max_size=None, compression=None, proxy=None) as socket:
            yield Firefox(socket)
    finally:
        process.terminate()
        try:
            process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        reader.join()


def _read(errors: IO[str], address: "queue.Queue[str]") -> None:
    """The process says where it listens, in one of its first lines."""
    with errors:
        for line in errors:
            if found := re.search(r"WebDriver BiDi listening on (ws://\S+)", line):
                address.put(found[1])
