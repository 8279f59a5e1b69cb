"""Campaigns: each tries by chance, repeatable from a seed, to catch the log at something it must never do."""
