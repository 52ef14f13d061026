"""The end of the demo: the report of its calls, as a table and as a page for a browser."""

from pathlib import Path

from costspan import cli

PAGE = "report.html"


def report(folder, session):
    """The commands that a user would type: the calls of this session, then a page of all calls."""
    page = str(Path(folder, PAGE))
    where = f"session_id = '{session}'"
    print(f'  $ costspan report {folder} --by agent --where "{where}"\n', flush=True)
    cli.main(["report", folder, "--by", "agent", "--where", where])
    print(f"\n  $ costspan report {folder} --html {page}\n", flush=True)
    cli.main(["report", folder, "--html", page])
    print()
