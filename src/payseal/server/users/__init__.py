"""The people who may use the console: their passwords, one-time links and sessions, and what slows a guesser down.

`UserStore` makes and changes them, `LinkStore` and `UserStore.verify_password` let them in, `SessionStore` remembers that they are, and
`Throttle` says how long the next try has to wait.
"""

from payseal.server.users.errors import UserError
from payseal.server.users.links import LinkStore
from payseal.server.users.records import ListedSession, Role, Session, User
from payseal.server.users.sessions import SessionStore
from payseal.server.users.store import UserStore
from payseal.server.users.throttle import Throttle

__all__ = ["LinkStore", "ListedSession", "Role", "Session", "SessionStore", "Throttle", "User", "UserError", "UserStore"]
