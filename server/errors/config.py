"""Settings, flags and files that cannot work."""

from server.errors.base import TingqingError


class ConfigError(TingqingError):
    """The request or configuration cannot work until it is changed; retrying does not help."""

    code = "invalid_config"
    close_code = 4400
    http_status = 422


class SettingsError(ConfigError):
    """Refused before the server or command starts: the message goes to standard error, the exit code is 2."""

    code = "invalid_settings"


class ModelFileError(SettingsError):
    """A model's file that cannot be had, kept or used. ``message`` is English; ``zh`` says the same in Chinese."""

    def __init__(self, message: str, *, zh: str) -> None:
        super().__init__(message, zh=zh)


class ForeignFileError(ModelFileError):
    """What was brought along is at fault, and neither the cache nor the index: other files may be fine."""


class LabelFileError(ConfigError):
    """A fault in a label file. The message starts with ``path`` and ``line`` (1-based, or ``None``)."""

    code = "invalid_label_file"

    def __init__(self, message: str, *, path: str, line: int | None = None) -> None:
        where = f"{path}:{line}" if line is not None else path
        super().__init__(f"{where}: {message}", param=path)
        self.path = path
        self.line = line


class LabelQueryError(ConfigError):
    """Requested labels that cannot be resolved; ``param`` names them."""

    code = "invalid_labels"


class RepeatedKeyError(ConfigError):
    """An ``Idempotency-Key`` that came with another body before."""

    code = "idempotency_key_reused"


class ManifestError(ConfigError):
    """A manifest of labelled recordings that cannot be used; ``line`` is 1-based."""

    code = "invalid_manifest"

    def __init__(self, message: str, *, path: str, line: int | None = None) -> None:
        super().__init__(f"{path}{'' if line is None else f':{line}'}: {message}", param=path)


class TranscriptError(ConfigError):
    """``line`` is 1-based. The message never holds words of the transcript."""

    code = "invalid_transcript"

    def __init__(self, message: str, *, zh: str, line: int | None = None) -> None:
        super().__init__(message, zh=zh, param="transcript")
        self.line = line
