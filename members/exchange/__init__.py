"""Lists as files and back. Columns are fields and widgets of django-import-export; its views are not used: they keep
the whole file in memory, and hold the only write lock of SQLite for as long as an import takes, dry run too.
It is no installed app, so that openpyxl is loaded by whoever asks for XLSX only: 8 MB of each web process."""
