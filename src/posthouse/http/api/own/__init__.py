"""What somebody does with the account that the token is of: everything below `/self`."""
