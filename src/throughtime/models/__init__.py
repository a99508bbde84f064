"""What models are put together from, written once over a few array operations."""
