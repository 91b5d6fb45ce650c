"""What the routes of batches use."""

from collections.abc import Callable
from dataclasses import dataclass, field

from server.api.batch_upload import Doors
from server.api.batch_watches import Watches
from server.batches.batch import BatchStore
from server.batches.folder import BatchFolders
from server.batches.zips import Limits


@dataclass(frozen=True, slots=True)
class BatchDesk:
    """``most_waiting``: files of a site, with at most ``most_bytes``. ``wake``: says that files have come. ``failing``:
    whether files wait that cannot be judged for now."""

    store: BatchStore
    folders: BatchFolders
    limits: Limits
    most_waiting: int
    most_bytes: int
    wake: Callable[[], None]
    failing: Callable[[], bool]
    doors: Doors = field(default_factory=Doors)
    watches: Watches = field(default_factory=Watches)
