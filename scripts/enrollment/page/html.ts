import type { Model } from './model.ts';

const STYLE = `
:root { color-scheme: light dark; --ink: #1a1c1e; --faint: #50565c; --paper: #ffffff; --box: #f2f4f6; --line: #c6ccd2; --bar: #1f6f43; --bad: #a3261b; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eaed; --faint: #b4bbc2; --paper: #16181a; --box: #22262a; --line: #454b52; --bar: #6cc495; --bad: #ff9a8f; } }
@media print { :root { color-scheme: light; --ink: #000; --faint: #333; --paper: #fff; --box: #fff; --line: #999; --bar: #1f6f43; --bad: #a3261b; } .screen { display: none !important; } section { break-inside: avoid-page; } #gateways { break-inside: auto; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 78rem; padding: 1rem; font: 1rem/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
h1 { font-size: 1.5rem; margin: 0 0 .2rem; } h2 { font-size: 1.15rem; margin: 2rem 0 .6rem; } h3 { font-size: 1rem; margin: 0 0 .3rem; }
p { margin: .3rem 0; } .faint { color: var(--faint); } .bad { color: var(--bad); font-weight: 600; }
.tiles { display: flex; flex-wrap: wrap; gap: .6rem; padding: 0; margin: 1rem 0; list-style: none; }
.tiles li { background: var(--box); border: 1px solid var(--line); border-radius: .4rem; padding: .5rem .9rem; min-width: 8.5rem; }
.tiles b { display: block; font-size: 1.6rem; line-height: 1.2; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .25rem .5rem; border-bottom: 1px solid var(--line); vertical-align: top; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
code { font: .9em/1.4 ui-monospace, monospace; overflow-wrap: anywhere; }
pre { margin: .2rem 0; white-space: pre-wrap; }
button, input { font: inherit; color: inherit; background: var(--box); border: 1px solid var(--line); border-radius: .3rem; padding: .25rem .6rem; }
th button { border: 0; background: none; padding: 0; font-weight: 600; cursor: pointer; text-align: left; }
:focus-visible { outline: 3px solid var(--bar); outline-offset: 1px; }
.chart { height: 15rem; position: relative; }
.months { display: flex; flex-wrap: wrap; gap: 1.5rem; } .months table { width: auto; } .months th, .months td { text-align: center; width: 2.8rem; height: 2.8rem; padding: 0; border: 1px solid var(--line); font-size: .8rem; }
.months b { display: block; font-size: .95rem; } .wide { overflow-x: auto; }
`;

/** No script, picture or answer from anywhere else. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";

/** The whole page. Text of devices is in the JSON only, and the script writes it as text. */
export function htmlOf(model: Model, script: string): string {
  const json = JSON.stringify(model).replaceAll('<', '\\u003c');
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<link rel="icon" href="data:,">
<title>Fleet of newleaf</title>
<style>${STYLE}</style>
<body>
<header>
<h1>Fleet of newleaf</h1>
<p class="faint" id="about"></p>
</header>
<main>
<ul class="tiles" id="tiles"></ul>
<section aria-labelledby="wrong-title"><h2 id="wrong-title">What is wrong, and what to type</h2><div id="wrong"></div></section>
<section aria-labelledby="ends-title"><h2 id="ends-title">When leaves end</h2>
<div class="chart"><canvas id="ends" role="img"></canvas></div><div class="months" id="calendar"></div></section>
<section aria-labelledby="issuers-title"><h2 id="issuers-title">Leaves by issuer</h2>
<div class="chart"><canvas id="issuers" role="img"></canvas></div><div id="issuer-table"></div></section>
<section aria-labelledby="phases-title"><h2 id="phases-title">Phases and versions</h2><div id="phases"></div><div id="versions"></div></section>
<section id="gateways" aria-labelledby="gateways-title"><h2 id="gateways-title">Gateways</h2>
<p class="screen"><label for="search">Search in all columns</label> <input id="search" type="search" autocomplete="off"></p>
<p id="found" role="status"></p>
<div class="wide" id="table" role="region" aria-label="Table of gateways" tabindex="0"></div>
<p class="screen"><button id="more" type="button">Show more</button></p></section>
</main>
<noscript>This page needs JavaScript, and no network.</noscript>
<script type="application/json" id="model">${json}</script>
<script>${script.replaceAll('</script', '<\\/script')}</script>
</body>
</html>
`;
}
