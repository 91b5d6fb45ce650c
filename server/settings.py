"""Environment and flags, validated and frozen. Used by ``cli`` and ``app`` only; nothing else reads the environment.

Every field can be set by an environment variable ``TINGQING_<NAME>``; a command-line flag overrides it.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from server.access.ice import CallSettings
from server.access.origins import Outside, plain_host, plain_network, plain_origin, plain_root
from server.batches.settings import BatchSettings
from server.cores import cpus
from server.errors import SettingsError
from server.loopback import is_loopback
from server.notify.settings import WebhookSettings
from server.recording.decoders.limits import Decoders
from server.recording.decoders.settings import DecoderSettings
from server.records.settings import RecordSettings
from server.store.settings import StoreSettings

if TYPE_CHECKING:
    from server.live.limits import LiveLimits

ENV_PREFIX = "TINGQING_"

GRANTED = (
    "max_sessions", "max_sessions_per_site", "max_sessions_per_address", "max_observers", "max_starting_per_address",
    "max_session_s", "expiring_s", "start_s", "idle_s", "pause_s", "claim_s", "resume_ttl_s", "send_s",
)  # fmt: skip
"""Limits of sessions that are settings; the others are the protocol's, or follow from these."""


class Settings(
    StoreSettings, CallSettings, DecoderSettings, RecordSettings, BatchSettings, WebhookSettings, BaseSettings
):
    """Sizes in MB are 10⁶ bytes; times in seconds."""

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, frozen=True, extra="forbid", env_ignore_empty=True)

    host: str = Field(default="127.0.0.1", min_length=1, description="Address to serve on.")
    port: int = Field(default=8000, ge=0, le=65_535, description="Port to serve on; 0 takes a free port.")
    otlp_endpoint: str | None = Field(
        default=None, pattern=r"^https?://[^/?#\s@]+(/[^?#\s]*)?$", description="Where traces go, OTLP over HTTP."
    )
    metrics_port: int | None = Field(
        default=None, ge=0, le=65_535, description="Port for metrics alone, without a key; 0 takes a free port."
    )
    metrics_host: str = Field(default="127.0.0.1", min_length=1, description="Address of metrics_port.")
    insecure: bool = Field(
        default=False, description="Serve without keys on an address that other machines can reach. Anyone can connect."
    )
    key: SecretStr | None = Field(default=None, description="Key of `tingqing stream` and `tingqing batch`.")
    public_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^/?#\s@]+(/[^?#\s]*)?$",
        description="How the outside calls this server, for the links of POST /v1/sessions; behind a proxy.",
    )
    tls_cert: Path | None = Field(
        default=None, description="Certificate of the server and those above it, in PEM: serve HTTPS with it."
    )
    tls_key: Path | None = Field(
        default=None, description="Its key in PEM, not encrypted. Default: in the file of the certificate."
    )
    hsts_s: int = Field(
        default=0, ge=0, le=63_072_000, description="For so long browsers that came over HTTPS use nothing else."
    )
    root_path: str = Field(
        default="", description="Prefix of all addresses behind a proxy. Default: the path of the public URL."
    )
    trust_proxy: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Addresses and networks of proxies whose X-Forwarded-For, -Proto and -Host count."
    )
    allow_origin: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Origins of other pages that may use the server: sockets, requests, frames."
    )
    allow_host: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Names by which the server may be called, besides this machine's."
    )
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] = Field(default="text", description="Form of a line of the log.")
    vad: Literal["silero", "webrtc"] = Field(default="silero", description="Voice activity detector.")
    mos: bool = Field(default=True, description="Run DNSMOS as supporting evidence (0.2 s of CPU per 5 s of audio).")
    denoiser: bool = Field(default=True, description="Hear noise under the words with GTCRN, where it is cached.")
    voices: bool = Field(default=True, description="Tell voices apart, where segmentation and campplus are cached.")
    names: bool = Field(default=True, description="Name mains hum, and more sounds with YAMNet where it is cached.")
    clap: str = Field(
        default="auto",
        min_length=1,
        description="auto (the cached weights, if any), off, the id of a cached model, or a folder.",
    )
    model_cache_dir: Path | None = Field(default=None, description="Folder of downloaded models.")
    device: str = Field(default="auto", pattern=r"^(auto|cpu|cuda|cuda:\d+)$", description="Where CLAP runs.")
    dtype: Literal["auto", "fp32", "bf16", "fp16"] = Field(default="auto", description="Number format of CLAP.")
    gpu_memory_fraction: float | None = Field(
        default=None, gt=0, le=1, description="Largest share of the GPU's memory to use."
    )
    labels_dir: Path | None = Field(default=None, description="Folder of label files. Default: the shipped files.")
    max_sessions: int = Field(default=64, ge=1, description="Maximum number of live sessions; more are refused (4503).")
    max_sessions_per_site: int | None = Field(
        default=None, ge=1, description="Of these, sessions of one site. Default: as many as there may be."
    )
    max_sessions_per_address: int | None = Field(default=None, ge=1, description="Of these, sessions of one address.")
    admission: Literal["measured", "whole", "fixed"] = Field(
        default="measured",
        description="measured: sessions are also refused when those that run need what the machine gives, even without "
        "the parts that can be left out; whole: with these parts; fixed: by number only.",
    )
    workers: int = Field(
        default=1, ge=1, le=64, description="Processes that serve the port together; auto: one for each core."
    )
    max_observers: int = Field(default=32, ge=1, description="Maximum number of observers of one session.")
    max_session_s: float = Field(
        default=7200.0, ge=60, le=86_400, description="Longest session, by audio and by clock."
    )
    expiring_s: float = Field(default=60.0, ge=1, le=3600, description="How long before its end a session is warned.")
    start_s: float = Field(default=10.0, ge=1, le=300, description="How long a socket may take to send session.start.")
    idle_s: float = Field(default=60.0, ge=5, le=3600, description="How long a session goes on without audio.")
    pause_s: float = Field(default=900.0, ge=5, le=86_400, description="How long a session may be paused.")
    claim_s: float = Field(default=900.0, ge=10, le=86_400, description="How long an announced session waits.")
    resume_ttl_s: float = Field(default=120.0, ge=5, le=3600, description="How long a session waits for its patient.")
    send_s: float = Field(default=10.0, ge=1, le=300, description="How long a peer may take to read one message.")
    drain_s: float = Field(default=10.0, ge=0, le=600, description="How long a stopping server waits for its sessions.")
    sign_in_hours: float = Field(
        default=12.0, gt=0, le=24, description="How long a person stays signed in at the pages for staff."
    )
    requests_per_minute: int = Field(default=600, ge=1, description="Requests and sockets per minute of one key.")
    max_connections_per_address: int = Field(
        default=512, ge=1, description="Open connections of one address; this machine and trusted proxies are exempt."
    )
    max_starting_per_address: int = Field(
        default=32, ge=1, description="Patients' sockets of one address that have not begun a session yet."
    )
    max_upload_mb: int = Field(default=200, ge=1, description="Largest upload to /v1/assess.")
    max_upload_cpu_s: float = Field(default=120.0, gt=0, description="CPU seconds for an upload, and again per MB.")
    max_assessments: int = Field(default=2, ge=1, description="Maximum number of uploads assessed at the same time.")
    max_waiting_uploads: int = Field(default=16, ge=0, description="Maximum number of waiting uploads; more get 503.")
    upload_timeout_s: float = Field(default=30.0, gt=0, description="Longest pause of an uploading client.")

    @field_validator("allow_origin", "allow_host", "trust_proxy", "webhook_allow", mode="before")
    @classmethod
    def _several(cls, value: object, info: ValidationInfo) -> object:
        """A variable holds several, separated by commas or spaces."""
        given = value.replace(",", " ").split() if isinstance(value, str) else value
        if not isinstance(given, (list, tuple)):
            return given
        plain = {"allow_origin": plain_origin, "allow_host": plain_host}
        return tuple(plain.get(str(info.field_name), plain_network)(str(one)) for one in given)

    @field_validator("workers", mode="before")
    @classmethod
    def _as_many_as_cores(cls, value: object) -> object:
        return max(1, int(cpus())) if value == "auto" else value

    @field_validator("workers")
    @classmethod
    def _a_session_each(cls, value: int, info: ValidationInfo) -> int:
        if value > info.data.get("max_sessions", value):
            raise ValueError("there are fewer sessions (max_sessions) than workers")
        return value

    @field_validator("tls_key")
    @classmethod
    def _of_a_certificate(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if value is not None and info.data.get("tls_cert") is None:
            raise ValueError("name the certificate too, with --tls-cert")
        return value

    @field_validator("public_url")
    @classmethod
    def _an_address(cls, value: str | None) -> str | None:
        if value is not None:
            parts = urlsplit(value)
            plain_origin(f"{parts.scheme}://{parts.netloc}")
            plain_root(parts.path)
        return value

    @field_validator("root_path")
    @classmethod
    def _one_prefix(cls, value: str, info: ValidationInfo) -> str:
        root, public = plain_root(value), urlsplit(info.data.get("public_url") or "").path.rstrip("/")
        if public and root and public != root:
            raise ValueError(f"the public URL ends in {public}; give one of the two, or the same path")
        return root

    @model_validator(mode="after")
    def _agree(self) -> Self:
        """Each of the two alone may be right: the message says what to set."""
        if self.expiring_s >= self.max_session_s:
            raise ValueError(
                f"TINGQING_EXPIRING_S ({self.expiring_s:g}) must be less than TINGQING_MAX_SESSION_S "
                f"({self.max_session_s:g}), or each session would be warned of its end when it begins; set one of them"
            )
        if self.idle_s > self.pause_s:
            raise ValueError(
                f"TINGQING_PAUSE_S ({self.pause_s:g}) must not be less than TINGQING_IDLE_S ({self.idle_s:g}), or a "
                "pause would end a session sooner than silence; set one of them"
            )
        if self.max_sessions_per_site is not None and self.max_sessions_per_site > self.max_sessions:
            raise ValueError(
                f"TINGQING_MAX_SESSIONS_PER_SITE ({self.max_sessions_per_site}) must not be more than "
                f"TINGQING_MAX_SESSIONS (--max-sessions, {self.max_sessions}); set one of them"
            )
        return self

    def listens_with(self, model_id: str) -> bool:
        """Whether a small model is wanted, where it is there."""
        return {"gtcrn": self.denoiser, "yamnet": self.names}.get(model_id, self.voices)

    @field_validator("port", mode="before")
    @classmethod
    def _not_a_service_link(cls, value: object) -> object:
        """Kubernetes gives the pods beside a service named ``tingqing`` a TINGQING_PORT of ``tcp://10.0.0.1:80``."""
        linked = isinstance(value, str) and value.startswith(("tcp://", "udp://"))
        return cls.model_fields["port"].default if linked else value


def load_settings(**flags: Any) -> Settings:
    """Settings from the environment and the given flags; a flag that is ``None`` counts as not given.

    Raises SettingsError, which names the faulty flag or variable.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    try:
        return Settings(**given).completed(os.environ)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        if not first["loc"]:  # they do not agree with one another
            raise SettingsError(first["msg"].removeprefix("Value error, ")) from None
        name = str(first["loc"][0])
        where = f"--{name.replace('_', '-')}" if name in given else f"{ENV_PREFIX}{name.upper()}"
        why = first["msg"].removeprefix("Value error, ")
        raise SettingsError(f"{where}: {why}", zh=f"{where} 的值不能用：{why}", param=where) from None


def live_limits(settings: Settings, share: int | None = None) -> "LiveLimits":
    """What the server grants its sessions; the settings have the names of the limits. ``share``: as of LiveLimits."""
    # A supervisor of workers reads settings and has no sessions.
    from server.live.limits import LiveLimits  # noqa: PLC0415 - see above

    return LiveLimits(**{name: getattr(settings, name) for name in GRANTED}, share=share)


def upload_limits(settings: Settings) -> tuple[int, float, float, float, Decoders]:
    """What the server takes of an upload, in the order of ``server.api.services.UploadLimits``."""
    most, timeout_s = settings.max_upload_mb * 10**6, settings.upload_timeout_s
    return most, settings.max_audio_s, timeout_s, settings.max_upload_cpu_s, settings.decoders()


def environment_with(defaults: Mapping[str, str], package: Path) -> dict[str, str]:
    """The environment for a Python that this one starts; ``defaults`` where it has none of a name. ``package``: the
    folder from which it imports first, whatever the working directory holds."""
    path = os.pathsep.join(filter(None, (str(package), os.environ.get("PYTHONPATH"))))
    return {**defaults, **os.environ, "PYTHONPATH": path}


def check_exposure(settings: Settings, *, keyed: bool = False) -> None:
    """Raises SettingsError where others could reach a server without keys (``keyed``), unless ``insecure`` is set."""
    if keyed or settings.insecure or is_loopback(settings.host):
        return
    raise SettingsError(
        f"Refusing to serve on {settings.host}: without keys anyone who reaches this address could listen in. "
        "Create one with 'tingqing keys create' and serve with the same database, serve on 127.0.0.1, or pass "
        "--insecure if your network keeps others out.",
        param="--host",
    )


def outside(settings: Settings, certified: Iterable[str] = ()) -> Outside:
    """Which pages may use the server, and by which names. ``certified``: those of its certificate."""
    public = None if settings.public_url is None else urlsplit(settings.public_url)
    own = {name for name in certified if "*" not in name}
    if public is not None and public.hostname is not None:
        own.add(public.hostname)
    return Outside(
        origins=frozenset(settings.allow_origin),
        hosts=frozenset(settings.allow_host),
        insecure=settings.insecure,
        own=frozenset(own),
        own_origin=None if public is None else plain_origin(f"{public.scheme}://{public.netloc}"),
    )


def prefix_of(settings: Settings) -> str:
    """The prefix of all addresses, ``/tingqing``; empty if there is none."""
    return settings.root_path or urlsplit(settings.public_url or "").path.rstrip("/")


def public_base(settings: Settings) -> str | None:
    """How the outside calls this server, with the prefix and without a final slash; ``None`` if nobody said."""
    if settings.public_url is None:
        return None
    parts = urlsplit(settings.public_url)
    return f"{parts.scheme}://{parts.netloc}{prefix_of(settings)}"
