"""Proof that nobody altered the log: a tree over its leaves, signed heads, proofs, exports, verification."""
