"""`python -m demo`: see `make demo`."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import FrameType

import requests
from rich.console import Console

from demo import book, tables, trade
from demo.airflow_api import AirflowApi
from demo.book import Book
from demo.children import Children, DemoError
from demo.home import USER, Home, make_home
from demo.outcome import Outcome, held_back, outcomes
from demo.progress import Progress
from demo.trade import Trade
from include.ledger.database import Ledger
from include.partners import Partner, load_partners

ROOT = Path(__file__).resolve().parents[1]
CATALOGUE = "catalogue_sync"
BUTTONS = ("redeliver", "connections_check")  # what the pages' buttons start
ARCHIVED = 60  # files in the old archive, for whoever starts archive_migration__vault


class Demo:
    """One demo: `prepare`, `play`, `show`. Times are seconds since the start."""

    book: Book | None
    trade: Trade | None

    def __init__(self, home: Home, console: Console, titles: int, *, keep: bool = False) -> None:
        self.home, self.console, self.titles = home, console, titles
        self.children = Children(home.logs, home.root, home.environment())
        self.api = AirflowApi(home.url)
        self.partners: list[Partner] = load_partners()
        self.ledger = Ledger(f"sqlite:///{home.ledger}")
        self.keep, self.book, self.trade = keep, None, None
        self.begun = time.monotonic()

    def prepare(self) -> None:
        """Sandbox, databases, Airflow's components, DAGs, pools."""
        python = sys.executable
        self.say(f"starting the sandbox with {self.titles} titles, and making Airflow's database")
        self.children.start("sandbox", python, "-m", "sandbox", "--dir", str(self.home.sandbox), "--titles", str(self.titles))
        migration = self.children.begin("migration", "airflow", "db", "migrate")
        self.ledger.upgrade()
        self.wait("the sandbox", (self.home.sandbox / "ready.json").exists, 120)
        self.home.write_connections()
        self.children.finish(migration)
        self.say("starting Airflow")
        for component in ("api-server", "scheduler", "dag-processor"):
            self.children.start(component, "airflow", component)
        pools = json.loads(self.children.run("pools", python, "-m", "colophon.policy"))
        self.wait("Airflow's API server", self._logged_in, 180)
        for name, pool in pools.items():
            self.api.make_pool(name, pool["slots"], pool["description"])
        self.wait("the scheduler", lambda: self.api.is_healthy("scheduler"), 120)
        self.wait("the DAGs", self._dags_are_there, 120)
        self.say(f"Airflow is up: {self.home.url}")

    def play(self) -> None:
        """The mirror first, then every partner's feed at once, all through the scheduler."""
        progress = Progress(self.api, self.console, self.children.check)
        (mirror,) = progress.run([CATALOGUE], 300)
        if mirror.state != "success":
            raise DemoError(f"{CATALOGUE} failed, so there is nothing to send. {mirror.complaint}")
        self.book = book.choose(self.ledger)
        if self.book:
            self.say(f"files come in for “{self.book.title}”: typesetter, author, agent; some are not what they seem")
            sandbox = book.Sandbox(json.loads((self.home.sandbox / "ready.json").read_text())["consonance"])
            if not self.keep:
                book.drop(sandbox, self.book)
                trade.drop(sandbox)
                sandbox.call("archive", {"files": ARCHIVED})
            intakes = progress.start([*book.INTAKES, trade.SALES, trade.STATEMENTS])
        progress.run([_feed(partner) for partner in self.partners], 900)
        # deferred waits are the triggerer's; nothing above needs it, and starting it later leaves the cores to the feeds
        self.children.start("triggerer", "airflow", "triggerer")
        if self.book:
            progress.follow(intakes, 600)
            self._go_to_press(self.book, sandbox, progress)

    def _go_to_press(self, title: Book, sandbox: book.Sandbox, progress: Progress) -> None:
        """People approve the files and the stage changes; the flow to the printer starts by itself."""
        for dag_id in ("approved_files", book.HANDOFF, trade.WORKBOOKS, *BUTTONS):
            self.api.unpause(dag_id)
        approved = book.approve(self.ledger, title, self.api.post)
        self.say(f"production approves {approved} files; “{title.title}” moves to the stage {book.STAGE}")
        sandbox.call("edit", {"work_id": title.work_id, "set": {"stage": book.STAGE}})
        progress.run([CATALOGUE], 300)
        book.wait_for_press(self.ledger, title, self.children.check)
        progress.run(["readiness_reports"], 300)

    def show(self) -> list[Outcome]:
        """The closing tables; also written to outcome.json."""
        found = outcomes(self.ledger, self.partners, self.home.sandbox)
        held = held_back(self.ledger)
        self.console.print()
        self.console.print(tables.deliveries_table(found, {partner.id: partner.name for partner in self.partners}))
        if held:
            self.console.print(tables.held_table(held, len(self.partners)))
        if self.book:
            book.read_back(self.ledger, self.book, self.home.sandbox)
            self.console.print(tables.arrivals_table(self.book.arrivals))
            self.console.print(tables.package_table(self.book))
            self.trade = trade.read_back(self.ledger, self.home.sandbox)
            self.console.print(tables.sales_table(self.trade))
            self.console.print(tables.statements_table(self.trade))
        password = self.home.secrets["password"]
        self.console.print(
            f"Airflow   {self.home.url}/  user [bold]{USER}[/]  password [bold]{password}[/]", highlight=False, soft_wrap=True
        )
        self.console.print(f"Pages     {self.home.url}/plugin/deliveries", highlight=False, soft_wrap=True)
        self.console.print(f"Partners  {self.home.sandbox / 'partners'}", highlight=False, soft_wrap=True)
        self.console.print(f"Logs      {self.home.logs}", highlight=False, soft_wrap=True)
        report = {"url": self.home.url, "user": USER, "seconds": round(time.monotonic() - self.begun, 1)}
        report |= {"partners": [asdict(one) for one in found], "held": [asdict(one) | {"partners": sorted(one.partners)} for one in held]}
        report |= {"book": asdict(self.book) if self.book else None, "trade": asdict(self.trade) if self.trade else None}
        (self.home.folder / "outcome.json").write_text(json.dumps(report, indent=1))
        return found

    def stay(self) -> None:
        self.say("open until Ctrl-C")
        while True:
            time.sleep(1)
            self.children.check()

    def stop(self) -> None:
        self.children.stop()
        self.ledger.dispose()

    def say(self, text: str) -> None:
        self.console.print(f"[dim]{time.monotonic() - self.begun:6.1f} s[/]  {text}", highlight=False)

    def wait(self, what: str, ready: Callable[[], bool], seconds: float) -> None:
        """Ask until it is so. DemoError when a process has died, or after `seconds`."""
        until = time.monotonic() + seconds
        while not self._answers(ready):
            self.children.check()
            if time.monotonic() > until:
                tails = "\n\n".join(f"{child.log}:\n{child.tail(8)}" for child in self.children.running)
                raise DemoError(f"{what} was not ready after {seconds:.0f} s.\n{tails}")
            time.sleep(0.3)

    @staticmethod
    def _answers(ready: Callable[[], bool]) -> bool:
        try:
            return ready()
        except requests.RequestException:
            return False

    def _logged_in(self) -> bool:
        self.api.log_in(USER, self.home.secrets["password"])
        return True

    def _dags_are_there(self) -> bool:
        if errors := self.api.import_errors():
            raise DemoError("DAG files with errors:\n" + "\n".join(errors))
        wanted = {
            CATALOGUE,
            *BUTTONS,
            "approved_files",
            "readiness_reports",
            book.HANDOFF,
            *book.INTAKES,
            trade.SALES,
            trade.STATEMENTS,
            trade.WORKBOOKS,
        }
        return {*wanted, *(_feed(partner) for partner in self.partners)} <= self.api.dag_ids()


def _feed(partner: Partner) -> str:
    return f"metadata_feed__{partner.id}"


def main(arguments: list[str] | None = None) -> int:
    """0 if every partner has its files; 1 if not, or if the demo could not run; 130 after Ctrl-C before the end."""
    parser = argparse.ArgumentParser(prog="python -m demo", description="The sandbox, Airflow, and every feed through it.")
    parser.add_argument("--exit", action="store_true", help="end after the closing table")
    parser.add_argument("--keep", action="store_true", help="go on with the state of the last demo: deltas instead of full feeds")
    parser.add_argument("--titles", type=int, default=200, help="size of the catalogue (default 200)")
    parser.add_argument("--port", type=int, default=0, help="port of the Airflow UI (default: a free one)")
    parser.add_argument("--home", type=Path, default=ROOT / ".demo", help="where the demo keeps its state")
    options = parser.parse_args(arguments)
    console = Console()
    if not console.is_terminal:
        console = Console(width=160)  # a log file has no width of its own
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # SIGINT, too: what a shell starts in the background ignores it
        signal.signal(number, _interrupt)
    demo = None
    try:
        home, _lock = make_home(ROOT, options.home.resolve(), keep=options.keep, port=options.port)
        demo = Demo(home, console, options.titles, keep=options.keep)
        demo.prepare()
        demo.play()
        found = demo.show()
        missing = [outcome for outcome in found if outcome.problem]
        for outcome in missing:
            _complain(console, f"{outcome.partner}: {outcome.problem}")
        if demo.book and demo.book.problem:
            _complain(console, f"{demo.book.title}: {demo.book.problem}")
        if demo.trade and demo.trade.problem:
            _complain(console, demo.trade.problem)
        if not options.exit:
            demo.stay()
        return 1 if missing or any(act.problem for act in (demo.book, demo.trade) if act) else 0
    except DemoError as failed:
        _complain(console, str(failed))
        return 1
    except requests.RequestException as failed:
        log = (demo.home.logs / "api-server.log") if demo else None
        _complain(console, f"Airflow's API server: {failed}; its log is {log}")
        return 1
    except KeyboardInterrupt:
        console.print("\nending", highlight=False)
        return 130 if options.exit else 0
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # ending takes some seconds; a second Ctrl-C must not leave processes behind
        if demo is not None:
            demo.stop()


def _complain(console: Console, text: str) -> None:
    console.print("✘", text, style="red", highlight=False, markup=False, soft_wrap=True)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
