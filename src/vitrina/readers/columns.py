"""Which of the shop's columns is which column of the contract.

An alias is obeyed; a contract name is taken as it is, in any case and with any separators; a very
common other name is taken and said so; two that fit equally well are an error that names both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vitrina.dataset import TYPES
from vitrina.errors import DataError

ACTORS = ("user_id", "session_id", "order_id", "visitor_id")
FREE = ("items", "users")
"""Tables whose other columns are attributes."""
WORDS = "event_types"
"""What of a recipe's columns names no table, but the meanings of words."""
SINCE = ("timeframe",)
"""Positions that are a time since the visit began: they order its rows, and count none."""
OF_ITEMS = ("title", "category", "brand")
"""Columns of events that say what an item is, for shops that export no catalogue; see `described`."""

_USER = (
    "customer_id customer client_id household_id household household_key member_id member_number "
    "shopper_id buyer_id uid user cust_code reviewer_id"
)
_PERSON = "customer_unique_id"
"""Who a customer is, where a customer_id beside it is new for every order."""
_VISITOR = "visitor anonymous_id user_pseudo_id"
VISITORS = ("visitor_id", *_VISITOR.split())
"""Who a browser or a device is; where a shop names nobody else, these are its customers."""

_TIMES = (
    "datetime ts event_time event_timestamp event_date created_at order_date invoice_date purchase_date "
    "shop_date t_dat transaction_timestamp transaction_date transaction_dt unix_time unix_timestamp "
    "unix_review_time",
    "date",
    "sale_date",
    "transaction_datetime",
    "order_datetime",
    "purchase_datetime",
    "order_timestamp",
    "purchase_timestamp",
    "order_purchase_timestamp last_watch_dt",
    "time transaction_time",
)
"""A date beside a time of day, `clock`, is the moment that tells more."""
_ITEM = "sku stock_code item article article_id article_number item_code item_no item_number variant_id asin"
_PRODUCT = "product_id product product_code prod_code material_number"
_WORK = "movie_id book_id isbn track_id song_id artist_id video_id business_id aid parent_asin"
_NAMED = "item_description product_name item_name"

# Contract column -> tiers of other names; an earlier tier wins, two names of one tier are ambiguous.
CONTRACT: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "events": {
        "item_id": (_ITEM, _PRODUCT, _WORK, _NAMED),
        "user_id": (_PERSON, _USER, " ".join(VISITORS)),
        "session_id": ("session visit_id sid user_session", "ga_session_id"),
        "visitor_id": (_VISITOR,),
        "order_id": (
            "invoice invoice_no invoice_id invoice_number basket_id basket transaction_id transaction order "
            "order_no order_number receipt_id receipt_no",
            "transactions_id",
            "transaction_number",
        ),
        "event_type": ("event type action event_name interaction behavior behavior_type behaviour activity",),
        "timestamp": _TIMES,
        "position": ("pos", "step", "order_number", *SINCE),
        "clock": ("time", "transaction_time", "time_of_day", "order_time", "invoice_time", "sale_time"),
        "quantity": ("qty units pieces",),
        "price": ("unit_price item_price price_per_unit",),
        "channel": (),
        "region": (),
        "gift": ("is_gift",),
        "event_id": (),
        "title": (*_NAMED.split(), "item_title", "product_title", "description"),
        "category": ("category_name", "product_category", "product_subclass", "category_code", "category_id"),
        "brand": ("brand_name",),
    },
    "items": {
        "item_id": (_ITEM, "id", _PRODUCT, _WORK),
        "product_id": ("parent_id item_group_id group_id parent_asin style_id model_id", "product_code"),
        "title": (
            "name product_name item_name product_title item_title book_title product_display_name prod_name",
            "description",
        ),
        "category": (
            "category_path categories product_category category_name",
            "category_id category_code",
            "product_type_name product_type",
            "product_group_name product_group",
            "department department_name",
            "department_id",
        ),
        "brand": ("brand_name", "manufacturer", "vendor", "book_author"),
        "price": ("unit_price current_price shelf_price",),
        "old_price": ("list_price regular_price compare_at_price original_price rrp msrp",),
        "margin": ("gross_margin",),
        "in_stock": ("availability stock stock_quantity is_available available inventory",),
        "size": (),
        "color": ("colour base_colour base_color",),
        "image": ("image_url image_link image_path picture photo img",),
        "url": ("link product_url item_url page_url",),
        "tags": ("labels", "genres"),
        "stock_regions": ("regions stores stock_by_region available_in",),
        "available_from": ("availability_date launch_date",),
        "available_until": ("expiration_date",),
    },
    "users": {
        "user_id": (_PERSON, _USER, "visitor_id", "id"),
        "consent": ("email_consent marketing_consent opt_in",),
    },
}

_EXPORTS = {
    "events": {
        "Lineitem name": {
            "order_id": "Name",
            "user_id": "Email",
            "item_id": "Lineitem sku",
            "title": "Lineitem name",
            "quantity": "Lineitem quantity",
            "price": "Lineitem price",
        }
    }
}
"""Table -> a column that tells an export of its own (orders of Shopify) -> its columns of the contract."""


@dataclass(frozen=True)
class Choice:
    """What each column of a file is: contract names and attribute names -> place in the file."""

    contract: Mapping[str, int]
    attributes: Mapping[str, int]
    unused: tuple[str, ...]
    notes: tuple[str, ...]


def check_aliases(aliases: Mapping[str, Mapping[str, str]]) -> None:
    """Raise DataError for an alias of a table, a column or an event type that the contract does not have."""
    for word, kind in aliases.get(WORDS, {}).items():
        if kind not in TYPES:
            raise DataError(f"[columns.{WORDS}] {word} = {kind!r} must be one of {', '.join(TYPES)}")
    for table, wanted in aliases.items():
        if table == WORDS:
            continue
        if table not in CONTRACT:
            raise DataError(f"[columns.{table}] names a table that is not read; known: {', '.join(CONTRACT)}")
        for column in wanted if table not in FREE else ():
            if column not in CONTRACT[table]:
                raise DataError(
                    f"[columns.{table}] names a column {column!r}; known: {', '.join(CONTRACT[table])}"
                )


def choose(table: str, file: str, names: Sequence[str], aliases: Mapping[str, str]) -> Choice:
    """Match the header of one file with the contract of its table.

    Raises DataError for a missing or an ambiguous column; the message shows the header.
    """
    chosen = {column: _aliased(table, file, names, column, name) for column, name in aliases.items()}
    known = _exported(table, names, chosen)
    chosen |= known
    notes = [f"{names[place]!r} was taken as {column}" for column, place in known.items()]
    for column, tiers in CONTRACT[table].items():
        free = [name if place not in chosen.values() else "" for place, name in enumerate(names)]
        for tier in ([column], *(tier.split() for tier in tiers)) if column not in chosen else ():
            place = _only(table, file, free, column, tier)
            if place is not None:
                chosen[column] = place
                notes += [f"{names[place]!r} was taken as {column}"] if tier != [column] else []
                break
    _required(table, file, names, chosen)
    attributes = _attributes(table, file, names, chosen)
    taken = {*chosen.values(), *attributes.values()}
    unused = tuple(name for place, name in enumerate(names) if place not in taken and name)
    contract = {column: place for column, place in chosen.items() if column in CONTRACT[table]}
    return Choice(contract, attributes, unused, tuple(notes))


def _exported(table: str, names: Sequence[str], chosen: Mapping[str, int]) -> dict[str, int]:
    """The columns of an export that is known as a whole: alone, its names may mean anything."""
    known = {
        column: names.index(name)
        for sign, export in _EXPORTS.get(table, {}).items()
        for column, name in export.items()
        if {sign, name} <= {*names}
    }
    return {column: at for column, at in known.items() if column not in chosen and at not in chosen.values()}


def plain(name: str) -> str:
    """A column name without case and separators."""
    return re.sub(r"[\W_]", "", name.lower())


def snake(name: str) -> str:
    """A column name as attributes are called: lower case, words joined by underscores."""
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    return re.sub(r"[\W_]+", "_", words).strip("_").lower()


def _aliased(table: str, file: str, names: Sequence[str], column: str, name: str) -> int:
    place = _only(table, file, names, column, [name])
    if place is None:
        raise DataError(
            f"{file} has no column {name!r}, which [columns.{table}] names for {column}; "
            f"its columns: {_shown(names)}"
        )
    return place


def _only(table: str, file: str, names: Sequence[str], column: str, wanted: Sequence[str]) -> int | None:
    """The one place whose name is like one of `wanted`; of likenesses to one name the exact one wins."""
    exact = [place for place, name in enumerate(names) if [name] == list(wanted)]
    keys = {plain(name) for name in wanted}
    fit = exact if len(exact) == 1 else [p for p, name in enumerate(names) if name and plain(name) in keys]
    if len(fit) > 1:
        first, second = (names[place] for place in fit[:2])
        raise DataError(
            f"{file}: the columns {first!r} and {second!r} may both be {column}; "
            f'say which in the recipe, under [columns.{table}]: {column} = "{first}"'
        )
    return fit[0] if fit else None


def _required(table: str, file: str, names: Sequence[str], chosen: Mapping[str, int]) -> None:
    needed = "user_id" if table == "users" else "item_id"
    missing = {} if needed in chosen else {needed: needed}
    if table == "events" and not any(actor in chosen for actor in ACTORS):
        missing["user_id"] = f"any of {', '.join(ACTORS)}"
    if missing:
        hint = ", ".join(f'{column} = "that name"' for column in missing)
        raise DataError(
            f"{file} has no column for {' nor for '.join(missing.values())}; its columns: {_shown(names)}. "
            "Where a column has another name, say so in the recipe, under "
            f"[columns.{table}]: {hint}; a file without a header line needs one, and one with a whole "
            f"visit a line must be made longer first: a row is one item{_called(table)}{_split(names)}"
        )


def _attributes(table: str, file: str, names: Sequence[str], chosen: Mapping[str, int]) -> dict[str, int]:
    """The other columns of a catalogue or of people, by their attribute names."""
    attributes: dict[str, int] = {}
    for place, name in enumerate(names) if table in FREE else ():
        key = snake(name)
        if not key or place in chosen.values():
            continue
        if key in attributes:
            raise DataError(
                f"{file}: the columns {names[attributes[key]]!r} and {name!r} are both {key}; rename one"
            )
        attributes[key] = place
    own = {column: place for column, place in chosen.items() if column not in CONTRACT[table]}
    return {**{key: place for key, place in attributes.items() if key not in chosen}, **own}


def _called(table: str) -> str:
    return "; a file of purchases with a basket a line is called baskets.csv" if table == "events" else ""


def _split(names: Sequence[str]) -> str:
    if len(names) > 1:
        return ""
    blanks = "; put a comma in place of the blanks" if " " in names[0] else ""
    return f". A comma, a semicolon, a tab or a bar tells columns apart: here is only one{blanks}"


def _shown(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name[:40]) for name in names[:20])
    return shown + (f" and {len(names) - 20} more" if len(names) > 20 else "")
