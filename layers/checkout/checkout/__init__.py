"""Orders and payments: what the functions share."""
