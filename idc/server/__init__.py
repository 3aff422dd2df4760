"""HTTP around the pages: API, token, quotas, limits, health."""
