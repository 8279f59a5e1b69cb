"""The engine of the read models: folds the log into their tables, once, in order, all in one pass."""
