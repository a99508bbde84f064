"""The one-file HTML page about a trained model."""
