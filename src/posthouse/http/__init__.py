"""HTTP endpoints: health and metrics."""
