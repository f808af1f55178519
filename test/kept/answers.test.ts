import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import type { FaultyToken } from '../contract/faulty/faulty.ts';
import { servingFaulty } from '../e2e/stage/faulty-site.ts';
import type { Serving } from '../e2e/stage/site.ts';
import { isWell, type Stand, serves } from './law.ts';

/** Attributes that newleaf, libp11 or OpenSSL read. */
const NAMES: Readonly<Record<string, string>> = {
  '0x0': 'CLASS',
  '0x1': 'TOKEN',
  '0x2': 'PRIVATE',
  '0x3': 'LABEL',
  '0x11': 'VALUE',
  '0x100': 'KEY_TYPE',
  '0x102': 'ID',
  '0x103': 'SENSITIVE',
  '0x108': 'SIGN',
  '0x129': 'PUBLIC_KEY_INFO',
  '0x162': 'EXTRACTABLE',
  '0x163': 'LOCAL',
  '0x164': 'NEVER_EXTRACTABLE',
  '0x165': 'ALWAYS_SENSITIVE',
  '0x180': 'EC_PARAMS',
  '0x181': 'EC_POINT',
  '0x202': 'ALWAYS_AUTHENTICATE',
};
/** Of these the value of another key is tried as well. */
const OF_A_KEY = ['0x3', '0x102', '0x181'];

/** EVERY=7: each seventh answer of a kind. KIND=sign: these only. */
const every = Number(process.env.EVERY ?? 1);
const [KIND = /./, AT = /./] = ['KIND', 'AT'].map((name) => new RegExp(process.env[name] ?? '.'));

interface Site extends Serving {
  readonly hsm: FaultyToken;
  readonly stand: Stand;
  /** Of the key of another, which lies in the same token. */
  readonly stranger: ReadonlyMap<string, Buffer>;
}

async function siteOf(t: TestContext): Promise<Site> {
  const made = await servingFaulty(t);
  const { token } = made.gateway;
  token.ask('--keypairgen', '--key-type', 'EC:prime256v1', '--label', 'stranger', '--id', 'beef');
  const listed = token.ask('--list-objects', '--type', 'pubkey', '--label', 'stranger').toString();
  const point = /EC_POINT: +([0-9a-f]+)/.exec(listed)?.[1] ?? assert.fail(listed);
  const stranger = new Map([
    ['0x3', Buffer.from('stranger')],
    ['0x102', Buffer.from('beef', 'hex')],
    ['0x181', Buffer.from(point, 'hex')],
  ]);
  const stand = { ...made, roll: () => made.gateway.command('roll', '--wait') };
  return { ...made, stand, stranger };
}

async function played({ stand, hsm }: Site, kind: string, at: number, value?: Buffer): Promise<string> {
  hsm.heal();
  hsm.once(kind, at, value);
  const { code, out, err } = await stand.roll();
  const met = code === 0 ? [] : [`${code} ${/NL-[A-Z0-9-]+/.exec(out + err)?.[0]}`];
  await serves(stand);
  // The answer may be that of a call which comes after the roll, as of the certificate.
  const isBehind = code === 0;
  if (!isBehind) hsm.heal();
  met.push(...(await isWell(stand, ['stranger'], isBehind ? 2 : 1)));
  hsm.heal();
  return met.join(', ') || 'well';
}

suite('an answer of the token is wrong once', { concurrency: Number(process.env.GATEWAYS ?? 3) }, () => {
  for (const part of [0, 1, 2])
    test(`part ${part + 1} of 3`, async (t) => {
      let site = await siteOf(t);
      await site.stand.roll();
      await site.gateway.settled();
      site.hsm.heal();
      assert.equal((await site.stand.roll()).code, 0);
      await site.gateway.settled();
      const counts = site.hsm.answers();
      t.diagnostic(JSON.stringify([...counts]));
      const breaches: string[] = [];
      const outcomes: string[] = [];
      for (const [kind, count] of counts)
        for (let at = 1; at <= count; at += every)
          for (const value of OF_A_KEY.includes(kind) ? [undefined, site.stranger.get(kind)] : [undefined]) {
            if (at % 3 !== part || !KIND.test(kind) || !AT.test(String(at))) continue;
            const called = `${NAMES[kind] ?? kind} ${at} of ${count}${value ? ', of another key' : ''}`;
            try {
              const outcome = await played(site, kind, at, value);
              outcomes.push(`${NAMES[kind] ?? kind}${value ? ', of another key' : ''}: ${outcome}`);
              if (process.env.SHOW) console.error(`${called} | ${outcome}`);
            } catch (error) {
              breaches.push(`${called}: ${error instanceof Error ? error.message : error}`);
              if (process.env.SHOW) console.error(`BREACH ${breaches.at(-1)}`);
              await site.gateway.stop('SIGKILL');
              site = await siteOf(t);
            }
          }
      for (const one of new Set(outcomes)) t.diagnostic(`${one}: ${outcomes.filter((other) => other === one).length}`);
      t.diagnostic(`${outcomes.length + breaches.length} answers`);
      assert.deepEqual(breaches, []);
    });
});
