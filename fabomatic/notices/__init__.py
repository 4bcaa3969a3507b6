"""Mails about what happens: each thing is told to each person once, and only while it is so."""
