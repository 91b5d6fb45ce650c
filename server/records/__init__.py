"""What is kept of ended sessions and assessed files: values, what is counted of them, and the port to the store."""
