"""``POST /v1/assess``: one recording in, one result out, judged by the same core as live audio."""

import asyncio
from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import Field, TypeAdapter, ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.responses import JSONResponse, Response

from server.access.audit import Act
from server.access.gate import utc_now
from server.access.principal import Principal, Right
from server.api.addresses import base_of
from server.api.idempotency import PARAMETER, Turn, body_digest, key_of, turn
from server.api.keeping import keep_file, metadata_of
from server.api.principals import needs, note
from server.api.problems import client_gone, config_error, documented, problem_of
from server.api.services import Services, UploadLimits, Wired
from server.api.upload_transcript import FIELD as TRANSCRIPT
from server.api.upload_transcript import PROPERTY, said_in
from server.api.uploads import GoneError, file_of, read_form, unless_gone
from server.assessment.result import Result
from server.errors import AudioError, LabelQueryError, ProtectedFileError
from server.judge.labels import LabelSet
from server.metrics import Metrics
from server.recording.channels import ChannelRoles, parse_roles
from server.recording.decode import Recording, read_recording
from server.recording.decoders.raw import RawFormat, parse_raw
from server.recording.parties import assess_recording
from server.rendering.flat import flat
from server.rendering.results import result_json
from server.rendering.thinning import thinned
from server.scoring.until_done import to_thread_until_done
from server.transcript.sources import WrittenTranscript
from server.values.audio import CaptureSource
from server.values.labels import LabelQuery
from server.values.mode import Mode
from server.wire.base import WireModel
from server.wire.client import LABELS_FORM, LabelRequest, requested
from server.wire.result import ResultModel

router = APIRouter(tags=["recordings"])

Caller = Annotated[Principal, needs(Right.ASSESS)]

MAX_NAME = 200

label_list: TypeAdapter[list[LabelRequest]] = TypeAdapter(
    Annotated[list[LabelRequest], Field(min_length=1, max_length=200)]
)


class AssessForm(WireModel):
    """The text fields sent with ``file``."""

    labels: str | None = Field(default=None, max_length=20_000)
    language: str | None = Field(default=None, max_length=35, pattern=r"^[A-Za-z0-9-]*$")
    format: Literal["full", "flat"] = "full"
    reference: str | None = Field(default=None, max_length=200)
    channels: str | None = Field(default=None, max_length=100)
    raw: str | None = Field(default=None, max_length=40)
    mode: Mode = Mode.RECORDING
    source: Literal["file", "line", "telephone"] = "file"
    windows: Literal["thinned", "all", "none"] = "thinned"
    attempt_of: str | None = Field(default=None, pattern=r"^[0-9a-f]{32}$")
    metadata: str | None = Field(default=None, max_length=20_000)

    def roles(self) -> ChannelRoles | None:
        """Who is on which channel. Raises ConfigError."""
        return parse_roles(self.channels) if self.channels else None

    def raw_format(self) -> RawFormat | None:
        """What the bytes are, of sound without a header. Raises ConfigError."""
        return parse_raw(self.raw) if self.raw else None

    def label_query(self) -> LabelQuery:
        """A dictionary's name, a list of labels, or a JSON array of ``{label, threshold?, weight?}``.

        Raises LabelQueryError for any other array.
        """
        if self.labels is None or not self.labels.strip():
            return None
        if not self.labels.lstrip().startswith(("[", "{")):
            return self.labels
        try:
            return requested(label_list.validate_json(self.labels))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(("labels", *(str(part) for part in first["loc"])))
            if first["type"] == "too_short":
                raise LabelQueryError(f"no label given: {LABELS_FORM}", param=where) from None
            form = f"; {LABELS_FORM}" if len(first["loc"]) < 2 else ""
            raise LabelQueryError(f"{where}: {first['msg']}{form}", param=where) from None


REQUEST_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {
                    "file": {
                        "type": "string",
                        "format": "binary",
                        "description": "WAV, FLAC, OGG, MP3, AIFF; with FFmpeg M4A, AMR, 3GP, CAF, WebM, WMA, videos; "
                        "SILK. Its bytes tell what it is. At most 200 MB by default.",
                    },
                    "transcript": PROPERTY,
                    "labels": {
                        "type": "string",
                        "description": "A dictionary's name; a comma-separated list of ids, titles, aliases or ad "
                        "hoc labels; or a JSON array of {label, threshold?, weight?}. Default: telemedicine.",
                    },
                    "language": {"type": "string", "description": "Language of the flat format: zh (default) or en."},
                    "format": {"type": "string", "enum": ["full", "flat"], "default": "full"},
                    "channels": {
                        "type": "string",
                        "description": "Who is on which channel: patient=right,doctor=left, or numbers from 1. While "
                        "the doctor speaks, nothing counts as the patient's. Without it, channels "
                        "are compared (up to 16), and notices say what was found and which was judged.",
                    },
                    "raw": {
                        "type": "string",
                        "description": "Of sound without a header: ENCODING:RATE:CHANNELS, such as s16le:16000:1, "
                        "alaw:8000:1 or mulaw:8000:2.",
                    },
                    "reference": {"type": "string", "description": "Repeated in the result, never logged."},
                    "attempt_of": {
                        "type": "string",
                        "pattern": "^[0-9a-f]{32}$",
                        "description": "Id of the session or recording that this one tries again; repeated.",
                    },
                    "metadata": {
                        "type": "string",
                        "description": "A JSON object of at most 50 fields, repeated in the result, never logged. "
                        "department counts in the figures of GET /v1/stats.",
                    },
                    "mode": {
                        "type": "string",
                        "enum": ["recording", "visit"],
                        "default": "recording",
                        "description": "visit: a conversation, in which the patient mostly listens.",
                    },
                    "source": {
                        "type": "string",
                        "enum": ["file", "line", "telephone"],
                        "default": "file",
                        "description": "telephone: a recorded call, whose bandwidth is judged by what lines carry.",
                    },
                    "windows": {
                        "type": "string",
                        "enum": ["thinned", "all", "none"],
                        "default": "thinned",
                        "description": "Of how many windows the result tells: thinned: at most 600, evenly chosen, "
                        "and a notice says so (windows_thinned); all, about 2 kB each; none. All are judged.",
                    },
                },
            }
        }
    },
}

PROBLEMS = documented(
    {
        400: "The multipart body is malformed or has no file.",
        401: "No key, or one that is not valid.",
        403: "Refused because of Host, Origin or the key's role.",
        408: "The upload stalled.",
        409: "The first request with this Idempotency-Key is still being answered.",
        413: "The upload is too large, or the recording too long or too costly to judge.",
        415: "The body is not multipart, or the recording cannot be decoded.",
        422: "A field is invalid, the labels cannot be resolved, or the Idempotency-Key came with another body before.",
        429: "The key was used too often, or wrong keys came from this address too often; see Retry-After.",
        503: "Busy, shutting down, or scoring failed; Retry-After says when to try again.",
        507: "No room for temporary files; Retry-After says when to try again.",
    }
)


@router.post(
    "/v1/assess",
    summary="Assess a recording",
    response_model=ResultModel,
    responses=PROBLEMS,
    openapi_extra={"requestBody": REQUEST_BODY, "parameters": [PARAMETER]},
)
async def assess(request: Request, services: Wired, caller: Caller) -> Response:
    """`format=full` returns the result, `format=flat` returns `{"<title>": score|null, …, "综合建议": "…"}`. Where
    results are kept, `GET /v1/assessments/{id}` has it later."""
    await note(request, caller, Act.RECORDING_ASSESSED)
    try:
        async with services.slots.admit():
            form = await read_form(request, services.uploads.max_bytes, services.uploads.timeout_s)
            try:
                body = await body_digest(form) if key_of(request) else ""
                async with turn(services.repeats, request, caller.site, body) as here:
                    if here.answered is not None:
                        return here.answered
                    return here.keep(await unless_gone(request, _assess(services, form, caller.site, here)))
            finally:
                await form.close()
    except GoneError:
        return client_gone()
    except ProtectedFileError as error:
        return problem_of(error, f"{base_of(request)}/")


async def _assess(services: Services, form: FormData, site: str, here: Turn) -> Response:
    upload, began = file_of(form), utc_now()
    fields = _fields(form)
    metadata, said = metadata_of(fields.metadata), await said_in(form)
    # Two hundred labels of one's own take a tenth of a second, which every live session would wait.
    labels = await asyncio.to_thread(services.engine.dictionaries.resolve, fields.label_query())
    roles, raw = fields.roles(), fields.raw_format()
    async with services.slots.run():
        with services.uploads.spending(upload.size or 0).limiting():
            judged = await _judged(services, upload, fields, labels, roles, raw, said)
    identity = replace(judged.identity, attempt_of=fields.attempt_of, metadata=metadata)
    result = replace(judged, identity=replace(identity, id=here.work_id or identity.id))
    services.engine.metrics.judged("file", result.overall.verdict, result.duration_s)
    if fields.format == "flat":
        response: Response = JSONResponse(flat(result, fields.language))
    else:
        # The result of a recording of hours has thousands of windows: rendering it here would delay live sessions.
        text = await asyncio.to_thread(_rendered, result, fields.windows)
        response = Response(text, media_type="application/json")
    await keep_file(services, result, site, began, here.beforehand(response))
    return response


async def _judged(
    services: Services,
    upload: UploadFile,
    fields: AssessForm,
    labels: LabelSet,
    roles: ChannelRoles | None,
    raw: RawFormat | None,
    said: WrittenTranscript | None,
) -> Result:
    recording = await _open(upload, services.uploads, roles, raw, services.engine.metrics)
    return await assess_recording(
        services.engine,
        recording,
        labels,
        mode=fields.mode,
        source=CaptureSource(fields.source),
        reference=fields.reference,
        transcript=said,
    )


def _rendered(result: Result, windows: str) -> str:
    if windows == "none":
        return result_json(replace(result, windows=result.windows[:0]))
    return result_json(result if windows == "all" else thinned(result))


async def _open(
    upload: UploadFile, limits: UploadLimits, roles: ChannelRoles | None, raw: RawFormat | None, metrics: Metrics
) -> Recording:
    """Open the upload as a recording. If the client leaves meanwhile, close it before the cancellation is raised."""
    name = upload.filename[:MAX_NAME] if upload.filename else None
    opened: list[Recording] = []

    def opening() -> None:
        opened.append(
            read_recording(upload.file, name, max_s=limits.max_audio_s, roles=roles, decoders=limits.decoders, raw=raw)
        )

    try:
        await to_thread_until_done(opening)
    except AudioError as error:
        metrics.undecoded("file", error.code)
        raise
    except asyncio.CancelledError:
        for recording in opened:
            recording.close()
        raise
    return opened[0]


def _fields(form: FormData) -> AssessForm:
    given = {name: value for name, value in form.multi_items() if name not in ("file", TRANSCRIPT)}
    try:
        return AssessForm.model_validate(given)
    except ValidationError as error:
        raise config_error(error) from None
