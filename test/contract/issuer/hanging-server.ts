import assert from 'node:assert/strict';
import { test } from 'node:test';
import { holds } from '../../e2e/stage/holds.ts';
import { Libest } from './libest.ts';
import { byPassword, closings, serves, siteAt } from './libest-site.ts';
import { standIn } from './stand-in.ts';

/** All clocks of the daemon run so much faster: the minute that it gives an EST server is over in five seconds. */
const FAST = ['env', 'LD_PRELOAD=/usr/$LIB/faketime/libfaketime.so.1', 'FAKETIME=+0 x12'];

export const hangingServer = () =>
  test('a server that hangs for a minute: NL-EST-UNREACHABLE', async (t) => {
    const libest = await Libest.create(8285);
    t.after(() => libest.stop());
    libest.policy = {};
    const url = await libest.start();
    const site = await siteAt(t, url, libest, byPassword, FAST);
    const { far, gateway } = site;
    await gateway.start();
    const thumbprint = await serves(site);
    await libest.replace(url);
    const server = await standIn(Number(new URL(url).port), libest.identity, () => {});
    t.after(() => server.close());
    assert.equal((await gateway.post('/v1/roll')).status, 202);
    const { message } = await gateway.log.waitFor({ event: 'failed', code: 'NL-EST-UNREACHABLE' });
    assert.match(String(message), /did not finish within 60 s/);
    holds(await gateway.status(), { online: true, phase: 'requesting-leaf', leaf: { thumbprint } });
    assert.equal(closings(far), 0, 'the session is the same');
  });
