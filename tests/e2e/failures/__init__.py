"""What goes wrong, how it is told, and that nothing is lost or said twice."""

import pytest

# Their assertions should say what they saw, as those in tests do.
pytest.register_assert_rewrite("e2e.failures.cast")
