"""Speed as ratios taken side by side in one run: ours against the limit and against the peer."""
