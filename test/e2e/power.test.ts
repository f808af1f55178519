import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { Entry } from '../simulator/log.ts';
import { type Moment, phase, seen } from './stage/moment.ts';
import { serving, site } from './stage/site.ts';

const ID = 'gw-0001';

const unknownLeaf =
  (old: () => string, event: Entry['event']) =>
  ({ server, event: happened, thumbprint }: Entry) =>
    server === 'hub1' && happened === event && thumbprint !== old();

/** Every phase of a roll, and what the far side sees between them. */
function moments(current: () => string): Readonly<Record<string, Moment>> {
  return {
    'at generating-key': phase('generating-key'),
    'at requesting-leaf': phase('requesting-leaf'),
    'as the CA gets the request': seen({ server: 'est', event: 'request' }),
    'as the CA has issued': seen({ event: 'issued' }),
    'at registering-next': phase('registering-next'),
    'as DPS gets the registration': seen({ event: 'register' }),
    'as DPS has assigned': seen({ event: 'assigned' }),
    'as DPS is polled': seen({ event: 'poll' }),
    'at connecting-next': phase('connecting-next'),
    'as the hub meets the new leaf': seen(unknownLeaf(current, 'tls')),
    'as the hub has accepted it': seen(unknownLeaf(current, 'connected')),
    'as the twin is read with it': seen(unknownLeaf(current, 'twin')),
    'at retiring-key': phase('retiring-key'),
    'at serving': phase('serving'),
  };
}

suite('power is cut in the middle of a roll', { concurrency: true }, () => {
  // Several gateways share the moments: each roll begins where the cut before it ended.
  const names = Object.keys(moments(() => ''));
  for (const lane of [0, 1, 2]) {
    test(names.filter((_, index) => index % 3 === lane).join(', '), async (t) => {
      const at = await serving(t);
      const { far, gateway } = at;
      let current = at.thumbprint;
      const all = Object.entries(moments(() => current)).filter((_, index) => index % 3 === lane);
      for (const [name, moment] of all) {
        await t.test(name, async () => {
          const since = { far: far.log.entries.length, log: gateway.log.lines.length };
          const cut = moment(at, since).then(() => gateway.stop('SIGKILL'));
          // The answer may be lost in the cut: the request is on disk before it is given.
          await Promise.allSettled([gateway.post('/v1/roll', { id: name })]);
          assert.equal(await cut, 'SIGKILL');
          const keys = gateway.token.privateKeys();
          assert.ok(keys.length >= 1 && keys.length <= 2, String(keys));

          await gateway.start();
          const { leaf, next, last } = await gateway.settled();
          const serves = leaf?.thumbprint ?? '';
          assert.notEqual(serves, current, 'the roll was finished');
          assert.equal(next, undefined);
          assert.equal(last?.id, name);
          assert.equal(last?.outcome, 'done');
          assert.deepEqual(gateway.token.privateKeys(), [`newleaf-${leaf?.slot}`]);
          assert.equal(gateway.token.storedThumbprint(`newleaf-${leaf?.slot}`), serves);
          assert.equal((await far.device(ID))?.thumbprints.primary, serves);
          assert.equal(far.log.matching({ event: 'connected' }).at(-1)?.thumbprint, serves);
          assert.ok(far.log.since(since.far).filter(({ event }) => event === 'issued').length <= 2);
          const published = readFileSync(join(gateway.stateDirectory, 'leaf.pem'), 'utf8');
          assert.equal(new X509Certificate(published).fingerprint256.replaceAll(':', ''), serves);
          current = serves;
        });
      }
    });
  }

  test('again and again during the first provisioning', async (t) => {
    const at = await site(t);
    const { far, gateway } = at;
    const cuts = ['at generating-key', 'as the CA has issued', 'as DPS has assigned', 'as the hub has accepted it'];
    const all = moments(() => '');
    for (const name of cuts) {
      const since = { far: far.log.entries.length, log: gateway.log.lines.length };
      const cut = all[name]?.(at, since).then(() => gateway.stop('SIGKILL'));
      await gateway.start();
      assert.equal(await cut, 'SIGKILL', name);
    }
    await gateway.start();
    const { leaf } = await gateway.settled();
    assert.deepEqual(gateway.token.privateKeys(), ['newleaf-a'], 'the key of the first attempt was found again');
    assert.equal(gateway.token.storedThumbprint('newleaf-a'), leaf?.thumbprint);
    assert.equal((await far.device(ID))?.thumbprints.primary, leaf?.thumbprint);
    assert.equal(far.log.matching({ event: 'connected' }).at(-1)?.thumbprint, leaf?.thumbprint);
  });
});
