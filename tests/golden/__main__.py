"""`python -m tests.golden`: write down the samples and shapes that this release is the first to store."""

from tests.golden import samples, shapes

for name in samples.regenerate():
    print(f"added a sample of {name}")
for name in shapes.regenerate():
    print(f"wrote down the shape of {name}")
