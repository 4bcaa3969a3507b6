"""What the lab may no longer keep, what it owes to a person, and what it forgets about one."""
