"""The gate of a server: what is decided about a call before its message is read. Knows no transport.

May its caller call this method, and is there room? What is refused is counted by method and code, not
logged call by call: whoever floods a server shall not fill its disk.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from vitrina.errors import Overloaded, VitrinaError
from vitrina.server.access import Access
from vitrina.server.failures import Failure, failure
from vitrina.server.metrics import Tallies


class Gate:
    """Decides by `access` and by `crowded`: whether a method has no room now; counts in `tallies`."""

    def __init__(
        self, access: Access, tallies: Tallies, crowded: Callable[[str], bool] = lambda path: False
    ) -> None:
        self.access, self.tallies, self.crowded = access, tallies, crowded
        self.full = failure(Overloaded("more requests are waiting than can be answered; ask again later"))
        self._refused: Counter[tuple[str, str]] = Counter()

    def refusal(self, path: str, headers: Iterable[tuple[str, str | bytes]]) -> Failure | None:
        """Why a call of a method goes no further; None where it may go on."""
        try:
            self.access.check(path, headers)
        except VitrinaError as reason:
            return self._counted(path, failure(reason))
        return self._counted(path, self.full) if self.crowded(path) else None

    def take_refused(self) -> dict[str, int]:
        """What was refused since the last time: calls by method and code."""
        found, self._refused = self._refused, Counter()
        return {f"{method} {code}": n for (method, code), n in dict(found).items()}

    def _counted(self, path: str, failed: Failure) -> Failure:
        method = path.rpartition("/")[2]
        self._refused[method, failed.name] += 1
        self.tallies.refused(method, failed.name)
        return failed
