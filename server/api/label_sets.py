"""``GET /v1/label-sets``: the dictionaries, for clients that let people choose labels."""

from fastapi import APIRouter

from server.api.services import Wired
from server.rendering import catalogue
from server.wire.label_sets import LabelSetsModel

router = APIRouter(tags=["labels"])


@router.get("/v1/label-sets", summary="The label dictionaries and their labels")
async def label_sets(services: Wired) -> LabelSetsModel:
    """In every request, `labels` may hold a `name`, or any `id`, title or alias."""
    return catalogue.label_sets(services.engine.dictionaries.listed())
