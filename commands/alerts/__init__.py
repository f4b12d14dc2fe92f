"""What needs attention: outcomes that nobody proved, words that contradict each other, makers that are down."""
