"""Which tables and columns did not come, and what each would buy."""

from __future__ import annotations

from dataclasses import dataclass

from vitrina.readers import Report


@dataclass(frozen=True)
class Missing:
    """A column that did not come, and what it would buy."""

    table: str
    column: str
    buys: str


_BUYS = (
    ("events", "user_id", "lists for each customer: home, discover, buy again, e-mail"),
    ("events", "timestamp", "recency, trends, new arrivals, 'due again', and an evaluation on later weeks"),
    ("events", "order_id", "baskets as they were bought, for the cart and after an order"),
    ("events", "session_id", "what anonymous visitors look at together, for the next step of a visit"),
    ("events", "event_type", "views and carts apart from purchases: intent, for visits and retargeting"),
    ("events", "quantity", "returns (a negative quantity) and how much is bought at a time"),
    ("events", "price", "what lists earn, in the evaluation"),
    ("items", "title", "names in explanations and on pages instead of ids"),
    ("items", "category", "category pages, 'stay in this category', denied categories"),
    ("items", "price", "price filters"),
    ("items", "brand", "brand filters"),
    ("items", "in_stock", "sold-out products are never shown"),
    ("items", "product_id", "sizes and colours of one product count as one, and are listed once"),
    ("items", "image", "similar by photo, which a product has before its first sale too"),
    ("items", "available_from", "products that appear on their day, and new arrivals by it"),
    ("users", "region", "bestsellers of the customer's own region"),
)
_TABLES = {
    "events": "purchases and clicks: what sells, what goes together, lists for each customer",
    "items": "the catalogue: titles, category pages, filters by price and brand, stock, sizes, photos",
    "users": "what is known of customers, such as the region whose bestsellers they see",
}


def missing(report: Report) -> tuple[Missing, ...]:
    """The tables ('*') and columns that did not come, the most useful first."""
    attributes = {table.table: table.attributes for table in report.tables}
    tables = [Missing(table, "*", buys) for table, buys in _TABLES.items() if table not in attributes]
    columns = [
        Missing(table, column, buys)
        for table, column, buys in _BUYS
        if table in attributes and not report.has(table, column) and column not in attributes[table]
    ]
    return (*tables, *columns)
