"""Which rows are good, and why the others are not: one reason a row, the first that holds.

Each table becomes `events`, `items` or `users` in DuckDB: its raw rows typed, with a column
`reason` that is NULL where the row stays.
"""

# ruff: noqa: S608 - names in queries are ours; what a shop wrote goes through `scan.literal`.
from __future__ import annotations

from collections.abc import Sequence

from vitrina.errors import DataError
from vitrina.readers.amounts import drop_unreadable, settle_dots
from vitrina.readers.columns import OF_ITEMS
from vitrina.readers.report import Doubt
from vitrina.readers.rows import Staged
from vitrina.readers.scan import Db, answer
from vitrina.readers.values import DATE, EARLIEST, SERIAL, SHORT_YEAR

DAY = 86_400
ZEROES = 0.01
"""Share of rows with a quantity of 0 from which on they may be no voids."""
_IDS = {
    "events": ("item_id", "user_id", "session_id", "order_id", "visitor_id", "region"),
    "items": ("item_id", "product_id"),
    "users": ("user_id",),
}

_EVENTS = """
CREATE TABLE events AS
WITH typed AS (
    SELECT file, row, event_id, {ids}, coalesce(kind, 'purchase') AS kind, timestamp, position,
        price, quantity,
        instant(timestamp, {day_first}) AS us, money(price) AS price_number,
        coalesce(number(quantity), CASE WHEN quantity IS NULL THEN 1 END) AS quantity_number,
        gift, coalesce(yes(gift), false) AS given_away, {of_items}
    FROM raw_events LEFT JOIN kinds ON event_type = said)
SELECT *, CASE
    {item_id}
    WHEN coalesce(user_id, session_id, order_id, visitor_id) IS NULL
        THEN 'no user_id, session_id, order_id or visitor_id'
    {fit}
    {moment}
    {price}
    WHEN NOT coalesce(isfinite(quantity_number), false) THEN 'quantity is not a number'
    WHEN abs(quantity_number) < 1e-6 THEN 'quantity is 0'
    WHEN abs(quantity_number) > 1e6 THEN 'quantity is above 1,000,000'
    WHEN quantity_number < 0 AND kind NOT IN ('purchase', 'return')
        THEN 'quantity is negative, but the event is no purchase'
    WHEN gift IS NOT NULL AND yes(gift) IS NULL THEN 'gift is neither yes nor no'
END AS reason FROM typed
"""

_CLOCKS = r"""
UPDATE raw_events SET timestamp = CASE WHEN starts_with(timestamp, '@')
    THEN '@' || CAST(instant(timestamp, false) + instant('1970-01-01 ' || clock, false) AS VARCHAR)
    ELSE timestamp || ' ' || clock END
WHERE regexp_full_match(clock, '(\d|[01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?')
    AND (regexp_full_match(timestamp, '\d+[-/.]\d+[-/.]\d+')
        OR (starts_with(timestamp, '@') AND instant(timestamp, false) % 86400000000 = 0))
"""

_ITEMS = """
CREATE TABLE items AS
WITH typed AS (
    SELECT * REPLACE ({ids}), money(price) AS price_number, money(old_price) AS old_price_number,
        number(margin) AS margin_number, yes(in_stock) AS stocked,
        instant(available_from, {from_day_first}) AS from_us,
        instant(available_until, {until_day_first}) AS until_us
    FROM raw_items),
judged AS (
    SELECT *, CASE
        {item_id}
        {price}
        {old_price}
        WHEN margin IS NOT NULL AND NOT coalesce(abs(margin_number) <= 1e12, false)
            THEN 'margin is not a number'
        WHEN in_stock IS NOT NULL AND stocked IS NULL THEN 'in_stock is neither yes nor no nor a number'
        WHEN available_from IS NOT NULL AND from_us IS NULL THEN 'available_from is no date or time'
        WHEN available_until IS NOT NULL AND until_us IS NULL THEN 'available_until is no date or time'
    END AS reason FROM typed)
{last}
"""

_USERS = """
CREATE TABLE users AS
WITH judged AS (
    SELECT * REPLACE ({ids}), yes(consent) AS consents, CASE
        {user_id}
        WHEN consent IS NOT NULL AND yes(consent) IS NULL THEN 'consent is neither yes nor no'
    END AS reason FROM raw_users)
{last}
"""

_UNITS = """
SELECT CASE WHEN day(timestamp) AND strlen(timestamp) > 8 THEN 'moments written as 202012312359'
    WHEN day(timestamp) THEN 'days written as 20201231'
    WHEN regexp_full_match(timestamp, '{short_year}') THEN 'day, month and year'
    WHEN unit = 1e6 THEN 'seconds since 1970'
    WHEN unit = 1e3 THEN 'milliseconds since 1970' WHEN unit = 1 THEN 'microseconds since 1970'
    ELSE 'nanoseconds since 1970' END AS read, count(*), min(timestamp)
FROM (SELECT timestamp, scale(TRY_CAST(timestamp AS DOUBLE)) AS unit FROM events
    WHERE reason IS NULL
        AND (TRY_CAST(timestamp AS DOUBLE) IS NOT NULL OR regexp_full_match(timestamp, '{short_year}')))
GROUP BY read ORDER BY read
"""

_LAST = """
SELECT * REPLACE (CASE WHEN reason IS NULL AND row_number() OVER (
        PARTITION BY reason IS NULL, {id} ORDER BY file DESC, row DESC) > 1
    THEN '{reason}' ELSE reason END AS reason)
FROM judged
"""


def check_events(db: Db, staged: Staged, now: int, keep: Sequence[str] = ()) -> list[str]:
    """Type and judge the rows of events; `now`: seconds since 1970; `keep`: columns that must be fit to be
    recorded. Returns notes for the report.

    Wants a table `kinds` that maps the shop's event types.
    """
    ids, notes = _whole_ids(db, "events")
    if staged.has("clock"):
        db.execute(_CLOCKS)
    notes += [] if staged.numbers("price") else settle_dots(db, "events", "price")
    day_first, dates = _day_first(db, "events", "timestamp")
    moment = _moment(now) if staged.has("timestamp") else ""
    sql = _EVENTS.format(
        ids=ids,
        day_first=day_first,
        item_id=_id("item_id"),
        fit=" ".join(map(_fit, dict.fromkeys(("user_id", "visitor_id", *keep)))),
        moment=moment,
        price=_amount("price"),
        of_items=", ".join(OF_ITEMS),
    )
    db.execute(sql)
    db.execute("DROP TABLE raw_events")
    return [*notes, *dates, *_zeroes(db, staged.rows), *_spelled(db)]


def check_items(db: Db, staged: Staged) -> list[str]:
    """Type and judge the rows of the catalogue. Returns notes for the report."""
    ids, notes = _whole_ids(db, "items")
    for name in ("price", "old_price"):
        notes += [] if staged.numbers(name) else settle_dots(db, "items", name)
        notes += drop_unreadable(db, name)
    from_day_first, dates = _day_first(db, "items", "available_from")
    until_day_first, more = _day_first(db, "items", "available_until")
    sql = _ITEMS.format(
        ids=ids,
        from_day_first=from_day_first,
        until_day_first=until_day_first,
        item_id=_id("item_id"),
        price=_amount("price"),
        old_price=_amount("old_price"),
        last=_LAST.format(id="item_id", reason=replaced("items")),
    )
    db.execute(sql)
    db.execute("DROP TABLE raw_items")
    return [*notes, *dates, *more]


def check_users(db: Db) -> list[str]:
    """Type and judge the rows about people. Returns notes for the report."""
    ids, notes = _whole_ids(db, "users")
    db.execute(
        _USERS.format(
            ids=ids, user_id=_id("user_id"), last=_LAST.format(id="user_id", reason=replaced("users"))
        )
    )
    db.execute("DROP TABLE raw_users")
    return notes


def replaced(table: str) -> str:
    """The reason of rows of items or users that a later row replaces."""
    return f"a later row has the same {table[:-1]}_id, and the last one is used"


def _zeroes(db: Db, rows: int) -> list[Doubt]:
    """What to say of quantities of 0: voids of a till, or not known, as in YOOCHOOSE's."""
    count = answer(db, "SELECT count(*) FROM events WHERE reason = 'quantity is 0'")[0]
    if count <= ZEROES * rows:
        return []
    return [
        Doubt(
            f"{count:,} rows are rejected for a quantity of 0: where that means that it is not known, "
            "leave it empty, which counts as 1"
        )
    ]


def _spelled(db: Db) -> list[str]:
    """What was made of moments and amounts that are not written the usual way."""
    notes = [
        f"{count:,} timestamps such as {example} were read as {unit}"
        for unit, count, example in db.execute(_UNITS.format(short_year=SHORT_YEAR)).fetchall()
    ]
    spelled = "contains(price, ',') OR contains(quantity, ',')"
    commas = answer(db, f"SELECT count(*) FROM events WHERE reason IS NULL AND ({spelled})")[0]
    if commas:
        notes.append(
            f"{commas:,} rows have amounts with a comma: 12,50 and 1.299,50 were read as 12.5 and 1299.5, a "
            "price of 1,299 as 1299"
        )
    return notes


def _id(name: str) -> str:
    return f"WHEN {name} IS NULL THEN '{name} is empty' {_fit(name)}"


def _fit(name: str) -> str:
    return f"WHEN unfit({name}) IS NOT NULL THEN '{name} ' || unfit({name})"


def _amount(name: str) -> str:
    number = f"{name}_number"
    return (
        f"WHEN {name} IS NOT NULL AND NOT coalesce(isfinite({number}), false) THEN '{name} is not a number' "
        f"WHEN {number} < 0 THEN '{name} is negative' WHEN {number} > 1e12 THEN '{name} is above 1e12'"
    )


def _moment(now: int) -> str:
    return (
        "WHEN timestamp IS NULL THEN 'timestamp is empty' "
        "WHEN us IS NULL THEN 'timestamp is no date or time' "
        f"WHEN TRY_CAST(timestamp AS DOUBLE) BETWEEN {SERIAL[0]} AND {SERIAL[1]} THEN 'timestamp looks "
        "like a day number of a spreadsheet; give the column the format of a date, 2020-12-31, and save it "
        "again' "
        f"WHEN us < {EARLIEST} THEN 'timestamp is before 1990' "
        f"WHEN us > {(now + DAY) * 1_000_000} THEN 'timestamp is more than a day in the future'"
    )


def _whole_ids(db: Db, table: str) -> tuple[str, list[str]]:
    """SQL of the ids of a table, '.0' taken off where a whole column has it, and what was done.

    A table program that met an empty id wrote all others as 17850.0; the shop calls it 17850.
    """
    fields, notes = [], []
    for name in _IDS[table]:
        floats = f"regexp_full_match({name}, '[0-9]+\\.0')"
        head = f"SELECT {name} FROM raw_{table} WHERE {name} IS NOT NULL LIMIT 1000"
        field = name
        if all(
            answer(db, f"SELECT count(*) > 0 AND bool_and({floats}) FROM ({one})")[0]
            for one in (head, head.removesuffix(" LIMIT 1000"))
        ):
            field = f"regexp_replace({name}, '\\.0$', '')"
            notes.append(
                f"every {name} ends in '.0', as table programs write whole numbers; it was taken off"
            )
        if table == "events" and name != "item_id":
            if nobody := answer(db, f"SELECT count(*) FROM raw_{table} WHERE {name} = 'NA'")[0]:
                notes.append(
                    f"{nobody:,} rows say NA for {name}, as R writes what is missing: they have none"
                )
            field = f"nullif({field}, 'NA')"
        fields.append(f"{field} AS {name}")
    return ", ".join(fields), notes


def _day_first(db: Db, table: str, column: str) -> tuple[bool, list[str]]:
    """Whether 03/04/2020 is the third of April in this column, and what was decided.

    Raises DataError where no date of the column tells.
    """
    dates = f"SELECT {column} AS said FROM raw_{table} WHERE NOT starts_with({column}, '@')"
    count, days, months, dots, example = answer(
        db,
        f"""SELECT count(*), count(*) FILTER (first > 12), count(*) FILTER (second > 12),
                count(*) FILTER (contains(said, '.')), min(said)
            FROM (SELECT said, TRY_CAST(regexp_extract(said, '{DATE}', 1) AS INTEGER) AS first,
                    TRY_CAST(regexp_extract(said, '{DATE}', 2) AS INTEGER) AS second
                  FROM ({dates}) WHERE regexp_matches(said, '{DATE}'))""",
    )
    if count and not (days or months or dots):
        raise DataError(
            f"every {column} of {table}, such as {example!r}, may be day/month or month/day; "
            "write dates as 2020-12-31"
        )
    first = count == 0 or days + dots >= months
    order = "day, month, year" if first else "month, day, year"
    return first, [f"{column} such as {example!r} was read as {order}"] if count else []
