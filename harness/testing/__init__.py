"""Contract tests for authors of plug-ins: what every method, data set, launcher and tracker owes.

The harness's own are held to the same. Nothing here needs pytest: a check raises AssertionError when called::

    from harness.testing.plugins import plugin_checks

    @pytest.mark.parametrize("check", plugin_checks("my_method.py"), ids=str)
    def test_contract(check, tmp_path):
        check(tmp_path)
"""
