"""What staff reads about a span of time: counted by the database, drawn here."""
