"""Process managers: what the house does by itself when something was recorded, once and never again.

A manager names the events that it reacts to, and says by a pure function what is to be done. Feeding looks
which of them the log has, and puts a job into the queue for each, in the transaction that moves the manager's
checkpoint. A job runs the commands, under a key made of manager and position: however often it runs, they are
recorded once. No read model is asked and none is told: a rebuild moves nothing here.
"""
