"""What the routes of batches use."""

from collections.abc import Callable
from dataclasses import dataclass, field

from server.api.batch_upload import Doors
from server.batches.batch import BatchStore
from server.batches.folder import BatchFolders
from server.batches.zips import Limits


@dataclass(frozen=True, slots=True)
class BatchDesk:
    """``most_waiting``: files of a site. ``wake``: says that files have come."""

    store: BatchStore
    folders: BatchFolders
    limits: Limits
    most_waiting: int
    wake: Callable[[], None]
    doors: Doors = field(default_factory=Doors)
