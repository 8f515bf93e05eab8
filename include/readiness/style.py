"""How a readiness page looks, on a screen and on paper. The states' colours are those of the workbook."""

from __future__ import annotations

from include.readiness.tables import FILLS

STYLE = (
    """
:root { color-scheme: light; --ink: #1d2430; --soft: #5f6673; --line: #dfe2e7; --ground: #fff; }
* { box-sizing: border-box; }
body { margin: 0; padding: 2.2rem clamp(1rem, 4vw, 3.5rem); background: var(--ground); color: var(--ink);
  font: 14px/1.45 "Source Sans 3", "Segoe UI", system-ui, -apple-system, "Helvetica Neue", Arial, sans-serif; }
header { border-bottom: 2px solid var(--ink); padding-bottom: .9rem; margin-bottom: 1.3rem; display: flex; flex-wrap: wrap; gap: .4rem 2rem;
  align-items: end; justify-content: space-between; }
h1 { font: 600 1.75rem/1.15 Georgia, "Iowan Old Style", "Times New Roman", serif; margin: 0; letter-spacing: -.01em; }
h2 { font: 600 1.1rem/1.3 Georgia, "Iowan Old Style", "Times New Roman", serif; margin: 1.6rem 0 .5rem; }
header p, .soft { color: var(--soft); margin: 0; }
.tiles { display: flex; flex-wrap: wrap; gap: .7rem; margin: 0 0 1.4rem; padding: 0; list-style: none; }
.tiles li { min-width: 6.6rem; padding: .55rem .9rem; border: 1px solid var(--line); border-radius: 6px; }
.tiles b { display: block; font-size: 1.5rem; line-height: 1.15; font-variant-numeric: tabular-nums; }
.months { width: 100%; max-width: 46rem; border-collapse: collapse; margin: 0 0 1.6rem; }
.months th { text-align: left; font-weight: 400; color: var(--soft); width: 9rem; padding: .12rem 0; white-space: nowrap; }
.months td { padding: .12rem 0; }
.months .line { display: flex; align-items: center; gap: .5rem; font-variant-numeric: tabular-nums; }
.bar { display: flex; height: .95rem; border-radius: 3px; overflow: hidden; border: 1px solid rgb(0 0 0 / .06); }
.bar i { display: block; min-width: 2px; }
table.titles { width: 100%; border-collapse: collapse; }
.titles th { text-align: left; font-weight: 600; font-size: 12px; color: var(--soft); border-bottom: 1.5px solid var(--ink);
  padding: .35rem 1rem .35rem 0; vertical-align: bottom; }
.titles td { padding: .6rem 1rem .2rem 0; vertical-align: top; border-top: 1px solid var(--line); }
.titles td.short { white-space: nowrap; }
.day { white-space: nowrap; }
.titles td.word { max-width: 14rem; overflow-wrap: break-word; }
.titles td.name { min-width: 15rem; overflow-wrap: anywhere; }
.titles .name b { font-weight: 600; }
.titles tbody:first-of-type td { border-top: 0; }
.titles tr.open td { border: 0; padding: 0 .7rem .6rem 0; }
.titles ul { margin: .15rem 0 0; padding: 0; list-style: none; columns: 2; column-gap: 2rem; }
.titles ul.few { columns: 1; }
.titles li { overflow-wrap: anywhere; break-inside: avoid; padding: .12rem 0; }
.done { display: inline-block;
  width: 4.2rem; height: .5rem; background: #eceef1; border-radius: 3px; overflow: hidden; vertical-align: middle; }
.done i { display: block; height: 100%; background: #4c8a62; }
.chip { display: inline-block;
  padding: 0 .5rem; border-radius: 9px; font-size: 12px; font-weight: 600; line-height: 1.5; white-space: nowrap; }
footer { max-width: 60rem;
  margin-top: 1.6rem; padding-top: .7rem; border-top: 1px solid var(--line); color: var(--soft); font-size: 12.5px; }
.none { padding: 2rem 0; font-size: 1.05rem; color: var(--soft); }
"""
    + "\n".join(f".{word.replace(' ', '-')}-c {{ background: #{back}; color: #{ink}; }}" for word, (back, ink) in FILLS.items())
    + """
@page { size: A4 landscape; margin: 12mm; }
@media print {
  body { padding: 0; font-size: 8.5pt; }
  .chip, .titles th, footer { font-size: 7.5pt; }
  h1 { font-size: 16pt; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  thead { display: table-header-group; }
  .titles tbody, .months tr { break-inside: avoid; }
  header { break-after: avoid; }
}
@media (max-width: 800px) { .titles ul { columns: 1; } }
"""
)
