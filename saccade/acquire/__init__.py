"""From a publisher's server to a dataset's raw folder. No torch."""
