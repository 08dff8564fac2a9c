"""The style sheet of the report: for a screen, a phone and paper."""

STYLE = """
:root { color-scheme: light; --ink: #0f172a; --soft: #475569; --line: #e2e8f0;
  --accent: #1d4ed8; --bad: #b91c1c; --warn: #b45309; }
* { box-sizing: border-box; }
body { margin: 0; background: #f8fafc; color: var(--ink);
  font: 15px/1.5 system-ui, "Segoe UI", "Noto Sans", "Noto Sans CJK JP", "Hiragino Sans",
  "Yu Gothic", sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 32px 20px 64px; }
h1 { font-size: 26px; line-height: 1.25; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 18px; margin: 0 0 12px; overflow-wrap: anywhere; }
h3 { font-size: 15px; margin: 18px 0 6px; }
p { margin: 0 0 8px; max-width: 75ch; overflow-wrap: anywhere; }
p.sub { margin: 0 0 24px; color: var(--soft); }
p.lead { font-size: 17px; }
p.note { color: var(--soft); font-size: 13px; }
p.warn { border-left: 4px solid var(--warn); padding-left: 10px; }
section { background: #fff; border: 1px solid var(--line); border-radius: 10px;
  padding: 20px; margin: 0 0 20px; }
section.bad { border-left: 4px solid var(--bad); }
section.bad h2 { color: var(--bad); }
dl.facts { display: flex; flex-wrap: wrap; gap: 10px 32px; margin: 12px 0 8px; }
dl.facts dt { color: var(--soft); font-size: 12px; }
dl.facts dd { margin: 0; font-size: 16px; font-weight: 600; overflow-wrap: anywhere; }
div.scroll { overflow-x: auto; margin: 4px 0 12px; }
table { border-collapse: collapse; min-width: 50%; font-variant-numeric: tabular-nums; }
th, td { font-size: 14px; padding: 6px 12px 6px 0; vertical-align: top;
  border-bottom: 1px solid var(--line); }
th { text-align: left; color: var(--soft); font-weight: 600; font-size: 13px; }
td.number, th.number { text-align: right; }
tr.best td { font-weight: 600; color: var(--accent); }
td.short { white-space: nowrap; }
td.text { max-width: 28ch; overflow-wrap: break-word; }
td.wide { min-width: 24ch; max-width: 60ch; overflow-wrap: anywhere; }
td.id { font-family: ui-monospace, monospace; font-size: 11px; overflow-wrap: anywhere;
  min-width: 12ch; }
td.long { min-width: 34ch; }
pre { background: #f1f5f9; border-radius: 6px; padding: 10px; white-space: pre-wrap;
  overflow-wrap: anywhere; font-size: 12px; }
details { margin: 4px 0; }
summary { cursor: pointer; color: var(--accent); }
.plots { display: grid; gap: 8px 20px;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); }
.plot { min-width: 0; }
.plot.drawn p.undrawn { display: none; }
p.undrawn { color: var(--soft); font-style: italic; }
@media (max-width: 600px) {
  main { padding: 16px 8px 40px; }
  section { padding: 14px 12px; }
  h1 { font-size: 21px; }
  p.lead { font-size: 16px; }
  th, td { font-size: 13px; padding-right: 10px; }
}
@media print {
  body { background: #fff; font-size: 11px; }
  main { max-width: none; padding: 0; }
  section { border: 0; border-top: 1px solid var(--line); border-radius: 0; padding: 10px 0; }
  .plots { display: block; }
  .plot, tr, dl.facts div { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  div.scroll { overflow: visible; }
  th, td { font-size: 10px; padding-right: 8px; }
  td.id, td.long { font-size: 8px; min-width: 0; }
  details::details-content { content-visibility: visible; block-size: auto; }
}
"""
