"""Tables and plots: they read results, never events."""
