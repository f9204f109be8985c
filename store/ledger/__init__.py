"""The ledger: what must be transactional, in SQL through SQLAlchemy. SQLite by default, PostgreSQL by URL."""

from store.ledger import alerts, audit, handover, incident_tables, outbox, refusals, reviews, suppressions, users  # noqa: F401
from store.ledger.coverage import STATES, Coverage
from store.ledger.ledger import Ledger, metadata

__all__ = ["STATES", "Coverage", "Ledger", "metadata"]
