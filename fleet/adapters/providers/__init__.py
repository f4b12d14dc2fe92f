"""One folder per maker: their words, their quirks."""
