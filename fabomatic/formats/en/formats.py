"""Short enough for a list on a phone, on a clock of 24 hours as in the lab."""

DATE_FORMAT = "j M Y"
DATETIME_FORMAT = "j M Y, H:i"
TIME_FORMAT = "H:i"
