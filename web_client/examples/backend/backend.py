"""A backend of a few lines: pages of one's own with Tingqing in them. The key stays here, a page gets a token.

TINGQING_SERVER=https://localhost:8443/ TINGQING_KEY=tq_… DOCTOR_PASSWORD=… uvicorn backend:app --port 8444 \\
    --ssl-certfile …
"""

import base64
import json
import os
import secrets
import urllib.error
import urllib.request
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import FastAPI, Request, Response
from fastapi import Path as InPath
from fastapi.responses import JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.middleware.base import RequestResponseEndpoint

SERVER = os.environ["TINGQING_SERVER"].rstrip("/") + "/"
_AT = urlsplit(SERVER)
ORIGIN = f"{_AT.scheme}://{_AT.netloc}"  # for the headers, which take no path such as /tingqing/
SOCKETS = "ws" + ORIGIN.removeprefix("http")
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self' data:; style-src 'self'; base-uri 'none'; "
    f"script-src 'self' {ORIGIN}; connect-src 'self' {ORIGIN} {SOCKETS}; frame-src {ORIGIN}",
    "Permissions-Policy": f'microphone=(self "{ORIGIN}")',
    "Cache-Control": "no-store",
}
app = FastAPI()
sessions: dict[str, Any] = {}  # YOURS: beside the visit in your database. By the visit's number
AT_MOST = 1000  # the oldest is forgotten
Number = Annotated[str, InPath(pattern="^[A-Za-z0-9-]{1,40}$")]


def ask(path: str, wanted: dict[str, str] | None = None) -> Any:
    """Of Tingqing's server, with the key. SSL_CERT_FILE names an authority of your own."""
    key = {"Authorization": f"Bearer {os.environ['TINGQING_KEY']}"}
    data = None if wanted is None else json.dumps(wanted).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{SERVER}v1/{path}", data, key), timeout=30) as answer:
        return json.load(answer)


def waits(session: Any) -> bool:
    """Whether its token, which begins one session once, can still do so."""
    try:
        return bool(ask(f"sessions/{session['id']}")["state"] == "announced")
    except urllib.error.HTTPError as answer:
        if answer.code != 404:  # it has expired
            raise
        return False


def session_of(number: str) -> Any:
    """The same for each load of the page until the patient begins. After that its token begins nothing more: whoever
    loads the page again gets another session, and the doctor's address leads to that one."""
    if number not in sessions or not waits(sessions[number]):
        made = ask("sessions", {"mode": "visit", "reference": f"visit {number}"})  # comes back with the result
        sessions.pop(number, None)
        sessions[number] = made
        if len(sessions) > AT_MOST:
            sessions.pop(next(iter(sessions)))
    return sessions[number]


def signed_in(request: Request) -> bool:
    """Whether a doctor asks. YOURS: your portal's sign-in. Here: `doctor` and DOCTOR_PASSWORD; without it, nobody."""
    password = os.environ.get("DOCTOR_PASSWORD", "")
    wanted = b"Basic " + base64.b64encode(f"doctor:{password}".encode())
    given = request.headers.get("Authorization", "").encode()
    return bool(password) and secrets.compare_digest(given, wanted)


@app.post("/visit/{number}")
def visit(number: Number) -> JSONResponse:
    """A session for this patient. YOURS: a sign-in before it, and whether this visit is theirs."""
    try:
        session = session_of(number)
    except urllib.error.HTTPError as refused:  # 503: busy; Retry-After says when it is worth asking again
        return JSONResponse({}, refused.code, {"Retry-After": refused.headers.get("Retry-After") or "10"})
    except OSError:
        return JSONResponse({}, 502)  # not reached, or its certificate is not trusted
    return JSONResponse({"server": SERVER, "token": session["publish_token"]})


@app.get("/doctor/{number}")
def doctor(number: Number, request: Request) -> Response:
    """The doctor's page of a visit, with a token to see it and to ask the patient: for doctors alone."""
    if not signed_in(request):
        return Response("Sign in.", 401, {"WWW-Authenticate": 'Basic realm="Doctors"'})
    session = sessions.get(number)
    return RedirectResponse(session["nudge_url"], 302) if session else Response("No such visit.", 404)


@app.middleware("http")
async def headers(request: Request, call_next: RequestResponseEndpoint) -> Response:
    response = await call_next(request)
    response.headers.update(HEADERS)
    return response


app.mount("/", StaticFiles(directory=Path(__file__).parent.with_name("pages"), html=True))
