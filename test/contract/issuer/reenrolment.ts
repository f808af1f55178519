import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Status } from '../../../agent/roll/report.ts';
import { holds } from '../../e2e/stage/holds.ts';
import { type CaPolicy, Libest } from './libest.ts';
import { byPassword, closings, serves, siteAt } from './libest-site.ts';
import { CERTS_ONLY, standIn } from './stand-in.ts';

const in30s = (): string => `${new Date(Date.now() + 30_000).toISOString().replace(/\D/g, '').slice(2, 14)}Z`;

/** The words of each are those of test/unit/certificate. */
const refusals: readonly (readonly [what: string, policy: () => CaPolicy, code: string])[] = [
  ['drops the CN', () => ({ dropCn: true }), 'NL-LEAF-CN'],
  ['issues for servers only', () => ({ eku: 'serverAuth' }), 'NL-LEAF-EKU'],
  ['issues what is about to expire', () => ({ end: in30s() }), 'NL-LEAF-VALIDITY'],
];

export const reenrolment = () =>
  test('libest renews by mutual TLS, and whatever goes wrong there leaves the old leaf serving', async (t) => {
    const libest = await Libest.create();
    t.after(() => libest.stop());
    libest.policy = {};
    const url = await libest.start('-o');
    const site = await siteAt(t, url, libest, byPassword);
    const { far, gateway } = site;
    const port = Number(new URL(url).port);
    await gateway.start();
    let thumbprint = await serves(site);
    let closed = 0;

    /** The hub has one session all the time, and the gateway says this beside it. */
    async function stillServes(expected: object): Promise<void> {
      const { payload } = await far.callMethod(gateway.registrationId, 'leafStatus');
      holds(payload, { online: true, leaf: { thumbprint }, ...expected });
      assert.equal(closings(far), closed, 'the session is the same');
    }
    async function becomesNew(since: number): Promise<void> {
      const old = thumbprint;
      thumbprint = await serves(site, since);
      assert.notEqual(thumbprint, old);
      closed += 1;
      assert.equal(closings(far), closed);
    }
    const roll = async (id: string) => assert.equal((await gateway.post('/v1/roll', { id })).status, 202);
    const troubled = (code: string) => gateway.until(({ trouble }: Status) => trouble?.code === code);
    /** A technician does not wait for the next attempt. */
    const hurry = async () => assert.equal((await gateway.post('/v1/roll')).status, 409);

    await t.test('by mutual TLS, on a server that knows no passwords', async () => {
      await libest.replace(url, '-n');
      const since = far.log.entries.length;
      await roll('mutual');
      await becomesNew(since);
    });

    for (const [what, policy, code] of refusals) {
      await t.test(`a CA that ${what}: ${code}`, async () => {
        libest.policy = policy();
        await roll(code);
        const { message } = await gateway.log.waitFor({ event: 'outcome', id: code, reason: 'kept', code });
        assert.match(String(message), /Expected .+; /);
        await stillServes({ phase: 'serving', last: { id: code, outcome: 'kept', code } });
      });
    }

    await t.test('a server that answers garbage: NL-EST-BODY', async () => {
      await libest.replace(url);
      const garbage = await standIn(port, libest.identity, (_, response) => {
        response.writeHead(200, { 'Content-Type': CERTS_ONLY }).end('bm8gY2VydGlmaWNhdGU=\n');
      });
      await roll('through thick and thin');
      await troubled('NL-EST-BODY');
      await stillServes({ phase: 'requesting-leaf', trouble: { code: 'NL-EST-BODY' } });
      await garbage.close();
    });

    await t.test('a server that hangs, and then is gone: NL-EST-UNREACHABLE', async () => {
      let hangs = () => {};
      const hanging = new Promise<void>((resolve) => {
        hangs = resolve;
      });
      const server = await standIn(port, libest.identity, hangs);
      await hurry();
      await hanging;
      await stillServes({ phase: 'requesting-leaf', request: { id: 'through thick and thin' } });
      await server.close();
      await troubled('NL-EST-UNREACHABLE');
      await stillServes({ phase: 'requesting-leaf', trouble: { code: 'NL-EST-UNREACHABLE' } });
    });

    await t.test(
      'a server that says 202, then 200: NL-EST-WAIT, then the roll that was asked for is done',
      async () => {
        libest.policy = {};
        await libest.replace(url, '-n', '-m', '1');
        const since = far.log.entries.length;
        await hurry();
        await troubled('NL-EST-WAIT');
        await stillServes({ phase: 'requesting-leaf', trouble: { code: 'NL-EST-WAIT' } });
        assert.equal(gateway.log.matching({ event: 'failed', code: 'NL-EST-WAIT', retryInMs: 3_600_000 }).length, 1);
        for (let said = {}; !('id' in said); ) {
          const lines = gateway.log.lines.length;
          await hurry();
          said = await gateway.log.waitFor(({ event }) => event === 'failed' || event === 'outcome', { since: lines });
        }
        await becomesNew(since);
        holds(await gateway.status(), { last: { id: 'through thick and thin', outcome: 'done' }, person: false });
      },
    );
  });
