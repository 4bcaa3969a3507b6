"""The live page: what machines look like now (wall), who tells us of changes (feed), and who sees them (hub)."""
