"""Everything that a server keeps, in one object that services are given."""

from __future__ import annotations

from fleet.server.auth import Authority
from fleet.server.database import Database
from fleet.server.documents import Collection
from fleet.server.event_log import EventLog
from fleet.server.metric_events import MetricEvents
from fleet.server.queueing import QueueEntries
from fleet.server.settings import Settings
from fleet.server.workers import Workers


class Store:
    """The stores over one database.

    Parameters
    ----------
    settings : Settings
        Where the database is.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.database = Database(settings.database)
        self.users = Collection(self.database, "users")
        self.projects = Collection(self.database, "projects")
        self.tasks = Collection(self.database, "tasks")
        self.models = Collection(self.database, "models")
        self.queues = Collection(self.database, "queues")
        self.entries = QueueEntries(self.database)
        self.workers = Workers(self.database, settings.limits.worker_timeout)
        self.logs = EventLog(self.database)
        self.metrics = MetricEvents(self.database)
        self.authority = Authority(self.database, self.users, settings.limits.token_lifetime)

    def close(self) -> None:
        """Close the database."""
        self.database.close()
