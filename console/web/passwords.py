"""Passwords: Argon2id as the library recommends (RFC 9106), and what a password must be (NIST SP 800-63B, 5.1.1.2)."""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST, LONGEST = 10, 128

_HASHER = PasswordHasher()
#: Verified against when there is no such account, so that an answer takes as long and tells nothing.
_NOBODY = _HASHER.hash("nobody has this password")


def hashed(password: str) -> str:
    """The Argon2id hash of a password."""
    return _HASHER.hash(password)


def fits(password: str, stored: str) -> bool:
    """Whether a password belongs to a hash; an empty hash fits nothing and takes as long."""
    try:
        return _HASHER.verify(stored or _NOBODY, password) and bool(stored)
    except (VerificationError, InvalidHashError):
        return False


def weakness(password: str, login: str) -> str:
    """The key of the text that says why a password is refused; "" when it is good."""
    if not SHORTEST <= len(password) <= LONGEST:
        return "web.password.length"
    if login in password.lower() or len(set(password)) < 5:
        return "web.password.weak"
    return ""
