"""Messages to ICAT: their bodies, the connection to a broker, and sending with receipts."""
