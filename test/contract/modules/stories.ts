import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, suite, type TestContext, test } from 'node:test';
import type { TlsWay } from '../../../hsm/tls-way.ts';
import { cut, PATIENCE_MS, patiently, type Serving, serving } from '../../e2e/stage/site.ts';
import { tell } from '../../e2e/stage/timeline.ts';
import { withEnvironment } from '../../put-back.ts';
import type { TestToken } from '../token/softhsm.ts';

const ID = 'gw-0001';
/** Where a roll has made its key, is about to prove it, and is about to destroy the old one. */
const CUTS = ['requesting-leaf', 'connecting-next', 'retiring-key'] as const;

/** What the whole gateway does with a module, against the far side. */
export function storyContract(name: string, open: () => Promise<TestToken>): void {
  suite(name, () => {
    let at: TestToken | undefined;
    after(() => at?.remove());

    test('first provisioning, a roll by method, unauthorized, and the power cut in the middle of rolls', async (t) => {
      at = await open();
      withEnvironment(at.environment, t);
      await story(t, at, 'engine');
    });
  });
}

/** @param at is in the environment already */
export async function story(t: TestContext, at: TestToken, tls: TlsWay): Promise<void> {
  const pin = join(at.directory, 'user-pin');
  writeFileSync(pin, at.pin, { mode: 0o600 });
  const settings = {
    'hsm.module': JSON.stringify(at.module),
    'hsm.token': JSON.stringify(at.token),
    'hsm.pin_file': JSON.stringify(pin),
    'hsm.tls': JSON.stringify(tls),
  };
  const site = await serving(t, { settings });
  const { far, gateway } = site;
  tell(t, far, 0);

  const rolled = await roll(site);
  assert.notEqual(rolled, site.thumbprint);
  assert.equal((await far.device(ID))?.thumbprints.primary, rolled);

  const since = far.log.entries.length;
  await far.forget(ID);
  await cut(far);
  await far.log.waitFor({ event: 'connected', thumbprint: rolled }, PATIENCE_MS, since);
  tell(t, far, since);
  await gateway.settled();

  for (const phase of CUTS) {
    const { leaf } = await gateway.status();
    const before = gateway.log.lines.length;
    await askToRoll(site);
    await gateway.log.waitFor({ event: 'transition', to: phase }, { since: before, timeoutMs: PATIENCE_MS });
    await gateway.stop('SIGKILL');
    await gateway.start();
    const { leaf: after } = await gateway.settled();
    assert.notEqual(after?.thumbprint, leaf?.thumbprint, `rolled, though cut at ${phase}`);
    assert.equal((await far.device(ID))?.thumbprints.primary, after?.thumbprint);
  }

  const { out, code } = await gateway.command('check');
  assert.equal(code, 0, out);
  assert.match(out, tls === 'helper' ? /^ok +tls-handshake .*, by stunnel\.$/m : /^ok +tls-handshake .* key\.$/m);
}

async function askToRoll({ far }: Pick<Serving, 'far'>): Promise<void> {
  const { status, payload } = await patiently(() => far.callMethod(ID, 'reprovision', { action: 'roll' }));
  assert.equal(status, 202, JSON.stringify(payload));
}

/** Rolls by direct method, and returns the thumbprint that the hub then sees. */
async function roll({ far, gateway, thumbprint }: Serving): Promise<string> {
  const since = far.log.entries.length;
  await askToRoll({ far });
  const proven = await far.log.waitFor(
    (entry) => entry.event === 'connected' && entry.thumbprint !== thumbprint,
    PATIENCE_MS,
    since,
  );
  await gateway.settled();
  return proven.thumbprint ?? '';
}
