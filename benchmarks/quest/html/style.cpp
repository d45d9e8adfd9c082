// SPDX-License-Identifier: BSL-1.0
#include "style.hpp"

namespace quest::html {

// Colours keep apart in grey and for red-green blindness: by lightness, by pattern, and by the words in them.
const char* const style = R"css(
:root { color-scheme: light dark; --ground: #fbfaf7; --sheet: #ffffff; --ink: #1d2329; --quiet: #5b6570;
  --line: #d8d5cc; --waiting: #d9dde2; --receiving: #4c8dd6; --computing: #e8962e; --storing: #2f9e8f;
  --failed: #b3202c; --ours: #1f6f5c; --theirs: #b9bfc6; --good: #1f6f5c; --bad: #b3202c; }
@media (prefers-color-scheme: dark) { :root { --ground: #14181c; --sheet: #1c2227; --ink: #e8e6e1;
  --quiet: #9aa5b0; --line: #38414a; --waiting: #47525d; --receiving: #6aa9ee; --computing: #f0a94b;
  --storing: #46b8a7; --failed: #ff7a80; --ours: #4dbb9d; --theirs: #5d6873; --good: #4dbb9d; --bad: #ff7a80; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", "Liberation Sans", sans-serif; }
main, header, footer { max-width: 1040px; margin: 0 auto; padding: 0 20px; }
header { padding-top: 40px; }
h1 { font-size: 30px; line-height: 1.2; margin: 0 0 8px; letter-spacing: -0.01em; }
h2 { font-size: 21px; margin: 0 0 2px; }
h3 { font-size: 16px; margin: 24px 0 6px; }
p { margin: 6px 0; max-width: 72ch; }
.quiet, .sentence { color: var(--quiet); }
section { background: var(--sheet); border: 1px solid var(--line); border-radius: 8px; padding: 22px 24px;
  margin: 22px 0; }
.figures { display: flex; flex-wrap: wrap; gap: 12px 40px; margin: 18px 0 4px; }
.figure b { display: block; font-size: 30px; line-height: 1.15; font-variant-numeric: tabular-nums; }
.figure.ours b { color: var(--ours); }
.wide { overflow-x: auto; margin: 10px 0; }
svg { display: block; width: 100%; min-width: 680px; height: auto; font: 12px system-ui, sans-serif; }
svg text { fill: var(--ink); }
svg text.title { font-weight: 600; font-size: 13px; }
svg text.label, svg text.small { fill: var(--quiet); }
svg text.small { paint-order: stroke; stroke: var(--sheet); stroke-width: 3px; }
svg text.on-grey { font-size: 11px; }
svg text.small { font-size: 11px; }
svg text.inside { fill: #14181c; font-size: 11px; }
svg .axis { stroke: var(--quiet); stroke-width: 1; }
svg .bound { stroke: var(--ink); stroke-width: 1.2; stroke-dasharray: 5 4; }
svg .area { fill: var(--ours); fill-opacity: 0.28; stroke: var(--ours); stroke-width: 1.2; }
svg .both { fill: var(--computing); fill-opacity: 0.22; }
svg .waiting { fill: var(--waiting); }
svg .receiving { fill: var(--receiving); }
svg .computing { fill: var(--computing); }
svg .storing { fill: var(--storing); }
svg .failed { fill: url(#hatched); stroke: var(--failed); }
svg .cancelled { fill: none; stroke: var(--quiet); stroke-dasharray: 3 2; }
svg .ours { fill: var(--ours); }
svg .theirs { fill: var(--theirs); }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; font-size: 13px; color: var(--quiet); }
.legend svg { display: inline-block; width: 16px; min-width: 16px; height: 12px; vertical-align: -1px; margin-right: 5px; }
table { border-collapse: collapse; width: 100%; font-size: 14px; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 5px 14px 5px 0; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { color: var(--quiet); font-weight: 600; }
tbody th { color: inherit; font-weight: 400; position: sticky; left: 0; background: var(--sheet); }
th.number, td.number { text-align: right; }
th:last-child, td:last-child { padding-right: 0; }
td:last-child:not(.number) { white-space: normal; min-width: 16ch; }
ul { margin: 8px 0; padding-left: 20px; }
.good::before { content: "\2713\00a0"; color: var(--good); }
.bad { color: var(--bad); font-weight: 600; }
.bad::before { content: "\2717\00a0"; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 18px; font-size: 14px; }
dt { color: var(--quiet); } dd { margin: 0; overflow-wrap: anywhere; }
a { color: inherit; }
footer { padding: 4px 20px 60px; font-size: 14px; }
@media (max-width: 640px) { section { padding: 16px; border-left: 0; border-right: 0; border-radius: 0; margin: 14px -20px; }
  h1 { font-size: 24px; } .figure b { font-size: 24px; } table { font-size: 13px; }
  th, td { padding-right: 10px; } dl { grid-template-columns: 1fr; } dt { margin-top: 6px; } }
@media print { section { break-inside: avoid; } }
)css";

}  // namespace quest::html
