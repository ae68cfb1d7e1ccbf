"""One pending message: find its account, make the token, call the channels."""
