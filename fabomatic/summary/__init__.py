"""The weekly summary: which week, what happened in it, what of that its reader may know, and to whom it goes."""
