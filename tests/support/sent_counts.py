"""The counts of messages in a summary, which add up."""


def sent_counts(
    *, seen: int = 0, pending: int = 0, rejected: int = 0, unknown: int = 0, skipped: int = 0, not_sent: int = 0
) -> dict[str, int]:
    """Return the counts of a run, of which so many messages were seen in ICAT, are pending, and so on."""
    accepted = seen + pending
    return {
        "confirmed": accepted + rejected + unknown + skipped + not_sent,
        "accepted": accepted,
        "seen": seen,
        "rejected": rejected,
        "unknown": unknown,
        "skipped": skipped,
        "not_sent": not_sent,
    }
