"""Learn to tell texts apart."""
