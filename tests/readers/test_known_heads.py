"""The files of well-known public sets are read as they come; amounts of money as shops write them."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vitrina.errors import DataError
from vitrina.readers import Reading, read

EVENTS = {
    "instacart": (
        "order_id,user_id,eval_set,order_number,order_dow,order_hour_of_day,days_since_prior_order,product_id,"
        "add_to_cart_order,reordered\n2539329,1,prior,1,2,08,,196,1,0\n",
        {"order_id": "order_id", "user_id": "user_id", "item_id": "product_id", "position": "order_number"},
    ),
    "ga4": (
        "event_name,event_timestamp,user_id,user_pseudo_id,item_id,ga_session_id,transaction_id\npurchase,1396860669276000,u,1.2,5,1,T1\n",
        {"event_type": "event_name", "timestamp": "event_timestamp", "user_id": "user_id", "visitor_id": "user_pseudo_id", "item_id": "item_id", "session_id": "ga_session_id", "order_id": "transaction_id"},
    ),
    "x5 retail hero": (
        "client_id,transaction_id,transaction_datetime,store_id,product_id,product_quantity\n1,7,2018-11-27 18:55:00,5,d7,2.0\n",
        {"user_id": "client_id", "order_id": "transaction_id", "timestamp": "transaction_datetime", "item_id": "product_id"},
    ),
    "olist, joined": (
        "order_id,product_id,customer_id,customer_unique_id,order_purchase_timestamp,shipping_limit_date\n7,9,c1,u1,2018-11-21 16:49:00,2018-11-26\n",
        {"order_id": "order_id", "item_id": "product_id", "user_id": "customer_unique_id", "timestamp": "order_purchase_timestamp"},
    ),
    "two moments": (
        "user_id,item_id,purchase_timestamp,order_timestamp\n1,a,2019-01-20,2019-01-19\n",
        {"user_id": "user_id", "item_id": "item_id", "timestamp": "order_timestamp"},
    ),
    "kion": (
        "user_id,item_id,last_watch_dt,total_dur,watched_pct\n58,996087,2019-01-19,4896,47\n",
        {"user_id": "user_id", "item_id": "item_id", "timestamp": "last_watch_dt"},
    ),
    "retail sales": (
        "transactions_id,sale_date,sale_time,customer_id,sku,quantity,price_per_unit\n180,2022-11-05,10:47:00,117,9,3,300\n",
        {"order_id": "transactions_id", "timestamp": "sale_date", "clock": "sale_time", "user_id": "customer_id", "item_id": "sku", "quantity": "quantity", "price": "price_per_unit"},
    ),
    "clicks of clothes": (
        "year;month;day;order;country;session ID;item;price\n2008;4;1;1;29;1;A13;28\n",
        {"order_id": "order", "session_id": "session ID", "item_id": "item", "price": "price"},
    ),
    "retailrocket": (
        "timestamp,visitorid,event,itemid,transactionid\n1433221332117,257597,transaction,355908,7\n",
        {"timestamp": "timestamp", "user_id": "visitorid", "event_type": "event", "item_id": "itemid", "order_id": "transactionid"},
    ),
    "dunnhumby journey": (
        "household_key,BASKET_ID,DAY,PRODUCT_ID,QUANTITY,SALES_VALUE,STORE_ID,RETAIL_DISC,TRANS_TIME,WEEK_NO\n"
        "2375,26984851472,1,1004906,1,1.39,364,-0.6,1631,1\n",
        {"user_id": "household_key", "order_id": "BASKET_ID", "item_id": "PRODUCT_ID", "quantity": "QUANTITY"},
    ),
    "dunnhumby sort of real": (
        "SHOP_WEEK,SHOP_DATE,SHOP_HOUR,QUANTITY,SPEND,PROD_CODE,CUST_CODE,BASKET_ID\n"
        "200607,20060413,20,1,0.93,PRD0900033,CUST0000634693,994107800547472\n",
        {"timestamp": "SHOP_DATE", "quantity": "QUANTITY", "item_id": "PROD_CODE", "user_id": "CUST_CODE", "order_id": "BASKET_ID"},
    ),
    "uci online retail": (
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
        "536365,85123A,HOLDER,6,12/13/2010 8:26,2.55,17850,United Kingdom\n",
        {"order_id": "InvoiceNo", "item_id": "StockCode", "quantity": "Quantity", "timestamp": "InvoiceDate", "price": "UnitPrice", "user_id": "CustomerID", "title": "Description"},
    ),
    "uci online retail ii": (
        "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country\n"
        "489434,85048,LIGHTS,12,2009-12-01 07:45:00,6.95,13085.0,United Kingdom\n",
        {"order_id": "Invoice", "item_id": "StockCode", "quantity": "Quantity", "timestamp": "InvoiceDate", "price": "Price", "user_id": "Customer ID", "title": "Description"},
    ),
    "movielens": (
        "userId,movieId,rating,timestamp\n1,31,2.5,1260759144\n",
        {"user_id": "userId", "item_id": "movieId", "timestamp": "timestamp"},
    ),
    "yoochoose": (
        "Session ID,Timestamp,Item ID,Category\n1,2014-04-07T10:51:09.277Z,214536502,0\n",
        {"session_id": "Session ID", "timestamp": "Timestamp", "item_id": "Item ID", "category": "Category"},
    ),
    "yoochoose as GRU4Rec has it": (
        "SessionId\tItemId\tTime\n1\t214536502\t1396861869.277\n",
        {"session_id": "SessionId", "item_id": "ItemId", "timestamp": "Time"},
    ),
    "diginetica": (
        "sessionId;userId;itemId;timeframe;eventdate\n1;NA;81766;526309;2016-05-09\n",
        {"session_id": "sessionId", "user_id": "userId", "item_id": "itemId", "timestamp": "eventdate", "position": "timeframe"},
    ),
    "h&m": (
        "t_dat,customer_id,article_id,price,sales_channel_id\n2018-09-20,000058a12d5b43e6,0663713001,0.050830,2\n",
        {"timestamp": "t_dat", "user_id": "customer_id", "item_id": "article_id", "price": "price"},
    ),
    "ta-feng": (
        "TRANSACTION_DT,CUSTOMER_ID,AGE_GROUP,PIN_CODE,PRODUCT_SUBCLASS,PRODUCT_ID,AMOUNT,ASSET,SALES_PRICE\n"
        "11/13/2000,01104905,45-49,115,110411,4710199010372,2,24,30\n",
        {"timestamp": "TRANSACTION_DT", "user_id": "CUSTOMER_ID", "item_id": "PRODUCT_ID", "category": "PRODUCT_SUBCLASS"},
    ),
    "amazon ratings 2023": (
        "user_id,parent_asin,rating,timestamp\nAGGZ357AO26RQZVRLGU4D4N52DZQ,B001OC5JKY,5.0,1290278495000\n",
        {"user_id": "user_id", "item_id": "parent_asin", "timestamp": "timestamp"},
    ),
    "amazon reviews 2018": (
        "reviewerID,asin,reviewerName,helpful,overall,summary,unixReviewTime,reviewTime\n"
        "A2SUAM1J3GNN3B,0000013714,J,0,5.0,Good,1252800000,\"09 13, 2009\"\n",
        {"user_id": "reviewerID", "item_id": "asin", "timestamp": "unixReviewTime"},
    ),
    "rees46": (
        "event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session\n"
        "2019-10-01 00:00:00 UTC,view,44600062,2103807459595387724,,shiseido,35.79,541312140,72d76fde-8bb3-4e00\n",
        {"timestamp": "event_time", "event_type": "event_type", "item_id": "product_id", "price": "price", "user_id": "user_id", "session_id": "user_session", "category": "category_code", "brand": "brand"},
    ),
    "groceries": (
        "Member_number,Date,itemDescription\n1808,21-07-2015,tropical fruit\n",
        {"user_id": "Member_number", "timestamp": "Date", "item_id": "itemDescription"},
    ),
    "bread basket": (
        "Date,Time,Transaction,Item\n2016-10-30,09:58:11,1,Bread\n",
        {"timestamp": "Date", "clock": "Time", "order_id": "Transaction", "item_id": "Item"},
    ),
    "recbole": (
        "user_id:token\titem_id:token\trating:float\ttimestamp:float\n196\t242\t3\t881250949\n",
        {"user_id": "user_id", "item_id": "item_id", "timestamp": "timestamp"},
    ),
    "yelp": (
        "review_id,user_id,business_id,stars,date\nx,u,b,4.0,2014-02-05 20:30:30\n",
        {"user_id": "user_id", "item_id": "business_id", "timestamp": "date"},
    ),
    "shopify": (
        "Name,Email,Paid at,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,Billing Name,Id,Vendor\n"
        "#1001,c@x.com,,2018-11-21 13:28:00 -0500,1,Tee,1.5,SKU1,,5000,shop\n",
        {"order_id": "Name", "user_id": "Email", "item_id": "Lineitem sku", "timestamp": "Created at", "title": "Lineitem name", "quantity": "Lineitem quantity", "price": "Lineitem price"},
    ),
}  # fmt: skip
ITEMS = {
    "instacart": (
        "product_id,product_name,aisle_id,department_id\n1,Cookies,61,19\n",
        {"item_id": "product_id", "title": "product_name", "category": "department_id"},
    ),
    "dunnhumby": (
        "PRODUCT_ID,MANUFACTURER,DEPARTMENT,BRAND,COMMODITY_DESC,SUB_COMMODITY_DESC,CURR_SIZE_OF_PRODUCT\n"
        "25671,2,GROCERY,National,FRZN ICE,ICE - CRUSHED,22 LB\n",
        {"item_id": "PRODUCT_ID", "category": "DEPARTMENT", "brand": "BRAND"},
    ),
    "h&m": (
        "article_id,product_code,prod_name,product_type_no,product_type_name,product_group_name,colour_group_name,"
        "department_no,department_name,detail_desc\n0108775015,0108775,Strap top,253,Vest top,Upper body,Black,1676,Basics,J\n",
        {"item_id": "article_id", "product_id": "product_code", "title": "prod_name", "category": "product_type_name"},
    ),
    "movielens": (
        "movieId,title,genres\n1,Toy Story (1995),Adventure|Animation\n",
        {"item_id": "movieId", "title": "title", "tags": "genres"},
    ),
    "book-crossing": (
        '"ISBN";"Book-Title";"Book-Author";"Publisher"\n"001";"Clara Callan";"Mark";"Harper"\n',
        {"item_id": "ISBN", "title": "Book-Title", "brand": "Book-Author"},
    ),
    "amazon meta 2023": (
        "parent_asin,main_category,title,average_rating,price,store\nB01CUPMQZE,All Beauty,Howard,4.8,$21.98,Howard\n",
        {"item_id": "parent_asin", "title": "title", "price": "price"},
    ),
}  # fmt: skip


def shop(folder: Path, **files: str) -> Reading:
    """A folder of these tables, read."""
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text)
    return read(folder)


@pytest.mark.parametrize("name", EVENTS)
def test_events_are_read_as_they_come(tmp_path: Path, name: str) -> None:
    """Promise: every column of the contract that is there is found, no row is lost, and no word is needed."""
    text, columns = EVENTS[name]
    table = shop(tmp_path, events=text).report.tables[0]
    assert table.columns == columns
    assert (table.kept, table.rejected) == (1, ())


@pytest.mark.parametrize(
    ("date", "clock", "moment"),
    [
        ("2016-10-30", "09:58:11", "2016-10-30T09:58:11"),
        ("30/10/2016", "9:58", "2016-10-30T09:58"),
        ("30.10.2016", "09:58:11", "2016-10-30T09:58:11"),
        ("2016-10-30 07:00", "09:58", "2016-10-30T07:00"),
        ("2016-10-30", "", "2016-10-30"),
        ("2016-10-30", "958", "2016-10-30"),
        ("1477785600", "09:58", "2016-10-30"),
        ("2016-10-30", "9:05PM", "2016-10-30"),
        ("2016-10-30", "10:30-11:00", "2016-10-30"),
        ("2016-10-30", "25:10", "2016-10-30"),
    ],
)
def test_a_date_and_a_time_of_day_are_a_moment(tmp_path: Path, date: str, clock: str, moment: str) -> None:
    """Where the one is a date alone and the other a time; else the date is all there is."""
    events = shop(tmp_path, events=f"Date,Time,Transaction,Item\n{date},{clock},1,Bread\n").dataset.events
    assert events.time.astype("datetime64[s]").tolist() == [np.datetime64(moment, "s").item()]


def test_days_of_parquet_have_their_time_too(tmp_path: Path) -> None:
    """A column of dates is no text."""
    table = pa.table(
        {"Date": [datetime.date(2016, 10, 30)], "Time": ["09:58"], "Transaction": [1], "Item": ["a"]}
    )
    pq.write_table(table, tmp_path / "events.parquet")
    events = read(tmp_path).dataset.events
    assert events.time.astype("datetime64[s]").tolist() == [datetime.datetime(2016, 10, 30, 9, 58)]


@pytest.mark.parametrize(
    "names",
    [
        "date,sale_date",
        "date,time,order_time",
        "timestamp,time,order_time",
        "order_date,order_time,transaction_time",
    ],
)
def test_two_names_of_one_time_are_no_error(tmp_path: Path, names: str) -> None:
    """The better known one is taken."""
    values = ",".join(
        "2016-10-30" if "time" not in one.replace("timestamp", "") else "09:58" for one in names.split(",")
    )
    assert len(shop(tmp_path, events=f"user_id,item_id,{names}\nu,a,{values}\n").dataset.events) == 1


@pytest.mark.parametrize("name", ITEMS)
def test_catalogues_are_read_as_they_come(tmp_path: Path, name: str) -> None:
    """Promise: the same of items; what is no column of the contract stays an attribute."""
    text, columns = ITEMS[name]
    table = shop(tmp_path, items=text).report.tables[0]
    assert table.columns == columns
    assert table.kept == 1


def test_who_is_not_available_is_nobody(tmp_path: Path) -> None:
    """Promise: NA, as R writes it, is no customer of that name, and that is said; a product may be called so."""
    reading = shop(tmp_path, events="session_id,user_id,item_id\n1,NA,NA\n2,ann,a\n")
    assert reading.dataset.events.user.tolist() == [-1, 0]
    assert len(reading.dataset.items) == 2
    assert any(one.startswith("1 rows say NA for user_id") for one in reading.report.tables[0].notes)


@pytest.mark.parametrize(
    ("header", "hint"),
    [
        ("basketno,Item", 'under [columns.events]: user_id = "that name";'),
        ("user_id,thing", 'under [columns.events]: item_id = "that name";'),
        ("who,thing", 'under [columns.events]: item_id = "that name", user_id = "that name";'),
    ],
)
def test_the_hint_names_what_is_missing(tmp_path: Path, header: str, hint: str) -> None:
    """Promise: a column that was found is not asked for again."""
    with pytest.raises(DataError) as caught:
        shop(tmp_path, events=f"{header}\n1,2\n")
    assert hint in str(caught.value)


def test_colons_in_names_part_nothing(tmp_path: Path) -> None:
    """Promise: names with what they are of before them are names, as the recipe tells."""
    (tmp_path / "events.csv").write_text("e::user_id,e::item_id\n1,2\n")
    told = {"events": {"user_id": "e::user_id", "item_id": "e::item_id"}}
    assert len(read(tmp_path, aliases=told).dataset.events) == 1


PRICES = {
    "$5": 5, "5 €": 5, "£1,234.50": 1234.5, "1.234,50 €": 1234.5, "1 234,50 zł": 1234.5, "USD 12.5": 12.5,
    "12,50 EUR": 12.5, "US$ 3": 3, "₽99": 99, "$1,299": 1299, "1,299": 1299, "1.299.000": 1299000,
    "1'234.50": 1234.5, "1 234": 1234, "0,5": 0.5, "1.299": 1.299, "12 345 678,9 kr": 12345678.9,
}  # fmt: skip
NO_PRICES = ("$5$", "free", "5 per kg", "1,23,456", "0,125,5", "$", "EUR", "1.2.3")


def priced(folder: Path, written: Sequence[str]) -> Reading:
    """A catalogue with these prices, some of which may be refused."""
    rows = (f'i{at:02},"{one}","{one}"\n' for at, one in enumerate(written))
    (folder / "items.csv").write_text("item_id,price,old_price\n" + "".join(rows))
    return read(folder, max_rejected=1.0)


def test_prices_as_shops_write_them(tmp_path: Path) -> None:
    """Promise: one sign of currency before or after, thousands and decimals where they cannot be mistaken."""
    catalog = priced(tmp_path, [*PRICES]).dataset.catalog
    assert catalog.price.tolist() == pytest.approx([*PRICES.values()])
    assert catalog.old_price.tolist() == pytest.approx([*PRICES.values()])


def test_what_is_no_price_is_refused(tmp_path: Path) -> None:
    """Promise: nothing is guessed of a text that is no amount."""
    (rejected,) = priced(tmp_path, [*NO_PRICES, "1"]).report.tables[0].rejected
    assert (rejected.rows, rejected.reason) == (len(NO_PRICES), "price is not a number")
