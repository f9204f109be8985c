"""What a shell function of processing did, in numbers."""

from dataclasses import asdict, dataclass

from store.lake import Written


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Rows and things touched by one run; runs add up."""

    read: int = 0  # rows or scenes looked at
    computed: int = 0  # days, spots or years computed anew
    new: int = 0  # rows written for the first time
    changed: int = 0
    unchanged: int = 0
    removed: int = 0
    rejected: int = 0  # refusals not known before

    def __add__(self, other: "Counts") -> "Counts":
        mine, theirs = asdict(self), asdict(other)
        return Counts(**{name: mine[name] + theirs[name] for name in mine})

    def wrote(self, written: Written) -> "Counts":
        """These counts with one upsert more."""
        return self + Counts(
            new=written.new, changed=written.changed, unchanged=written.unchanged, removed=written.removed
        )

    def as_dict(self) -> dict[str, int]:
        """The counts by name."""
        return asdict(self)
