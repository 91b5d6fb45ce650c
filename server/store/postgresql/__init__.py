"""A PostgreSQL server as the store: needs the extra ``postgresql``. Nothing here but ``url`` is imported without it."""
