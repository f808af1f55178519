import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { suite, test } from 'node:test';
import { holds } from '../../e2e/stage/holds.ts';
import { BAD_LEAVES } from './bad-leaves.ts';
import { Stage } from './stage.ts';
import type { Open } from './way.ts';
import { ordinary, reversed } from './wish.ts';

/**
 * What every way to a new leaf promises, checked with the real program, a SoftHSM token and the far side: what is good is
 * rolled to, and nothing else gets in.
 * @param severalAtOnce bad leaves are brought all together, where each gets an answer of its own
 */
export function issuerContract(open: Open, { severalAtOnce = false } = {}): void {
  suite('every way to a new leaf', { concurrency: true }, () => {
    test('good leaves', async (t) => {
      const stage = await Stage.open(t, open);
      const { far, way } = stage;

      await t.test('the first one', async () => {
        const status = await stage.first();
        holds(status, { leaf: { slot: 'a' }, last: { outcome: 'done' } });
        assert.equal(status.trouble, undefined);
      });

      await t.test('the next one has a new key in the other slot, and the old key is destroyed', async () => {
        const before = stage.leaf();
        const status = await stage.rolledTo(reversed);
        holds(status, { leaf: { slot: 'b' }, last: { action: 'roll', outcome: 'done' } });
        assert.equal(status.trouble, undefined);
        assert.equal(stage.leaf().publicKey.equals(before.publicKey), false);
        // It was delivered in reverse, with the root.
        const { thumbprint = '' } = status.leaf ?? {};
        const [presented] = far.log.matching({ server: 'dps', event: 'tls', thumbprint });
        assert.equal(presented?.chain, 2, 'TLS sends the leaf and its issuer');
      });

      for (const what of ['intermediate', 'root'] as const) {
        await t.test(`one of a CA that has rolled its ${what}`, async () => {
          const issuerPem = await far.rollIssuer(what);
          await far.replaceCertificates('gateways', { primary: issuerPem });
          const { leaf } = await stage.rolledTo(ordinary);
          assert.equal(`CN=${leaf?.issuer}`, new X509Certificate(issuerPem).subject);
          assert.equal(stage.leaf().verify(new X509Certificate(issuerPem).publicKey), true);
        });
      }

      assert.equal(way.issued(), 4, 'one for each');
      assert.equal(stage.closings(), 3, 'one session ends for each roll');
      assert.equal(far.log.registrations(), 4);
    });

    test('a bad leaf leaves the old one serving, on the same session', { concurrency: severalAtOnce }, async (t) => {
      const stage = await Stage.open(t, open);
      const { far, gateway, way } = stage;
      const { thumbprint } = (await stage.first()).leaf ?? {};
      const serves = { phase: 'serving', online: true, leaf: { thumbprint } };
      const rows = BAD_LEAVES.map(([what, wish, code]) =>
        t.test(`one ${what}: ${code}`, async () => {
          const told = await way.refused(wish);
          assert.equal(told.code, code);
          assert.match(told.sentence, /Expected .+; /);
          holds((await far.callMethod(gateway.registrationId, 'leafStatus')).payload, serves);
        }),
      );
      await Promise.all(rows);
      assert.equal(stage.closings(), 0, 'one session all the time');
      assert.equal(far.log.registrations(), 1, 'DPS has not heard of any of them');
      assert.deepEqual(gateway.token.privateKeys(), ['newleaf-a', 'newleaf-b'], 'one next key for all of them');
      assert.equal(way.issued(), 1 + BAD_LEAVES.length);

      // Nothing is left of them that would be in the way of a good one.
      holds(await stage.rolledTo(ordinary), { leaf: { slot: 'b' }, last: { outcome: 'done' } });
    });

    test('a leaf that is not valid yet is waited for, then installed: no other is issued', async (t) => {
      const stage = await Stage.open(t, open);
      const { gateway, way } = stage;
      const { thumbprint } = (await stage.first()).leaf ?? {};
      const told = await way.early({ policy: { backdateMs: -way.earlyMs } });
      assert.equal(told.code, 'NL-LEAF-NOT-YET');
      assert.match(
        told.sentence,
        /Expected a leaf that is valid now \(2[^)]+Z\); the delivered one is valid from 2.+Z\./,
      );
      holds(await gateway.status(), { online: true, leaf: { thumbprint } });
      assert.equal(stage.closings(), 0, 'the session is the same');

      const { leaf } = await stage.rolled(() => way.patience());
      assert.ok(Date.parse(leaf?.notBefore ?? '') <= Date.now());
      assert.equal(way.issued(), 2);
    });
  });
}
