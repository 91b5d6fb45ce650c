"""``GET /v1/assessments/{id}/fhir``: a kept result for a record system that speaks FHIR."""

import asyncio
import json
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response

from server.access.audit import Act
from server.access.principal import Principal, Right
from server.api.assessments import NO_STORE, PROBLEMS, unknown
from server.api.principals import needs, note
from server.api.record_rows import records_of
from server.api.services import Wired
from server.records.kept import KeptRecord, RecordKind
from server.records.making import unpacked
from server.rendering.fhir import When, bundle_of
from server.wire.result import ResultModel

router = APIRouter(tags=["records"])

Reader = Annotated[Principal, needs(Right.READ)]

MEDIA_TYPE = "application/fhir+json"
RECORDING = "urn:uuid:14608f78-844a-5e8d-ae0e-f8a5468ee31d"
SHORTENED: dict[str, Any] = {
    "resourceType": "Bundle",
    "type": "collection",
    "timestamp": "2026-03-01T09:31:40.530Z",
    "entry": [
        {
            "fullUrl": RECORDING,
            "resource": {
                "resourceType": "DocumentReference",
                "status": "current",
                "docStatus": "preliminary",
                "content": [{"attachment": {"title": "visit.wav"}}],
            },
        },
        {
            "fullUrl": "urn:uuid:135d0c0e-aa37-5672-afba-9b71866fbf16",
            "resource": {
                "resourceType": "Observation",
                "status": "final",
                "code": {"coding": [{"system": "urn:tingqing:codes", "code": "recording-quality"}]},
                "valueQuantity": {"value": 0.61, "unit": "0..1", "system": "http://unitsofmeasure.org", "code": "1"},
                "derivedFrom": [{"reference": RECORDING}],
            },
        },
    ],
}
BUNDLE: dict[str, Any] = {
    "description": "A Bundle of FHIR R4 with a DocumentReference and an Observation.",
    "content": {
        MEDIA_TYPE: {
            "schema": {"type": "object", "required": ["resourceType"], "additionalProperties": True},
            "examples": {"bundle": {"summary": "Shortened: docs/fhir.md has a whole one.", "value": SHORTENED}},
        }
    },
}


@router.get(
    "/v1/assessments/{record_id}/fhir",
    summary="A kept result as FHIR R4",
    response_class=Response,
    responses={**PROBLEMS, 200: BUNDLE},
)
async def fhir(request: Request, services: Wired, caller: Reader, record_id: str) -> Response:
    """The recording, without its sound, as a DocumentReference, and its quality as an Observation. It is about the
    recording, not about the patient. It is not a diagnosis."""
    records = records_of(services)
    await note(request, caller, Act.RECORD_READ, record_id)
    record = await records.find(caller.site, record_id)
    if record is None or record.body is None:
        raise unknown()
    text = await asyncio.to_thread(_bundle, record, record.body)
    return Response(text, headers=NO_STORE, media_type=MEDIA_TYPE)


def _bundle(record: KeptRecord, body: bytes) -> str:
    result = ResultModel.model_validate_json(unpacked(body))
    started_at = record.started_at if record.kind is RecordKind.SESSION else None
    bundle = bundle_of(result, When(record.ended_at, started_at))
    return json.dumps(bundle, ensure_ascii=False, separators=(",", ":"))
