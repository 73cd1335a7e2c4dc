"""Every error a person may meet.

    VitrinaError
    ├── DataError             the shop's files cannot be read as a dataset
    ├── RecipeError           a recipe names something unknown or of the wrong type
    │   └── OverBudget        training needs more memory than the recipe allows
    ├── PlacementsError       a placements file does
    ├── LetterError           a letter's style or template does, or an address of a picture is not ours
    ├── PolicyError           a contact policy does
    ├── WordingError          a catalogue of messages cannot be read
    ├── BundleError           a bundle cannot be written or opened
    │   ├── BundleCorrupt     its bytes are not what its manifest says
    │   ├── BundleTooNew      it was written by a later version of Vitrina
    │   └── SourceFailed      a source of it fails while it is asked
    ├── RegistryError         the registry has no such bundle, or none at all
    │   ├── WorseBundle       the quality gate keeps a new bundle from being published
    │   └── Forgotten         somebody in it asked to be forgotten while it was trained
    ├── RequestError          a request cannot be answered as it stands
    │   ├── InvalidRequest    a field is out of bounds or contradicts another
    │   │   ├── Malformed     its bytes are no message at all
    │   │   └── InvalidToken  its continue_token is not this server's, or was changed
    │   ├── UnknownPlacement  no placement of that name
    │   ├── Unauthenticated   the call carries no token that holds
    │   └── Forbidden         its token does not allow this method
    ├── NotReady              there is no engine yet
    ├── Overloaded            more requests in flight than the server admits
    │   └── TooFast           this client or visitor asks more often than it may
    ├── TimedOut              the deadline passed before there was an answer
    ├── Unreachable           no server answers at that address
    ├── StoreError            the store of live events cannot be read or written
    │   ├── StoreFull         its disk has no space left
    │   └── StoreLost         its files are gone, replaced or damaged
    └── ServerError           a server cannot start as asked, or failed inside

Each message names the thing, the reason and the next step. Commands exit with the class's
`exit_code`; the server maps classes to gRPC codes in one table (`server/service.py`).
"""


class VitrinaError(Exception):
    """The root: everything Vitrina raises on purpose."""

    exit_code = 1


class DataError(VitrinaError):
    """The shop's files cannot be read as a dataset."""

    exit_code = 3


class RecipeError(VitrinaError):
    """A recipe names something unknown or of the wrong type."""

    exit_code = 4


class OverBudget(RecipeError):
    """Training needs more memory than the recipe's [limits] allow."""


class PlacementsError(VitrinaError):
    """A placements file names something unknown or of the wrong type."""

    exit_code = 4


class LetterError(VitrinaError):
    """A letter's style or template is not as it must be, or an address of a picture is not ours."""

    exit_code = 4


class PolicyError(VitrinaError):
    """A contact policy names something unknown or of the wrong type."""

    exit_code = 4


class WordingError(VitrinaError):
    """A shop's folder of messages is none, or a catalogue in it cannot be read."""

    exit_code = 4


class BundleError(VitrinaError):
    """A bundle cannot be written or opened."""

    exit_code = 5


class BundleCorrupt(BundleError):
    """The bytes of a bundle are not what its manifest says."""


class BundleTooNew(BundleError):
    """The bundle was written by a later version of Vitrina."""


class SourceFailed(BundleError):
    """A source of the bundle fails while it is asked: `source` is its name, `fault` what it raised."""

    def __init__(self, source: str, fault: Exception) -> None:
        super().__init__(
            f"the source {source} failed: {type(fault).__name__}: {fault}; "
            "train again, or take it out of the placements"
        )
        self.source, self.fault = source, fault


class RegistryError(VitrinaError):
    """The registry has no such bundle, or none at all."""

    exit_code = 5


class WorseBundle(RegistryError):
    """The quality gate keeps a new bundle from being published."""


class Forgotten(RegistryError):
    """Somebody asked to be forgotten while a bundle was trained that knows them."""


class RequestError(VitrinaError):
    """A request cannot be answered as it stands."""

    exit_code = 6


class InvalidRequest(RequestError):
    """A field of a request is out of bounds or contradicts another."""


class Malformed(InvalidRequest):
    """The bytes of a request are no message at all."""


class InvalidToken(InvalidRequest):
    """A continue_token was not signed by this server, or was changed on its way."""


class UnknownPlacement(RequestError):
    """There is no placement of that name."""


class Unauthenticated(RequestError):
    """A call carries no token, or one that is unknown, revoked or expired."""


class Forbidden(RequestError):
    """A call's token does not have the scope that the method needs."""


class NotReady(VitrinaError):
    """There is no engine to answer yet."""

    exit_code = 7


class Overloaded(VitrinaError):
    """More requests are in flight than the server admits. `retry_s`: seconds to wait before asking again."""

    exit_code = 7

    def __init__(self, message: str, retry_s: float = 0.5) -> None:
        super().__init__(message)
        self.retry_s = retry_s


class TooFast(Overloaded):
    """A client or a visitor asks more often than it may."""


class TimedOut(VitrinaError):
    """The deadline passed before there was an answer."""

    exit_code = 7


class Unreachable(VitrinaError):
    """No server answers at that address."""

    exit_code = 7


class StoreError(VitrinaError):
    """The store of live events cannot be read or written."""

    exit_code = 8


class StoreFull(StoreError):
    """The disk of the store has no space left."""

    retry_s = 5.0


class StoreLost(StoreError):
    """The files of the store are gone, replaced or damaged."""


class ServerError(VitrinaError):
    """A server cannot start as it was asked to, or failed inside."""

    exit_code = 7
