"""What runs unattended: never twice at once, on no wrong database, and never failing in silence."""
