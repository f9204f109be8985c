"""The ledger: what must be transactional, in SQL through SQLAlchemy. SQLite by default, PostgreSQL by URL."""

from store.ledger import alerts, outbox, refusals, reviews, users  # noqa: F401 - their tables belong to every ledger
from store.ledger.coverage import STATES, Coverage
from store.ledger.ledger import Ledger, metadata

__all__ = ["STATES", "Coverage", "Ledger", "metadata"]
