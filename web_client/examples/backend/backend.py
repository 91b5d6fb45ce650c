"""A backend of a few lines: pages of one's own with Tingqing in them. The key stays here, a page gets a token.

TINGQING_SERVER=https://localhost:8443/ TINGQING_KEY=tq_… uvicorn backend:app --port 8444 --ssl-certfile …
"""

import json
import os
import urllib.error
import urllib.request
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.middleware.base import RequestResponseEndpoint

SERVER = os.environ["TINGQING_SERVER"].rstrip("/") + "/"
ORIGIN = SERVER.rstrip("/")  # all of your page's contact with Tingqing
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self' data:; style-src 'self'; base-uri 'none'; "
    f"script-src 'self' {ORIGIN}; connect-src 'self' {ORIGIN} {ORIGIN.replace('https', 'wss')}; frame-src {ORIGIN}",
    "Permissions-Policy": f'microphone=(self "{ORIGIN}")',
    "Cache-Control": "no-store",
}
app = FastAPI()
doctors: dict[str, str] = {}  # yours: beside the visit in your database


@app.post("/visit")
def visit() -> JSONResponse:
    """A session for this patient. Put your own sign-in before it: whoever may ask here gets one."""
    number = "4711"  # of your visit; comes back with the result
    wanted = json.dumps({"mode": "visit", "reference": f"visit {number}"}).encode()
    key = {"Authorization": f"Bearer {os.environ['TINGQING_KEY']}"}
    try:
        # SSL_CERT_FILE names an authority of your own.
        with urllib.request.urlopen(urllib.request.Request(f"{SERVER}v1/sessions", wanted, key), timeout=30) as answer:
            session = json.load(answer)
    except urllib.error.HTTPError as refused:  # 503: busy; Retry-After says when it is worth asking again
        return JSONResponse({}, refused.code, {"Retry-After": refused.headers.get("Retry-After") or "10"})
    except OSError:
        return JSONResponse({}, 502)  # not reached, or its certificate is not trusted
    doctors[number] = session["nudge_url"]
    return JSONResponse({"server": SERVER, "token": session["publish_token"]})


@app.get("/doctor/{number}")
def doctor(number: str) -> Response:
    """The doctor's page of a visit: for your doctors alone."""
    return RedirectResponse(doctors[number]) if number in doctors else Response("No such visit.", 404)


@app.middleware("http")
async def headers(request: Request, call_next: RequestResponseEndpoint) -> Response:
    response = await call_next(request)
    response.headers.update(HEADERS)
    return response


app.mount("/", StaticFiles(directory=Path(__file__).parent.with_name("pages"), html=True))
