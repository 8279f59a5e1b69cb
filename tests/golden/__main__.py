"""`python -m tests.golden`: add the golden samples that this release is the first to store."""

from tests.golden.samples import regenerate

for name in regenerate():
    print(f"added a sample of {name}")
