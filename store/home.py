"""One deployment's memory in one place: lake, ledger, files, and the registry they speak of."""

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from domain.registry import Registry
from store.files import MAX_CELLS, Files
from store.lake import Lake
from store.ledger import Coverage, Ledger

SAMPLE_COUNTY = Path(__file__).resolve().parent.parent / "sample_feeds" / "county"


@dataclass(frozen=True)
class Home:
    """Where one deployment keeps what it knows; parts are opened when first used.

    | variable | meaning | default |
    |---|---|---|
    | SANYAN_HOME | folder of lake, ledger and files | var/sanyan |
    | SANYAN_REGISTRY | folder of stations and map | the sample county |
    | SANYAN_LAKE_URL | lake elsewhere, for example an object store | lake/ in the home |
    | SANYAN_LEDGER_URL | SQLAlchemy URL of the ledger | SQLite in the home |
    | SANYAN_MAX_CELLS | most cells a raster may declare | 500000000 |
    """

    root: Path
    registry: Registry

    @classmethod
    def open(cls, root: Path | None = None, registry: Path | None = None) -> "Home":
        """Open by argument, else by environment, else by default.

        Raises:
            CatalogueError: the registry is not as it must be.
        """
        place = root or Path(os.environ.get("SANYAN_HOME", "var/sanyan"))
        county = registry or Path(os.environ.get("SANYAN_REGISTRY", str(SAMPLE_COUNTY)))
        return cls(place.resolve(), Registry.load(county))

    @cached_property
    def lake(self) -> Lake:
        """The tables."""
        return Lake(os.environ.get("SANYAN_LAKE_URL", str(self.root / "lake")))

    @cached_property
    def ledger(self) -> Ledger:
        """The transactional part."""
        return Ledger(os.environ.get("SANYAN_LEDGER_URL", f"sqlite:///{self.root / 'ledger.sqlite'}"))

    @cached_property
    def coverage(self) -> Coverage:
        """What was asked and what came."""
        return Coverage(self.ledger)

    @cached_property
    def files(self) -> Files:
        """Raw payloads, rasters, products."""
        return Files(self.root / "files", int(os.environ.get("SANYAN_MAX_CELLS", MAX_CELLS)))
