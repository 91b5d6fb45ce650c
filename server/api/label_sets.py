"""``GET /v1/label-sets``: the dictionaries, for whoever chooses labels."""

from fastapi import APIRouter

from server.api.services import Wired
from server.wire.label_sets import LabelSetsModel

router = APIRouter(tags=["labels"])


@router.get("/v1/label-sets", summary="The label dictionaries and their labels")
async def label_sets(services: Wired) -> LabelSetsModel:
    """`name` is what `labels` may hold in every request; so may any `id`, title or alias."""
    return services.engine.dictionaries.label_sets()
