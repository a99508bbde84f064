"""What tasks that read texts share."""
