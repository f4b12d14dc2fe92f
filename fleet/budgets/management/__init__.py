"""Commands of budgets for the person who runs the installation."""
