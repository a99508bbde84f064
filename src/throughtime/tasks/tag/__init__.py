"""Learn slots, entities and intents."""
