"""# Format delivery

**What** Sends a specialised vendor its formats of its titles, and nothing else: e-books, recordings chapter by chapter, files for
accessible editions; named and checked as the vendor wants, sealed with OpenPGP where it wants that.

**When** As soon as files were approved or a work reaches one of the vendor's stages (`[formats]`); by the vendor's schedule for what an
event missed; by hand for one title, in whatever stage.

**After a failure** Start a new run, or clear the failed tasks: both send what is missing, once, under the same names.

**Asks a person** When a check of a file fails: EPUBCheck, accessibility metadata, loudness, a missing chapter. No answer in twelve
hours means no.

**Connections** `partner_<id>`, `colophon_ledger`
"""

from __future__ import annotations

from airflow.sdk import Param, dag

from colophon.policy import Tag, deadline_for, defaults
from colophon.tasks import packages
from include.partners import Party, load_parties


def format_delivery(vendor: Party) -> None:
    @dag(
        dag_id=f"format_delivery__{vendor.id}",
        dag_display_name=f"Format delivery: {vendor.name}",
        schedule=packages.when(vendor, vendor.formats.stages if vendor.formats else ()),
        default_args=defaults(vendor),
        deadline=deadline_for(vendor),
        doc_md=__doc__,
        tags=[Tag.PRODUCTION, Tag.DELIVERY],
        max_active_runs=1,
        params={
            "title": Param(None, type=["null", "string"], title="Title", description="ISBN or words of one title; empty: all that are due.")
        },
    )
    def formats() -> None:
        packages.each_package("format_delivery", vendor).expand(title=packages.due("format_delivery", vendor.id))

    formats()


for each in load_parties():
    if each.formats is not None:
        format_delivery(each)
