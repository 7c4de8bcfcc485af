"""What the outside tests share: real server processes, a thin HTTP client, sample data, and fingerprints of it."""
