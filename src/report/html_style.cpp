#include "html_parts.h"

namespace gatesweep {

std::string_view page_style() {
    return R"css(
:root {
  --ground: #fdfdfc; --panel: #f4f4f2; --text: #1d2126; --dim: #5b6470; --line: #d9dbdd;
  --benign: #0072b2; --malicious: #c85200; --shared: #b9bec4; --weak: #8a6d9b; --alert: #fff3e4; --link: #005a8d;
  --void: #d0d0d0; --band: #cdd2d7;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #15181c; --panel: #1e2227; --text: #e4e6e8; --dim: #9aa3ad; --line: #363c43;
    --benign: #58aee0; --malicious: #f08a3c; --shared: #59616a; --weak: #b195c4; --alert: #33271a; --link: #7cc0ea;
    --void: #666; --band: #3a434d;
  }
}
* { box-sizing: border-box; }
html { scroll-padding-top: 3.2rem; -webkit-text-size-adjust: 100%; }
body { margin: 0 auto; max-width: 80rem; padding: 0 1.25rem 4rem; background: var(--ground); color: var(--text);
  font: 15.5px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.35rem; margin: 0 0 .6rem; }
h3 { font-size: 1.05rem; margin: 0 0 .3rem; }
p { margin: .4rem 0 .8rem; max-width: 52rem; }
a { color: var(--link); }
code { font: .88em/1.4 ui-monospace, "SF Mono", Menlo, Consolas, monospace; overflow-wrap: anywhere; }
header { padding: 2rem 0 1rem; }
.kicker { margin: 0; color: var(--dim); letter-spacing: .06em; text-transform: uppercase; font-size: .78rem; }
.lead { font-size: 1.08rem; margin: .5rem 0 0; }
nav { position: sticky; top: 0; z-index: 2; display: flex; gap: 1.1rem; overflow-x: auto; padding: .55rem 0;
  white-space: nowrap;
  background: var(--ground); border-bottom: 1px solid var(--line); font-size: .88rem; }
nav a { text-decoration: none; }
nav a:hover, nav a:focus { text-decoration: underline; }
section { padding: 1.6rem 0 .6rem; border-bottom: 1px solid var(--line); }
.note, .absent { color: var(--dim); font-size: .9rem; }
p.note { margin: 0 0 .6rem; }
.pair { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 1rem 2rem; }
.triple, .maps { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 33rem), 1fr)); gap: 0 1.6rem; }
.triple > p { grid-column: 1 / -1; }
@media (max-width: 60rem) { .pair { grid-template-columns: minmax(0, 1fr); } }
.card { background: var(--panel); border-radius: .5rem; padding: .9rem 1.1rem .5rem; height: 100%; }
.card ul:not(.classkey) { margin: .5rem 0; padding-left: 1.1rem; }
.headline { background: var(--panel); border-radius: .5rem; padding: .6rem 1.1rem; margin: 1rem 0; max-width: none; }
.classbar { display: flex; height: .8rem; border-radius: .2rem; overflow: hidden; gap: 1px; }
.classbar span { flex: 1 1 2px; min-width: 2px; flex-basis: 0; }
.mal { background: var(--malicious); } .ben { background: var(--benign); } .rest { background: var(--weak); }
.shared { background: var(--shared); }
.classbar span, .classkey i, .g::before, .gap i, .legend .bar { -webkit-print-color-adjust: exact;
  print-color-adjust: exact; }
.classkey { display: flex; flex-wrap: wrap; gap: .1rem 1.2rem; list-style: none; margin: .4rem 0; padding: 0;
  font-size: .9rem; }
.classkey i { display: inline-block; width: .7rem; height: .7rem; border-radius: .15rem; margin-right: .4rem; }
.g { white-space: nowrap; font-weight: 600; }
@media (max-width: 40rem) { :not(th, td) > .g { white-space: normal; overflow-wrap: anywhere; } }
.g::before { content: ""; display: inline-block; width: .6em; height: .6em; border-radius: 50%; margin-right: .3em;
  background: #009e73; }
.g0::before { background: var(--benign); } .g1::before { background: var(--malicious); border-radius: 0; }
.g3::before { background: #cc79a7; } .g4::before { background: #888; } .g5::before { background: #56b4e9; }
.ex { font-variant-numeric: tabular-nums; white-space: nowrap; }
dl.facts { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .25rem 1.2rem; margin: .6rem 0 1rem; }
dl.facts dt { color: var(--dim); }
dl.facts dd { margin: 0; overflow-wrap: anywhere; }
dl.terms { columns: 2 26rem; column-gap: 2.5rem; margin: 0; }
dl.terms dt { font-weight: 600; break-after: avoid; }
dl.terms dd { margin: 0 0 .8rem; break-inside: avoid; }
.cautions { padding-left: 0; list-style: none; max-width: 60rem; }
.cautions li { padding: .5rem .9rem; border-left: 3px solid var(--line); margin: .5rem 0; }
.cautions li.alert { border-color: var(--malicious); background: var(--alert); }
.scroll { overflow-x: auto; margin: .4rem 0 1.1rem; }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--dim); font-size: .9rem; padding-bottom: .25rem; }
th, td { text-align: left; padding: .22rem .6rem .22rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 600; vertical-align: bottom; }
td.n, th.n { text-align: right; white-space: nowrap; }
td.word { white-space: nowrap; }
th button { font: inherit; color: inherit; background: none; border: 0; padding: 0; cursor: pointer;
  text-align: inherit; }
th button { position: relative; }
th button::after { content: ""; position: absolute; left: 100%; color: var(--dim); font-weight: 400; }
th button:hover::after, th button:focus-visible::after { content: "\2195"; }
th[aria-sort=ascending] button::after, th[aria-sort=ascending] button:hover::after { content: "\2191"; }
th[aria-sort=descending] button::after, th[aria-sort=descending] button:hover::after { content: "\2193"; }
.gap { display: inline-block; position: relative; width: 3.2rem; height: .75em; }
.gv { display: inline-block; min-width: 5.2em; margin-left: .35em; }
.gap::before { content: ""; position: absolute; left: 50%; top: -.2em; bottom: -.2em;
  border-left: 1px solid var(--line); }
.gap i { position: absolute; top: 0; bottom: 0; left: 50%; background: var(--malicious); }
.gap.less i { left: auto; right: 50%; background: var(--benign); }
figure { margin: 0 0 1.2rem; }
figcaption { font-size: .92rem; margin-bottom: .3rem; }
.plot figcaption { color: var(--dim); margin: 0; font-size: .86rem; }
.plot svg { display: block; width: 100%; max-width: 45rem; height: auto; }
.plot code { font-size: .82em; }
.missing { border: 1px dashed var(--line); padding: 1rem; color: var(--dim); }
.map svg { display: block; max-width: 100%; height: auto; font-size: 11.5px; fill: var(--dim); touch-action: pan-y; }
.map svg:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
.map .void { fill: var(--void); }
.map .halo, .map .frame, .map .cursor { fill: none; vector-effect: non-scaling-stroke; pointer-events: none; }
.map .halo { stroke: #fff; stroke-width: 3.4px; } .map .frame { stroke: #000; stroke-width: 1.5px; }
.map .cursor { stroke: #e6007e; stroke-width: 2.5px; }
.legend { display: grid; grid-template-columns: 13rem minmax(0, 1fr); align-items: center; gap: .1rem .8rem;
  margin: 0 0 0 46px;
  font-size: .82rem; line-height: 1.2; color: var(--dim); }
.legend .bar { height: .6rem; border-radius: .15rem; }
.legend .ends { display: flex; justify-content: space-between; }
.legend .note { font-size: 1em; grid-row: 1; grid-column: 2; }
.big { font-size: 2rem; line-height: 1.1; margin: .2rem 0; font-variant-numeric: tabular-nums; }
.ci { color: var(--dim); font-size: .92em; }
.exs { font-variant-numeric: tabular-nums; overflow-wrap: break-word; }
td .exs { display: inline-block; min-width: 8rem; max-width: 16rem; }
.labeller { padding: .5rem .9rem; border-left: 3px solid var(--line); max-width: 60rem; }
.labeller.alert { border-color: var(--malicious); background: var(--alert); }
#sweep .plot svg { max-width: 60rem; }
.tall td:first-child:has(+ .word) { min-width: 13rem; }
.tall > .scroll { max-height: 38rem; overflow: auto; }
.tall thead th { position: sticky; top: 0; background: var(--ground); }
.reply { background: var(--panel); padding: .6rem .8rem; margin: 0 0 .6rem; white-space: pre-wrap; max-height: 22rem;
  overflow: auto; overflow-wrap: anywhere; font: .9rem/1.45 inherit; font-family: inherit; border-radius: .35rem; }
.reply-head { margin: .2rem 0; }
.badge { border: 1px solid currentColor; border-radius: .7rem; padding: 0 .5rem; font-size: .82rem; }
.badge.refused { color: var(--malicious); } .badge.answered { color: var(--benign); }
.examples h4 { margin: .8rem 0 .1rem; }
details { margin: .4rem 0; }
summary { cursor: pointer; }
.tools { display: flex; flex-wrap: wrap; gap: .6rem; align-items: center; margin: .5rem 0; font-size: .9rem; }
.tools input, .tools button { font: inherit; color: inherit; background: var(--panel); border: 1px solid var(--line);
  border-radius: .3rem;
  padding: .15rem .5rem; }
pre.job { background: var(--panel); padding: .8rem; overflow-x: auto; font-size: .85rem; }
#tip { position: fixed; z-index: 3; pointer-events: none; max-width: min(26rem, 92vw); padding: .45rem .7rem;
  border-radius: .35rem;
  background: var(--ground); color: var(--text); border: 1px solid var(--dim); font-size: .86rem;
    box-shadow: 0 2px 8px #0004; }
#tip table { font-size: 1em; } #tip td, #tip th { border: 0; padding: 0 .7rem 0 0; }
@media print {
  :root { --ground: #fff; --panel: #f4f4f2; --text: #000; --dim: #444; --line: #bbb; --benign: #0072b2;
    --malicious: #c85200;
    --shared: #b9bec4; --alert: #fff; --void: #d0d0d0; --band: #cdd2d7; }
  nav, .tools, #tables, #tip { display: none; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  section, figure, tr { break-inside: auto; } figure, tr, .card { break-inside: avoid; }
  .scroll { overflow: visible; }
  th button::after { content: ""; }
}
)css";
}

}  // namespace gatesweep
