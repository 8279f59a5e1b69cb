"""Generic event logs: a table of cases, activities and times becomes patients and their events, by a map."""
