"""Running a verb: idempotency, scarce pieces, queueing, one transaction, and the events and messages it leaves."""
