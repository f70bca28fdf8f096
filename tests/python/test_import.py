# SPDX-License-Identifier: Apache-2.0
"""`import unity` is light, and works wherever Python runs."""

HEAVY = (
    "numpy asyncio subprocess inspect socket multiprocessing pandas polars pyarrow scipy networkx "
    "decimal uuid zoneinfo unity._tables unity._graphs unity._arrow"
)


def test_heavy_modules_are_not_imported(run_script):
    code = f"""
        import sys
        import unity
        print([name for name in {HEAVY.split()} if name in sys.modules])
    """
    assert run_script(code) == "[]\n"


def test_calls_without_arrays_import_nothing_heavy(run_script):
    code = f"""
        import sys
        import unity
        with unity.launch(diagnostics=True) as session:
            session.types.Counter().increment(3)
            session.toolkits.demo_addone(x=1)
            session.toolkits.diagnostics.echo([1, "a", {{2: None}}, b"x"])
            repr(session), dir(session.types), repr(session.types)
        print([name for name in {HEAVY.split()} if name in sys.modules])
    """
    assert run_script(code) == "[]\n"


def test_everything_public_is_documented_and_listed(run_script):
    code = """
        import unity
        missing = [name for name in unity.__all__ if not getattr(unity, name).__doc__]
        print(missing, sorted(set(unity.__all__) - set(dir(unity))))
    """
    assert run_script(code) == "[] []\n"


def test_it_can_be_imported_from_a_thread(run_script):
    code = """
        import threading
        def work():
            import unity
            with unity.launch() as session:
                print(session.types.Counter().increment(2))
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    """
    assert run_script(code) == "2\n"
