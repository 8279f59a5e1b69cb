"""Stories and laws of Tarikh; `python -m tests.bench` holds its figures."""
