"""How the tables came about, one file per step. Alembic runs them when a database is opened."""
