"""What a text in a shop's file means: ids, numbers, moments, yes and no, category paths.

All of it is SQL that DuckDB runs over whole columns, as macros named by what they make of a text.
"""

from __future__ import annotations

from vitrina.dataset import PATH
from vitrina.ids import MAX_ID_BYTES
from vitrina.readers.scan import Db, literal

MISSING = (
    *("", "null", "none", "nan", "nat", "<na>", "n/a", "\\n", "undefined"),
    *("(not set)", "(none)", "(not provided)"),
)
YES = "true t yes y 1 on instock available preorder backorder"
NO = "false f no n 0 off outofstock unavailable soldout discontinued"
EARLIEST = 631_152_000_000_000
"""1990-01-01 in microseconds: a shop's log does not reach further back; a broken clock does."""

_BLANKS = literal(" \t\r\n\u00a0\ufeff")
_SPACE = r"[ \x{00a0}\x{202f}]"
_CURRENCY = r"\p{Sc}|[A-Z]{3}|[A-Z]{1,2}\$|zł|kr|Kč|Ft|lei|руб[.]?"
_DAYS = ("%d %b %Y", "%d-%b-%y", "%d-%b-%Y", "%b %d, %Y", "%b %d %Y", "%d %B %Y", "%B %d, %Y")
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
SPELLINGS = (
    "%Y-%m-%d %I:%M %p",
    "%Y-%m-%d %I:%M:%S %p",
    "%Y-%m-%d %H",
    "%Y-%m-%d %H:%M:%S %z",
    *(day + clock for day in _DAYS for clock in _CLOCKS),
    "%d-%b-%y %I.%M.%S %p",
    "%d-%b-%y %I.%M.%S.%f %p",
    "%a, %d %b %Y %H:%M:%S %z",
    "%a, %d %b %Y %H:%M:%S GMT",
    "%a %b %d %H:%M:%S %Y",
    "%a %b %d %H:%M:%S %Z %Y",
)
"""Moments with the month's name, as databases, mails and C write them, and others; none can be mistaken."""
SHORT_YEAR = r"\d{1,2}-[A-Za-z]{3}-\d{2}( .*)?"
SERIAL = (32_874, 73_050)
"""1990 to 2099 in days since 1900, as spreadsheets count; as seconds they would all be of one day of 1970."""
DATE = r"^(\d{1,2})[/.-](\d{1,2})[/.-](\d{4}|\d{2})($|[ T])"

_MACROS = rf"""
CREATE MACRO bare(raw) AS (
    CASE WHEN raw[1] BETWEEN '!' AND '~' AND raw[-1] BETWEEN '!' AND '~' THEN raw
         ELSE trim(raw, {_BLANKS}) END);
CREATE MACRO given(raw) AS (
    CASE WHEN strlen(bare(raw)) <= {max(map(len, MISSING))}
            AND lower(bare(raw)) IN ({", ".join(literal(one) for one in MISSING)}) THEN NULL
         ELSE bare(raw) END);
CREATE MACRO whole(number) AS (
    CASE WHEN number = floor(number) AND abs(number) < 9e15 THEN CAST(TRY_CAST(number AS BIGINT) AS VARCHAR)
         ELSE CAST(number AS VARCHAR) END);
CREATE MACRO comma(text) AS
    regexp_full_match(text, '[+-]?([0-9]+|[0-9]{{1,3}}([ .\x{{00a0}}][0-9]{{3}})+),[0-9]{{1,2}}');
CREATE MACRO number(text) AS (
    CASE WHEN TRY_CAST(text AS DOUBLE) IS NOT NULL THEN TRY_CAST(text AS DOUBLE)
         WHEN comma(text)
         THEN TRY_CAST(replace(regexp_replace(text, '[ .\x{{00a0}}]', '', 'g'), ',', '.') AS DOUBLE)
         WHEN regexp_full_match(text, '[+-]?[0-9]{{1,3}}(,[0-9]{{3}})+\.[0-9]+')
         THEN TRY_CAST(replace(text, ',', '') AS DOUBLE) END);
CREATE MACRO unsigned(text) AS regexp_replace(text, '^({_CURRENCY}){_SPACE}*|{_SPACE}*({_CURRENCY})$', '');
CREATE MACRO amount(text) AS (
    CASE WHEN number(text) IS NOT NULL THEN number(text)
         WHEN regexp_full_match(text, '[+-]?[0-9]{{1,3}}((,[0-9]{{3}}){{2,}}|(\.[0-9]{{3}}){{2,}})')
            OR regexp_full_match(text, '[+-]?[1-9][0-9]{{0,2}},[0-9]{{3}}')
         THEN TRY_CAST(regexp_replace(text, '[.,]', '', 'g') AS DOUBLE)
         WHEN regexp_full_match(text, '[+-]?[0-9]{{1,3}}({_SPACE}[0-9]{{3}})+([.,][0-9]{{1,2}})?')
            OR regexp_full_match(text, '[+-]?[0-9]{{1,3}}([''’][0-9]{{3}})+([.,][0-9]{{1,2}})?')
         THEN TRY_CAST(replace(regexp_replace(text, '{_SPACE}|[''’]', '', 'g'), ',', '.') AS DOUBLE) END);
CREATE MACRO money(text) AS coalesce(amount(text), amount(unsigned(text)));
CREATE MACRO scale(number) AS (
    CASE WHEN abs(number) < 1e11 THEN 1e6 WHEN abs(number) < 1e14 THEN 1e3
         WHEN abs(number) < 1e17 THEN 1 ELSE 1e-3 END);
CREATE MACRO day(text) AS regexp_full_match(text, '(19|20)[0-9]{{6}}([0-9]{{4}}([0-9]{{2}})?)?');
CREATE MACRO iso(text, day_first) AS regexp_replace(
    regexp_replace(text, '^(\d{{1,2}}[/.-]\d{{1,2}}[/.-])(\d{{2}})($|[ T])', '\120\2\3'),
    '^(\d{{1,2}})[/.-](\d{{1,2}})[/.-](\d{{4}})', CASE WHEN day_first THEN '\3-\2-\1' ELSE '\3-\1-\2' END);
CREATE MACRO moment(text) AS coalesce(
    epoch_us(TRY_CAST(text AS TIMESTAMPTZ)),
    epoch_us(try_strptime(text, [{", ".join(map(literal, SPELLINGS))}])));
CREATE MACRO instant(text, day_first) AS (
    CASE WHEN starts_with(text, '@') THEN TRY_CAST(substr(text, 2) AS BIGINT)
         WHEN day(text) THEN epoch_us(try_strptime(text, ['%Y%m%d', '%Y%m%d%H%M', '%Y%m%d%H%M%S']))
         WHEN TRY_CAST(text AS DOUBLE) IS NOT NULL
         THEN TRY_CAST(round(TRY_CAST(text AS DOUBLE) * scale(TRY_CAST(text AS DOUBLE))) AS BIGINT)
         WHEN regexp_matches(text, '{DATE}') THEN moment(iso(text, day_first))
         ELSE moment(text) END);
CREATE MACRO yes(text) AS (
    CASE WHEN lower(regexp_replace(text, '[ _-]', '', 'g')) IN {tuple(YES.split())} THEN true
         WHEN lower(regexp_replace(text, '[ _-]', '', 'g')) IN {tuple(NO.split())} THEN false
         ELSE TRY_CAST(text AS DOUBLE) > 0 END);
CREATE MACRO listed(text) AS (
    CASE WHEN starts_with(text, '[') AND json_valid(text)
         THEN array_to_string(json_extract_string(CASE WHEN json_valid(text) THEN text END, '$[*]'), ' > ')
         ELSE text END);
CREATE MACRO path(text, sign) AS array_to_string(list_filter(list_transform(string_split(
    regexp_replace(listed(text), '[\x00-\x1f]', ' ', 'g'), sign),
    lambda step: trim(step)), lambda step: step <> ''),
    {literal(PATH)});
CREATE MACRO several(text) AS list_distinct(list_filter(list_transform(
    string_split_regex(listed(text), '[;|,>]'), lambda word: trim(word)),
    lambda word: word <> '' AND strlen(word) <= {MAX_ID_BYTES} AND NOT contains(word, chr(0))));
CREATE MACRO short(text) AS (
    CASE WHEN text <> '' AND strlen(text) <= {MAX_ID_BYTES} AND NOT contains(text, chr(0)) THEN text END);
CREATE MACRO unfit(id) AS (
    CASE WHEN strlen(id) > {MAX_ID_BYTES} THEN 'is longer than {MAX_ID_BYTES} bytes'
         WHEN contains(id, chr(0)) THEN 'holds a NUL or bytes that are not UTF-8' END);
"""


def define(db: Db) -> None:
    """Teach a connection these meanings; a moment without a zone is UTC."""
    db.execute("SET TimeZone = 'UTC'")
    for macro in _MACROS.split(";\n"):
        if macro.strip():
            db.execute(macro)


def text(column: str, kind: str) -> str:
    """SQL of a column of any DuckDB type as a text that means the same; NULL where nothing is given.

    A moment becomes '@' and microseconds; a whole number loses the '.0' that a missing value
    beside it gave it; bytes that are not UTF-8 become a NUL, which no id may hold.
    """
    if kind.startswith(("TIMESTAMP", "DATE")):
        moment = f"CAST(TRY(epoch_us(TRY_CAST({column} AS TIMESTAMPTZ))) AS VARCHAR)"
        return f"CASE WHEN {column} IS NOT NULL THEN '@' || coalesce({moment}, '') END"
    if kind.endswith("INT") or kind == "INTEGER":
        return f"CAST({column} AS VARCHAR)"
    if kind in {"DOUBLE", "FLOAT"}:
        return f"CASE WHEN NOT isnan({column}) THEN whole({column}) END"
    if kind == "BLOB":
        return f"CASE WHEN {column} IS NOT NULL THEN given(coalesce(TRY(decode({column})), chr(0))) END"
    if kind.endswith("[]"):
        return f"given(array_to_string({column}, ' > '))"
    return f"given(CAST({column} AS VARCHAR))"
