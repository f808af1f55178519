import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import type { Seen } from '../../scripts/enrollment/newleaf.ts';
import { fleetFile } from '../../scripts/enrollment/page/file.ts';
import { fleetOf } from '../../scripts/enrollment/sum.ts';
import { Page } from './chromium.ts';

const NOW = Date.parse('2026-11-29T12:00:00Z');
const DAY = 86_400_000;
const MOST_BYTES = 3_000_000;

/** Ten thousand gateways of three CAs, with all that can be wrong. */
const devices: readonly Seen[] = Array.from({ length: 10_000 }, (_, at): Seen => {
  const parked = at % 100 === 1;
  const notAfter = new Date(NOW + ((at % 90) - 2) * DAY).toISOString();
  return {
    deviceId: `gateway-${String(at + 1).padStart(5, '0')}`,
    status: at % 1_000 === 3 ? 'disabled' : 'enabled',
    connected: at % 50 !== 0,
    newleaf: {
      version: at % 7 === 0 ? '0.9.0' : '0.10.0',
      phase: at % 500 === 0 ? 'stranded' : 'serving',
      leaf: { thumbprint: 'AB'.repeat(32), notAfter, issuer: `issuing CA ${1 + (at % 3)}` },
      alarm: at % 90 < 2 ? 'expired' : null,
      next: parked ? { thumbprint: 'CD'.repeat(32), standing: 'parked', code: 'NL-DPS-401002' } : null,
      last: at % 40 === 2 ? { id: 'x', outcome: 'kept', code: 'NL-EST-AUTH' } : { id: 'x', outcome: 'done' },
    },
  };
});
const sum = fleetOf(devices, NOW, 30);
const evil: Seen = { deviceId: '</script><script>alert(1)</script>', status: 'enabled', connected: true };

let directory: string;
let file: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fleet-page-'));
  file = join(directory, 'fleet.html');
  await fleetFile(file, { hub: 'my-hub.azure-devices.net', condition: undefined, devices, sum, now: NOW });
});
after(() => rm(directory, { recursive: true }));

async function opened(context: TestContext, path = file): Promise<Page> {
  const page = await Page.open(context);
  await page.load(`file://${path}`);
  return page;
}

test('10,000 gateways are in one file of less than 3 MB, which asks the network for nothing', async (context) => {
  assert.ok((await stat(file)).size < MOST_BYTES, String((await stat(file)).size));
  const page = await Page.open(context);
  const loaded = await page.load(`file://${file}`);
  context.diagnostic(`loaded in ${Math.round(loaded)} ms`);
  assert.deepEqual([page.asked, page.errors], [[], []]);
  assert.equal(await page.evaluate('document.querySelectorAll("#table tbody tr").length'), 200);
});

test('the numbers are those of --json', async (context) => {
  const page = await opened(context);
  const told = await page.evaluate('JSON.stringify(JSON.parse(document.getElementById("model").textContent).sum)');
  assert.deepEqual(JSON.parse(String(told)), JSON.parse(JSON.stringify({ schema: 1, ...sum })));
  const tiles = String(
    await page.evaluate(
      '[...document.querySelectorAll("#tiles li")].map((one) => one.innerText.replace("\\n", " ")).join("; ")',
    ),
  );
  assert.match(
    tiles,
    /^10,000 devices; 9,800 connected; 200 offline; 100 parked; 20 stranded; \d+ leaf has ended; .*; 0\.9\.0 oldest newleaf$/,
  );
  const wrong = String(await page.evaluate('document.getElementById("wrong").innerText'));
  assert.match(
    wrong,
    /100 × NL-DPS-401002\n+DPS does not accept this leaf.*\n+enroll set-secondary --where "properties\.reported\.newleaf\.next\.code = 'NL-DPS-401002'" --from-device\n/,
  );
  assert.match(wrong, /250 × NL-EST-AUTH\n/);
});

test('search, sort by any column, and more', async (context) => {
  const page = await opened(context);
  const cell = (row: number, column: number) =>
    page.evaluate(`document.querySelectorAll("#table tbody tr")[${row}].children[${column}].textContent`);
  const click = (at: number) => page.evaluate(`document.querySelectorAll("#table th button")[${at}].click()`);
  await click(0);
  assert.equal(await cell(0, 0), 'gateway-10000');
  assert.equal(await page.evaluate('document.querySelector("#table th").getAttribute("aria-sort")'), 'descending');
  await click(9);
  assert.equal(await cell(0, 9), '0.10.0');
  await page.evaluate(
    '{ const box = document.getElementById("search"); box.value = "NL-EST"; box.dispatchEvent(new Event("input")); }',
  );
  assert.match(
    String(await page.evaluate('document.getElementById("found").textContent')),
    /^250 of 10,000 gateways, 200 shown$/,
  );
  await page.evaluate('document.getElementById("more").click()');
  assert.equal(await page.evaluate('document.querySelectorAll("#table tbody tr").length'), 250);
});

describe('axe finds nothing', () => {
  for (const scheme of ['light', 'dark']) {
    test(scheme, async (context) => {
      const page = await Page.open(context);
      await page.send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] });
      await page.load(`file://${file}`);
      await page.evaluate(await readFile(new URL('../../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8'));
      const found = await page.evaluate(
        'axe.run({ resultTypes: ["violations"] }).then(({ violations }) => JSON.stringify(violations.map(({ id, nodes }) => [id, nodes.length, nodes[0].html.slice(0, 200)])))',
      );
      assert.deepEqual(JSON.parse(String(found)), []);
    });
  }
});

test('printed, it has all sections and no controls; a picture of it is no blank page', async (context) => {
  const page = await opened(context);
  await page.send('Emulation.setEmulatedMedia', { media: 'print' });
  const seen = (id: string) => page.evaluate(`document.getElementById("${id}").getClientRects().length > 0`);
  assert.deepEqual([await seen('search'), await seen('calendar'), await seen('table')], [false, true, true]);
  const { data } = (await page.send('Page.printToPDF')) as { readonly data: string };
  assert.ok(data.length > 100_000);
});

test('what a device is called is text', async (context) => {
  const path = join(directory, 'evil.html');
  await fleetFile(path, { hub: 'h', condition: undefined, devices: [evil], sum: fleetOf([evil], NOW, 30), now: NOW });
  const page = await opened(context, path);
  assert.deepEqual(page.errors, []);
  assert.equal(await page.evaluate('document.querySelector("#table tbody td").textContent'), evil.deviceId);
});
