"""1.299 is read by what the other amounts of its column show."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vitrina.doctor import examine
from vitrina.errors import DataError
from vitrina.readers import Reading, read


def sold(folder: Path, column: str, written: list[str]) -> Reading:
    """A shop that sold one item a row, for these amounts."""
    rows = "".join(f"u;i{at};{one}\n" for at, one in enumerate(written))
    (folder / "events.csv").write_text(f"user_id;item_id;{column}\n{rows}")
    return read(folder, max_rejected=1.0)


def said(reading: Reading) -> str:
    return "\n".join(reading.report.tables[0].notes)


@pytest.mark.parametrize(
    ("written", "prices"),
    [
        (["1.299", "646,50", "646"], [1299, 646.5, 646]),
        (["1.299", "4.767.747"], [1299, 4767747]),
        (["1.299 €", "646,50 €", "-1.299", "9,90"], [1299, 646.5, 9.9]),
        (["1.299", "1.349", "1.399,00"], [1299, 1349, 1399]),
        (["1.299", "12.5"], [1.299, 12.5]),
        (["1.299", "0.125"], [1.299, 0.125]),
        (["1.299", "646,50", "12.5"], [1.299, 646.5, 12.5]),
        (["1.299", "1299.125"], [1.299, 1299.125]),
    ],
)
def test_a_column_of_prices_tells_what_its_dots_are(
    tmp_path: Path, written: list[str], prices: list[float]
) -> None:
    """Promise: a dot parts thousands where decimals have a comma or dots stand twice, and it is said."""
    reading = sold(tmp_path, "price", written)
    assert reading.dataset.events.price.tolist() == pytest.approx(prices)
    assert ("were read as thousands" in said(reading)) == (prices[0] == 1299)


@pytest.mark.parametrize(
    ("written", "doubted"),
    [
        (["1.299", "646"], True),
        (["1.299", "1.300"], False),
        (["1.299", "4736"], False),
        (["1.299", "0.5"], False),
        (["1.299", "1.349", "2,50"], True),
    ],
)
def test_dots_that_may_be_either_are_a_doubt(tmp_path: Path, written: list[str], doubted: bool) -> None:
    """Promise: where 646 stands beside 1.299 and nothing else tells, a person is asked."""
    reading = sold(tmp_path, "price", written)
    assert reading.dataset.events.price[0] == pytest.approx(1.299)
    asked = "such as 1.299 were read with a decimal point; write thousands without a dot"
    assert any(asked in one for one in examine(reading).warnings) == doubted


def test_a_catalogue_is_read_so_too(tmp_path: Path) -> None:
    """Promise: each of its prices by its own column."""
    (tmp_path / "items.csv").write_text("item_id;price;old_price\na;1.299;1.299\nb;9,50;9.5\n")
    catalog = read(tmp_path).dataset.catalog
    assert catalog.price.tolist() == [1299, 9.5]
    assert catalog.old_price.tolist() == pytest.approx([1.299, 9.5])


def test_prices_that_are_numbers_are_not_asked_about(tmp_path: Path) -> None:
    """Promise: a Parquet column of numbers has no dots to doubt."""
    columns = {"user_id": ["u", "v"], "item_id": ["i", "j"], "price": [1.299, 646.0]}
    pq.write_table(pa.table(columns), tmp_path / "events.parquet")
    assert not read(tmp_path).report.doubts


def test_a_file_tells_nothing_of_another(tmp_path: Path) -> None:
    """Promise: shops of two countries may stand side by side; what one shows makes the other a doubt."""
    (tmp_path / "items-1.csv").write_text("item_id;price\na;1.299\nb;1.349\n")
    (tmp_path / "items-2.csv").write_text("item_id;price\nc;1.299\nd;9,50\n")
    reading = read(tmp_path)
    assert reading.dataset.catalog.price.tolist() == pytest.approx([1.299, 1.349, 1299, 9.5])
    assert "1 values of price such as 1.299 were read as thousands" in said(reading)
    assert "2 values of price such as 1.299 were read with a decimal" in " ".join(reading.report.doubts)


def test_a_comma_in_a_quantity_is_not_guessed(tmp_path: Path) -> None:
    """Promise: 1,250 may be a thousand pieces or a kilogram, so the row is refused."""
    assert sold(tmp_path, "quantity", ["1,250", "3,400", "2"]).dataset.events.quantity.tolist() == [2]
    with pytest.raises(DataError, match="quantity is not a number"):
        sold(tmp_path, "quantity", ["1,000"])
