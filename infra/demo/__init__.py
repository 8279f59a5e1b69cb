"""Invented patients and their stories, for whoever wants to see Tarikh at work and has no patients."""
