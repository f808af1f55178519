import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { appendFileSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { holds } from '../../e2e/stage/holds.ts';
import { thumbprintOf } from '../../simulator/ca.ts';
import { drop, inboxOf, openInbox, rejected } from './inbox.ts';
import { Stage } from './stage.ts';
import { csrOf } from './way.ts';
import { certificatesIn } from './wish.ts';

interface Expecting {
  readonly stage: Stage;
  /** A leaf for the next key, with its issuer; another one each time. */
  sign(): Promise<string>;
}

async function expecting(t: TestContext): Promise<Expecting> {
  const stage = await Stage.open(t, openInbox);
  await stage.first();
  const csr = await csrOf(stage.gateway);
  return { stage, sign: () => stage.far.issue(csr) };
}

/** What happens where people and update pipelines put files. */
export function inboxAccidents(): void {
  suite('an inbox', { concurrency: true }, () => {
    test('two leaves at once: one is rolled to, the other is refused when its turn comes', async (t) => {
      const { stage, sign } = await expecting(t);
      const { gateway, far } = stage;
      const [one, other] = [await sign(), await sign()];
      const { leaf } = await stage.rolled(async () => {
        drop(gateway, 'one.pem', one);
        drop(gateway, 'other.pem', other);
      });
      assert.equal(leaf?.thumbprint, thumbprintOf(new X509Certificate(one)));
      // Whatever happens there has everything looked at again.
      drop(gateway, 'again.pem', one);
      for (const name of ['other.pem', 'again.pem']) {
        const { code, sentence } = await rejected(gateway, name);
        assert.equal(code, 'NL-LEAF-KEY');
        assert.match(sentence, /No leaf is expected: no CSR has been made since the last one\./);
      }
      assert.deepEqual(readdirSync(inboxOf(gateway)), []);
      assert.equal(stage.closings(), 1);
      assert.equal(far.log.registrations(), 2);
    });

    test('a slow upload is taken when it is complete', async (t) => {
      const { stage, sign } = await expecting(t);
      const { gateway } = stage;
      const chain = await sign();
      const middle = chain.length / 3;
      const { leaf } = await stage.rolled(async () => {
        writeFileSync(inboxOf(gateway, 'slow.pem'), chain.slice(0, middle));
        // Long enough for the first part to be looked at.
        await pause(5_000);
        appendFileSync(inboxOf(gateway, 'slow.pem'), chain.slice(middle));
      });
      const [delivered] = certificatesIn(chain);
      assert.equal(leaf?.thumbprint, thumbprintOf(new X509Certificate(delivered ?? '')));
      assert.deepEqual(readdirSync(join(gateway.stateDirectory, 'rejected')), []);
    });

    test('what never becomes a chain is moved away, and what a link leads to is not touched', async (t) => {
      const { stage, sign } = await expecting(t);
      const { gateway } = stage;
      const { thumbprint } = (await gateway.status()).leaf ?? {};
      const pin = join(gateway.directory, 'pin');
      const { ino } = statSync(pin);
      drop(gateway, 'half.pem', (await sign()).slice(0, 400));
      drop(gateway, 'empty.pem', '');
      mkdirSync(inboxOf(gateway, 'folder.pem'));
      symlinkSync(pin, inboxOf(gateway, 'link.pem'));
      const reasons = {
        'half.pem':
          /^NL-LEAF-PARSE Expected certificates as PEM, DER or PKCS#7; delivered were 400 bytes without one\./,
        'empty.pem': /^NL-LEAF-PARSE Expected certificates as PEM, DER or PKCS#7; delivered were 0 bytes without one\./,
        'link.pem': /^NL-LEAF-PARSE link\.pem is not a regular file\. Put the file itself into the inbox\.$/m,
      };
      for (const [name, reason] of Object.entries(reasons)) {
        assert.match((await rejected(gateway, name)).sentence, reason);
      }
      // A directory is neither moved nor gone into.
      assert.deepEqual(readdirSync(inboxOf(gateway)), ['folder.pem']);
      assert.equal(statSync(pin).ino, ino);
      holds(await gateway.status(), { phase: 'serving', online: true, leaf: { thumbprint }, person: false });
      assert.equal(stage.closings(), 0);
    });
  });
}
