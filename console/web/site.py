"""What every page and route shares: the home, the clock, and who is asking."""

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar

from console.web.latest import Latest
from console.web.roles import may
from store.home import Home
from store.ledger import users
from store.ledger.incidents import newest_change
from store.ledger.users import User

#: How long an answer about a session is believed; ends and new roles are seen no later than this, seconds.
_BELIEVED_S = 2.0
_REMEMBERED = 4096
#: How many things made for all open pages are kept.
_SHARED = 256
#: The cookie of a session; `__Host-` where the connection is encrypted (RFC 6265bis: no other host can set it).
COOKIE = "sanyan_session"

T = TypeVar("T")


@dataclass
class Site:
    """One console: one home behind one address."""

    home: Home
    clock: Callable[[], datetime]
    secure: bool = False  # whether browsers reach it by https
    is_live: bool = True  # false when the clock stands at the end of a replayed archive
    _made: dict[Hashable, tuple[Any, Any]] = field(default_factory=dict)  # and what of it hung on
    _seen: dict[tuple[str, bool], tuple[float, User | None]] = field(default_factory=dict)

    @property
    def cookie(self) -> str:
        """The name of the session cookie."""
        return f"__Host-{COOKIE}" if self.secure else COOKIE

    def now(self) -> datetime:
        """The moment pages speak of."""
        return self.clock()

    def who(self, secret: str, *, token: bool = False) -> User | None:
        """Whose session or token it is."""
        key, now = (users.digest(secret), token), time.monotonic()
        asked, user = self._seen.get(key, (-_BELIEVED_S, None))
        if now - asked < _BELIEVED_S:
            return user
        user = users.signed(self.home.ledger, secret, now=self.now(), token=token)
        if len(self._seen) >= _REMEMBERED:
            self._seen.clear()
        self._seen[key] = (now, user)
        return user

    def forget(self) -> None:
        """Ask the ledger again for every session, after an account was changed."""
        self._seen.clear()

    def minute(self) -> int:
        """What hangs on the clock is made anew every minute: overdue, silent."""
        return int(self.now().timestamp()) // 60

    def shared(self, key: Hashable, stand: Any, make: Callable[[], T]) -> T:
        """What is made once for all open pages and answers, until `stand`, on which it hangs, is another."""
        known = self._made.get(key)
        if known is None or known[0] != stand:
            if len(self._made) >= _SHARED:
                self._made.clear()
            known = self._made[key] = (stand, make())
        return known[1]  # type: ignore[no-any-return]

    def incidents_stand(self) -> Hashable:
        """What everything that is made of the incidents hangs on."""
        return newest_change(self.home.ledger), self.minute()

    def of_incidents(self, key: Hashable, make: Callable[[], T]) -> T:
        """What is made of the incidents as they stand."""
        return self.shared(("incidents", key), self.incidents_stand(), make)

    def allows(self, user: User, permission: str) -> bool:
        """Whether a user has a permission."""
        return may(user.role, permission)

    def log(self, user: User | str, what: str, subject: str) -> None:
        """Append to the access log."""
        who = user if isinstance(user, str) else user.login
        users.log_access(self.home.ledger, who, what, subject, now=self.now())

    @cached_property
    def observed(self) -> Latest:
        """The newest observation of every series."""
        return Latest(self.home, "observations")

    @cached_property
    def computed(self) -> Latest:
        """The newest indicator of every series."""
        return Latest(self.home, "indicators")

    @cached_property
    def names(self) -> dict[str, tuple[str, str]]:
        """Chinese and English name of every station, township and water body."""
        registry = self.home.registry
        found = {
            str(r["station_id"]): (str(r["name_zh"]), str(r["name_en"])) for r in registry.stations.to_dict("records")
        }
        for zones in (registry.townships, registry.waters):
            found |= dict(zip(zones.ids, zip(zones.names_zh, zones.names_en, strict=True), strict=True))
        return found

    def name(self, subject: Any, lang: str) -> str:
        """The name of a subject in a language; the id where it has none."""
        return self.names.get(str(subject), (str(subject), str(subject)))[0 if lang == "zh" else 1]
