"""A bench without a shop: a procedure that a file asks for, run with a person at the keyboard."""
