"""The root of the error tree."""

from typing import ClassVar


class TingqingError(Exception):
    """Base of all errors that reach a person or a peer.

    ``message`` says what happened and what to do; ``zh`` the same in Chinese, of errors that a patient or a doctor may
    meet, else empty; ``param`` names the faulty field, flag or file.
    """

    code: ClassVar[str] = "internal"
    close_code: ClassVar[int] = 1011
    http_status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False
    fatal: ClassVar[bool] = True

    def __init__(
        self, message: str, *, zh: str = "", param: str | None = None, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.zh = zh
        self.param = param
        self.retry_after_s = retry_after_s

    @classmethod
    def type_name(cls) -> str:
        """The family, as the wire's ``error.type``: ``audio``, ``protocol``, ``session`` …"""
        family = cls
        while family.__base__ is not TingqingError and family is not TingqingError:
            base = family.__base__
            assert base is not None
            assert issubclass(base, TingqingError)
            family = base
        return "internal" if family is TingqingError else family.__name__.removesuffix("Error").lower()
