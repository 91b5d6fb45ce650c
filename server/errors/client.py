"""Errors that stop our own client."""

from server.errors.base import TingqingError


class ClientError(TingqingError):
    """Shown to the person who started the client: the server refused or cannot be reached, or a file cannot be sent.

    ``hint`` says what to do about it, ``hint_zh`` the same in Chinese.
    """

    code = "client_stopped"

    def __init__(self, message: str, *, hint: str = "", zh: str = "", hint_zh: str = "") -> None:
        super().__init__(message, zh=zh)
        self.hint = hint
        self.hint_zh = hint_zh
