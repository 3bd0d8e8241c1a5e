"""The embedded back end: stock sqlite3 in WAL mode, one area of tables for each file of migrations."""
