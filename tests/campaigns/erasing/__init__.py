"""Parts of the campaign *erasure*: marks, people who are made of them, their house, and the search."""
