"""What files say of people: what they were sent, and how they are reached."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from vitrina.audience.entries import Known
from vitrina.contact.decide import Contact
from vitrina.contact.hours import HOURS
from vitrina.contact.policy import Policy
from vitrina.errors import DataError

CONTACT_COLUMNS = ("user_id", "channel", "time")
CONTACT_MORE = ("item_ids", "opened_time", "zone")


def read_contacts(file: Path, policy: Policy) -> Known:
    """Contacts of a table: user_id, channel, time (seconds since 1970 UTC) and, where there, item_ids
    (joined by ';'), opened_time, zone. Raises DataError naming the file and the row."""
    contacts: dict[str, list[Contact]] = defaultdict(list)
    zones: dict[str, str] = {}
    opens: dict[str, Any] = {}
    everybody = np.zeros(HOURS, np.int64)
    for number, row in enumerate(table(file, CONTACT_COLUMNS, CONTACT_MORE), start=1):
        user = row["user_id"]
        try:
            opened = int(float(row["opened_time"] or 0))
            items = tuple(one for one in row["item_ids"].split(";") if one)
            contacts[user].append(Contact(row["channel"], int(float(row["time"])), items, opened))
        except ValueError:
            raise DataError(f"{file} row {number}: time and opened_time are seconds since 1970 UTC") from None
        if row["zone"]:
            zones[user] = row["zone"]
        if opened:
            hour = datetime.fromtimestamp(opened, policy.clock(zones.get(user, ""))).hour
            opens.setdefault(user, np.zeros(HOURS, np.int64))[hour] += 1
            everybody[hour] += 1
    return Known(contacts, opens, zones, everybody)


def table(file: Path, needed: tuple[str, ...], more: tuple[str, ...] = ()) -> Iterator[dict[str, str]]:
    """The rows of a .csv or .parquet as texts; missing ones of `more` are empty. Raises DataError."""
    import duckdb

    if not file.is_file():
        raise DataError(f"{file} is not a file")
    reader = (
        "read_parquet(?)" if file.suffix == ".parquet" else "read_csv(?, header = true, all_varchar = true)"
    )
    try:
        with duckdb.connect() as db:
            found = db.execute(f"SELECT * FROM {reader} LIMIT 0", [str(file)])  # noqa: S608 - names are ours
            there = {one[0] for one in found.description}
            if missing := [one for one in needed if one not in there]:
                raise DataError(f"{file} has no column {', '.join(missing)}; it needs {', '.join(needed)}")
            wanted = [one for one in (*needed, *more) if one in there]
            chosen = ", ".join(f'CAST("{one}" AS VARCHAR)' for one in wanted)
            rows = db.execute(f"SELECT {chosen} FROM {reader}", [str(file)])  # noqa: S608 - names are ours
            while batch := rows.fetchmany(10_000):
                for row in batch:
                    said = dict(zip(wanted, (one or "" for one in row), strict=True))
                    if all(said[one] for one in needed):
                        yield {one: said.get(one, "") for one in (*needed, *more)}
    except duckdb.Error as reason:
        raise DataError(f"{file} must be .csv or .parquet: {reason}") from reason
