"""The home folder, atomic writes, SQLite, zips and folders as sources of files."""
