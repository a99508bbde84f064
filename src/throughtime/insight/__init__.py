"""Looking inside: how gradients flow through time, what gates do, what a model looked at, and what to do about it."""
