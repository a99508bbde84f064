"""Learn a text and write on."""
