"""The platforms' memory: one SQLite file, so that a restart forgets nothing."""

import sqlite3
from collections.abc import Iterable
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any, TypeVar

from scripts.simulator.records import (
    Activity,
    ButtonMenu,
    CallbackAddress,
    CardShown,
    Code,
    Delivery,
    Follower,
    Grant,
    Heard,
    Identity,
    Job,
    Payment,
    Person,
    Refund,
    Sent,
    Shipment,
    Token,
)

Chat = Heard | Sent | Follower | CallbackAddress | ButtonMenu | Grant | CardShown
Record = Person | Identity | Code | Token | Payment | Refund | Job | Shipment | Delivery | Activity | Chat
Row = TypeVar(
    "Row",
    Person,
    Identity,
    Code,
    Token,
    Payment,
    Refund,
    Job,
    Shipment,
    Delivery,
    Activity,
    Heard,
    Sent,
    Follower,
    CallbackAddress,
    ButtonMenu,
    Grant,
    CardShown,
)

PRIMARY_KEYS: dict[type[Record], str] = {
    Person: "user",
    Identity: "platform, user, app_id",
    Code: "code",
    Token: "token",
    Payment: "provider, out_trade_no",
    Refund: "provider, out_refund_no",
    Job: "job_id",
    Shipment: "shipment_id",
    Delivery: "delivery_id",
    Activity: "activity_id",
    Heard: "heard_id",
    Sent: "sent_id",
    Follower: "user",
    CallbackAddress: "app",
    ButtonMenu: "app",
    Grant: "platform, openid, template_id",
    CardShown: "activity_id",
}
INDEXES = (
    "CREATE UNIQUE INDEX IF NOT EXISTS payment_prepay ON payment (prepay_id)",
    "CREATE INDEX IF NOT EXISTS payment_transaction ON payment (provider, transaction_id)",
    "CREATE INDEX IF NOT EXISTS refund_order ON refund (provider, out_trade_no)",
    "CREATE INDEX IF NOT EXISTS refund_number ON refund (provider, refund_id)",
    "CREATE UNIQUE INDEX IF NOT EXISTS identity_openid ON identity (platform, app_id, openid)",
    "CREATE INDEX IF NOT EXISTS token_kind ON token (platform, kind, issued_at)",
    "CREATE INDEX IF NOT EXISTS job_due ON job (due_at)",
    "CREATE INDEX IF NOT EXISTS shipment_order ON shipment (out_trade_no)",
    "CREATE INDEX IF NOT EXISTS heard_user ON heard (platform, user)",
    "CREATE INDEX IF NOT EXISTS sent_user ON sent (user)",
    "CREATE INDEX IF NOT EXISTS delivery_order ON delivery (provider, out_trade_no)",
)


class Store:
    """Reads and writes records whole; every write is committed before it returns."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode=WAL")
        # The platforms need not survive a power cut, only a killed process.
        self._connection.execute("PRAGMA synchronous=OFF")
        for kind, key in PRIMARY_KEYS.items():
            columns = ", ".join(field.name for field in fields(kind))
            table = kind.__name__.lower()
            self._connection.execute(f"CREATE TABLE IF NOT EXISTS {table} ({columns}, PRIMARY KEY ({key}))")
        for index in INDEXES:
            self._connection.execute(index)

    def close(self) -> None:
        self._connection.close()

    def save(self, record: Record) -> None:
        """Insert, or replace the record with the same key."""
        # An update rather than REPLACE, so that a changed record keeps its place in the order of making.
        kind = type(record)
        names = [field.name for field in fields(kind)]
        changes = ", ".join(f"{name} = excluded.{name}" for name in names)
        self._connection.execute(
            f"INSERT INTO {kind.__name__.lower()} VALUES ({', '.join('?' * len(names))}) "
            f"ON CONFLICT ({PRIMARY_KEYS[kind]}) DO UPDATE SET {changes}",
            astuple(record),
        )

    def save_all(self, records: Iterable[Record]) -> None:
        """All of them or none."""
        self._connection.execute("BEGIN")
        try:
            for record in records:
                self.save(record)
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def find(self, kind: type[Row], /, **equal: Any) -> list[Row]:
        """Records whose named columns have these values, oldest first."""
        where = " AND ".join(f"{column} = ?" for column in equal) or "1"
        query = f"SELECT * FROM {kind.__name__.lower()} WHERE {where} ORDER BY rowid"
        return [kind(*row) for row in self._connection.execute(query, tuple(equal.values()))]

    def one(self, kind: type[Row], /, **equal: Any) -> Row | None:
        found = self.find(kind, **equal)
        return found[0] if found else None

    def paid_between(self, provider: str, start: float, end: float) -> list[Payment]:
        """Orders paid from `start` and before `end`, in the order they were paid."""
        rows = self._connection.execute(
            "SELECT * FROM payment WHERE provider = ? AND state = 'SUCCESS' AND paid_at >= ? AND paid_at < ? "
            "ORDER BY paid_at, rowid",
            (provider, start, end),
        )
        return [Payment(*row) for row in rows]

    def refunded_between(self, provider: str, start: float, end: float) -> list[Refund]:
        """Refunds that arrived from `start` and before `end`, in the order they arrived."""
        rows = self._connection.execute(
            "SELECT * FROM refund WHERE provider = ? AND state = 'SUCCESS' AND settled_at >= ? AND settled_at < ? "
            "ORDER BY settled_at, rowid",
            (provider, start, end),
        )
        return [Refund(*row) for row in rows]

    def due_jobs(self, now: float) -> list[Job]:
        rows = self._connection.execute("SELECT * FROM job WHERE due_at <= ? ORDER BY due_at", (now,))
        return [Job(*row) for row in rows]

    def next_due(self, now: float) -> float | None:
        """When the first job after `now` falls due."""
        row: tuple[float | None] = self._connection.execute(
            "SELECT MIN(due_at) FROM job WHERE due_at > ?", (now,)
        ).fetchone()
        return row[0]

    def delete_job(self, job_id: str) -> None:
        self._connection.execute("DELETE FROM job WHERE job_id = ?", (job_id,))

    def use_code(self, code: str) -> None:
        self._connection.execute("UPDATE code SET used = 1 WHERE code = ?", (code,))
