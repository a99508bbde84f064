"""One file per job people come with: its data, its model, its metrics and the baselines beside them."""
