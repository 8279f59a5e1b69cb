"""The engine of the read models: it folds the log into their tables, once, in order, all of them in one pass."""
