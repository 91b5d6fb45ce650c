"""Who makes a request or opens a socket, and what they may do."""

from dataclasses import dataclass
from enum import StrEnum

from server.errors import ForbiddenError

LOCAL_SITE = "local"
"""The only site of a server without keys."""


class Right(StrEnum):
    """What a route asks of its caller. Limited to the caller's own site, but for ``OPERATE``: how
    the process is, of which nothing names a site or a session. ``NUDGE``: send and mute prompts. ``LIST``:
    learn which sessions there are. ``TRANSCRIBE``: hand over what is said in them. ``READ``: results that are kept.
    ``REVIEW``: say of one whether a person could hear it. ``ERASE``: delete one. ``INVITE``: announce a session, and
    get the links for patient and doctor. ``CALL``: be the doctor of a call. ``ASSESS``: have one recording judged;
    ``BATCH``: many at once, and see and delete the batches of the site. ``WEBHOOKS``: see where webhooks of the site go
    and what could not be delivered, and have that sent again."""

    BEGIN = "begin"
    ASSESS = "assess"
    BATCH = "batch"
    OBSERVE = "observe"
    OPERATE = "operate"
    NUDGE = "nudge"
    LIST = "list"
    TRANSCRIBE = "transcribe"
    READ = "read"
    REVIEW = "review"
    ERASE = "erase"
    INVITE = "invite"
    CALL = "call"
    WEBHOOKS = "webhooks"


class Role(StrEnum):
    """``ANYONE``: a server without keys does not identify its callers. ``GUEST``: holds a token for one session.
    ``OPERATOR``: signed in at a page with an admin's key; may less than the key."""

    ANYONE = "anyone"
    ADMIN = "admin"
    INTEGRATOR = "integrator"
    VIEWER = "viewer"
    DOCTOR = "doctor"
    GUEST = "guest"
    OPERATOR = "operator"


OF_KNOWN = frozenset({Right.LIST, Right.READ, Right.REVIEW, Right.ERASE, Right.WEBHOOKS})

RIGHTS = {
    # Where nobody is known, who learned of a session could watch it: its id is all that keeps others out.
    Role.ANYONE: frozenset(Right) - OF_KNOWN,
    Role.ADMIN: frozenset(Right),
    Role.INTEGRATOR: frozenset(Right) - {Right.OPERATE, Right.WEBHOOKS},
    Role.VIEWER: frozenset({Right.OBSERVE, Right.LIST, Right.READ, Right.REVIEW}),
    # At a page: invites patients, watches them and asks them something, and has their recordings judged; speaks for
    # nobody.
    Role.DOCTOR: frozenset(
        {Right.OBSERVE, Right.LIST, Right.READ, Right.REVIEW, Right.NUDGE, Right.INVITE, Right.CALL, Right.ASSESS}
    ),
    # At a page: watches, and has sent again what was given up. A cookie goes along with whatever the browser sends.
    Role.OPERATOR: frozenset({Right.OBSERVE, Right.LIST, Right.READ, Right.REVIEW, Right.WEBHOOKS}),
    Role.GUEST: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Principal:
    """``who``: a name for the audit log, never a secret. ``site``: only its sessions are visible to them.

    ``key_id``: of the key that they hold, if any.
    """

    who: str
    role: Role
    site: str
    key_id: str | None = None

    def may(self, right: Right) -> bool:
        """Whether the role has ``right``."""
        return right in RIGHTS[self.role]

    def need(self, right: Right) -> None:
        """Raises ForbiddenError unless the role has ``right``."""
        if right in OF_KNOWN and self.role is Role.ANYONE:
            raise ForbiddenError(
                "A server without keys lists no sessions and shows no results: everybody could see them. Create a key "
                "with 'tingqing keys create'.",
                param="authorization",
            )
        if not self.may(right):
            raise ForbiddenError(f"A key of role {self.role} may not do this.", param="authorization")


ANYONE = Principal("anyone on this machine", Role.ANYONE, LOCAL_SITE)
"""The caller of a server without keys."""
