"""When jobs run: for cron, and for the timers in deploy/systemd, which say the same.

No hour that summer time leaves out or repeats. First what is too old goes, then the backup is made: it shall not hold
what the lab may no longer have.
"""

from __future__ import annotations

SCHEDULE: dict[str, str] = {
    "purge_gdpr": "40 3 * * *",
    "backup": "10 4 * * *",
    "check_hours": "40 4 * * 0",
    "send_weekly_summary": "5 7 * * *",  # once a week to each; what failed is tried again the next day
    "send_notices": "*/15 * * * *",
    "close_lost_uses": "25 * * * *",
}
