"""Makes the picture of docs/report-page.md: python -m tests.report.page.picture"""

from pathlib import Path
from tempfile import TemporaryDirectory

from costspan.cli import main
from tests.report.page.browsing import Opened, chromium
from tests.report.page.samples import rich

PICTURE = Path(__file__).parents[3] / "docs" / "report-page.png"

if __name__ == "__main__":
    with TemporaryDirectory() as folder, chromium() as browser:
        page = Path(folder, "report.html")
        main(["report", str(rich(Path(folder, "logs"))), "--html", str(page)])
        context = browser.new_context(viewport={"width": 1120, "height": 880}, offline=True)
        Opened(context, page).page.screenshot(path=PICTURE)
