"""The parts of *tamper*: a signed log, what can be done to it and to its export, and who must notice."""
