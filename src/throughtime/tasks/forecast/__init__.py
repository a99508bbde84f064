"""Learn series and forecast them."""
