"""# Print handoff

**What** Sends the printer each approved book: print-ready files under the printer's own names, a job ticket (JSON, CSV, PDF), what the
checks found, and a manifest with every sha256, last. Only approved, current versions leave; a revision makes a new package that names
the one it replaces.

**When** As soon as a work reaches one of the printer's stages (`[handoff]`, usually *production approved*) or files were approved; by
the printer's schedule for what an event missed; by hand for one title, in whatever stage.

**After a failure** Start a new run, or clear the failed tasks: both send what is missing, once, under the same names.

**Asks a person** When a check of a file fails: pages, trim, bleed, spine, fonts, PDF/X, colours. No answer in twelve hours means no.

**Connections** `partner_<id>`, `consonance` (production runs), `colophon_ledger`
"""

from __future__ import annotations

from airflow.sdk import Param, dag

from colophon.policy import Tag, deadline_for, defaults
from colophon.tasks import packages
from include.partners import Party, load_parties


def print_handoff(printer: Party) -> None:
    @dag(
        dag_id=f"print_handoff__{printer.id}",
        dag_display_name=f"Print handoff: {printer.name}",
        schedule=packages.when(printer, printer.handoff.stages if printer.handoff else ()),
        default_args=defaults(printer),
        deadline=deadline_for(printer),
        doc_md=__doc__,
        tags=[Tag.PRODUCTION, Tag.DELIVERY],
        max_active_runs=1,
        params={
            "title": Param(None, type=["null", "string"], title="Title", description="ISBN or words of one title; empty: all that are due.")
        },
    )
    def handoff() -> None:
        packages.each_package("print_handoff", printer).expand(title=packages.due("print_handoff", printer.id))

    handoff()


for each in load_parties():
    if each.handoff is not None:
        print_handoff(each)
