"""What test modules share and that is no fixture: servers, facilities, builders of samples, one module for each."""
