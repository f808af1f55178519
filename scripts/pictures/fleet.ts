import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Page } from '../../test/browser/chromium.ts';
import { Office } from '../../test/unit/enroll/office.ts';

const DAY_MS = 86_400_000;
const DEVICES = 1_000;
const SIZE = { width: 1_180, height: 1_620 };

/** What the twin of a gateway tells: most are well, and of each trouble there are some. */
function told(at: number): object {
  const thumbprint = 'AB'.repeat(32);
  const parked = at % 90 === 4;
  const isKept = at % 140 === 9;
  const last = {
    id: 'r-1',
    action: 'roll',
    reason: 'due',
    outcome: isKept ? 'kept' : 'done',
    ...(isKept && { code: 'NL-EST-AUTH' }),
  };
  const days = 3 + ((at * 37) % 80);
  return {
    version: at % 9 === 0 ? '0.0.9' : '0.1.0',
    phase: at % 400 === 7 ? 'stranded' : 'serving',
    leaf: {
      thumbprint,
      notAfter: new Date(Date.now() + days * DAY_MS).toISOString(),
      issuer: `issuing CA ${at % 4 === 0 ? 1 : 2}`,
    },
    ...(parked && { next: { thumbprint: 'CD'.repeat(32), standing: 'parked', code: 'NL-DPS-401002' } }),
    ...(at % 333 === 5 && { alarm: '3day' }),
    last,
  };
}

/** The picture of the page about a fleet, from a simulated one, in Debian's Chromium: `npx tsx scripts/pictures/fleet.ts`. */
async function picture(): Promise<void> {
  const ends: (() => Promise<unknown>)[] = [];
  const office = await Office.open();
  ends.push(() => office.close());
  try {
    for (let at = 0; at < DEVICES; at += 1) {
      const id = `gw-${String(at + 1).padStart(4, '0')}`;
      await office.simulator.writeDevice('hub1', id, 'AB'.repeat(32));
      office.simulator.registries.hub1.patchReported(id, { newleaf: told(at) });
      if (at % 55 !== 7) office.simulator.stand('hub1', id, () => ({ status: 202, payload: {} }));
    }
    const file = join(office.directory, 'fleet.html');
    const { code, err } = await office.enroll(['fleet', '--html', file]);
    if (code !== 0) throw new Error(err);
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace(/"hub":"[^"]+"/, '"hub":"my-hub.azure-devices.net"'));
    const page = await Page.open({ after: (end) => ends.push(end) });
    await page.send('Emulation.setDeviceMetricsOverride', { ...SIZE, deviceScaleFactor: 1, mobile: false });
    await page.send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: 'light' }] });
    await page.load(`file://${file}`);
    const { data } = (await page.send('Page.captureScreenshot', { format: 'png' })) as { readonly data: string };
    await writeFile(join(import.meta.dirname, 'fleet.png'), Buffer.from(data, 'base64'));
  } finally {
    for (const end of ends.toReversed()) await end();
  }
}

await picture();
