"""Pages for people who look at the lab, one file each."""
