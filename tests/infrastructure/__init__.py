"""What tests stand on: servers of their own, databases to spend, and the product's processes."""
