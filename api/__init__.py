"""HTTP: turns requests into commands and queries, and results into responses, in three languages."""
