"""The sandbox: a whole facility on one machine (raw data, ICAT+, broker, ingester), for the demo and for tests."""
