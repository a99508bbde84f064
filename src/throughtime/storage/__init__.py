"""The folder a model lives in: what is in it, and how it is written."""
