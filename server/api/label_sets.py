"""``GET /v1/label-sets``: the dictionaries, for clients that let people choose labels."""

import functools

from fastapi import APIRouter
from starlette.responses import Response

from server.api.services import Wired
from server.dictionaries import Dictionaries
from server.rendering import catalogue
from server.wire.label_sets import LabelSetsModel

router = APIRouter(tags=["labels"])


@router.get("/v1/label-sets", summary="The label dictionaries and their labels", response_model=LabelSetsModel)
async def label_sets(services: Wired) -> Response:
    """In every request, `labels` may hold a `name`, or any `id`, title or alias."""
    return Response(_rendered(services.engine.dictionaries), media_type="application/json")


@functools.lru_cache(maxsize=1)
def _rendered(dictionaries: Dictionaries) -> bytes:
    """Written once: the dictionaries of a process never change, and anybody may ask for them."""
    return catalogue.label_sets(dictionaries.listed()).model_dump_json().encode()
