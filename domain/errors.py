"""The exceptions of Sanyan, one tree.

PipelineError
├── CatalogueError      our own tables, registry or rules are wrong: never retried, every problem listed at once
├── FeedError           something outside sent or failed to send
│   ├── FeedUnavailable no answer: worth a retry
│   └── FeedCorrupt     an answer that cannot be read at all: kept in the archive, not retried
└── StoreError          the lake, the ledger or the files refused
    └── StoreConflict   somebody else wrote what we had read: read again and repeat

One bad record is no exception but a `Rejection`; a failed send is a recorded value; a bug propagates.
"""

from collections.abc import Sequence


class PipelineError(Exception):
    """Anything Sanyan itself refuses to do; its text is written for the person who reads it."""


class CatalogueError(PipelineError):
    """Problems in tables, registry, feeds, rules or layouts, all of them at once.

    Each problem reads `file:line: what is wrong; what to do`.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        super().__init__(f"{count} problem{'s' if count != 1 else ''}:\n" + "\n".join(f"  {p}" for p in self.problems))


class FeedError(PipelineError):
    """A feed misbehaved; the text names the feed and the file or address."""


class FeedUnavailable(FeedError):
    """No answer from the feed; a retry may help."""


class FeedCorrupt(FeedError):
    """The whole answer cannot be read; its bytes are in the archive."""


class StoreError(PipelineError):
    """The lake, the ledger or the files could not do what was asked."""


class StoreConflict(StoreError):
    """The table changed between reading and writing; read again and repeat."""
