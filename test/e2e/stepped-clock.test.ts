import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { holds } from './holds.ts';
import { PATIENCE_MS, type Site, site } from './site.ts';

const ID = 'gw-0001';
const DAY_S = 24 * 3_600;
/** The daemon looks at the clock once a minute. */
const LOOK_MS = 60_000;

/** The wall clock of a daemon, which can be set while it runs; its monotonic clock goes on undisturbed. */
class FakeTime {
  readonly #directory = mkdtempSync(join(tmpdir(), 'newleaf-faketime-'));
  readonly #file = join(this.#directory, 'offset');

  constructor(t: TestContext) {
    this.set(0);
    t.after(() => rmSync(this.#directory, { recursive: true }));
  }

  /** The program that sets up the clock of another. The loader knows where Debian keeps libraries ($LIB, ld.so(8)). */
  get runner(): readonly string[] {
    const preload = 'LD_PRELOAD=/usr/$LIB/faketime/libfaketime.so.1';
    return ['env', preload, `FAKETIME_TIMESTAMP_FILE=${this.#file}`, 'FAKETIME_NO_CACHE=1', 'DONT_FAKE_MONOTONIC=1'];
  }

  /** Sets the clock to the right time and so many seconds. In one go: an empty file would be the right time. */
  set(offset: number): void {
    writeFileSync(`${this.#file}.new`, `${offset < 0 ? '' : '+'}${offset}\n`);
    renameSync(`${this.#file}.new`, this.#file);
  }

  /** To the eleventh day of 1970. */
  setTo1970(): void {
    this.set(10 * DAY_S - Math.round(Date.now() / 1000));
  }
}

async function clockedSite(t: TestContext): Promise<Site & { readonly time: FakeTime }> {
  const time = new FakeTime(t);
  return { ...(await site(t, { runner: time.runner })), time };
}

suite('a real clock that steps', { concurrency: true }, () => {
  test('a boot in 1970, then the right time, then a step over the renewal', async (t) => {
    const { far, gateway, time } = await clockedSite(t);
    await gateway.start();
    const { leaf } = await gateway.settled();
    await gateway.stop();

    time.setTo1970();
    await gateway.start();
    const started = Date.now();
    // No server certificate is valid yet.
    await gateway.log.waitFor({ event: 'failed', action: 'connect', code: 'NL-HUB-UNTRUSTED' });
    const wrong = await gateway.status();
    assert.match(wrong.at, /^1970-01-/);
    holds(wrong, { phase: 'serving', online: false, clock: { credible: false }, person: false });
    holds(wrong, { leaf: { thumbprint: leaf?.thumbprint } });
    assert.equal(wrong.alarm, undefined);

    time.set(0);
    holds(await gateway.settled(), { clock: { credible: true }, leaf: { thumbprint: leaf?.thumbprint } });
    assert.equal(far.log.count({ event: 'issued' }), 1);
    assert.equal(far.log.registrations(ID), 1);

    // The CA goes by the right time: its next leaf must not be due already.
    await far.setPolicy({ lifetimeMs: 5 * 365 * DAY_S * 1000 });
    time.set(250 * DAY_S);
    holds(await gateway.status(), { online: true, leaf: { thumbprint: leaf?.thumbprint } });
    const renewed = await gateway.until(({ last }) => last?.reason === 'due', 2 * LOOK_MS);
    assert.ok(Date.now() - started < LOOK_MS + PATIENCE_MS);
    holds(renewed, { online: true, last: { outcome: 'done' } });
    assert.notEqual(renewed.leaf?.thumbprint, leaf?.thumbprint);
    assert.ok(gateway.log.matching({ event: 'clock-stepped' }).length > 0);
  });

  test('a first start in 1970: nothing is asked of anybody before the servers can be checked, then it provisions', async (t) => {
    const { far, gateway, time } = await clockedSite(t);
    time.setTo1970();
    await gateway.start();
    await gateway.log.waitFor({ event: 'failed', action: 'request-leaf', code: 'NL-EST-UNTRUSTED' });
    holds(await gateway.status(), { phase: 'requesting-leaf', clock: { credible: false }, person: false });
    assert.equal(far.log.count({ event: 'request' }), 0);
    time.set(0);
    await gateway.settled();
    assert.equal(far.log.count({ event: 'issued' }), 1);
    assert.equal(far.log.registrations(ID), 1);
  });
});
