"""Virtual boards: they behave towards a broker and a backend as the firmware does. Knows no database of ours."""
