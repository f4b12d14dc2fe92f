"""What the tests of adapters share."""

import pytest

# The contract's tests are inherited from a module that is no test file: without this a failure would not say what was.
pytest.register_assert_rewrite("tests.fleet.adapters.contract", "tests.fleet.adapters.dialects.engine")
