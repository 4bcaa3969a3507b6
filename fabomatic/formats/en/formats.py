"""Short enough for a list on a phone, on a clock of 24 hours as in the lab."""

DATE_FORMAT = "j M Y"
DATETIME_FORMAT = "j M Y, H:i"
TIME_FORMAT = "H:i"
# Else the month before the day, in a lab where nobody writes it so.
SHORT_DATE_FORMAT = DATE_FORMAT
SHORT_DATETIME_FORMAT = DATETIME_FORMAT
