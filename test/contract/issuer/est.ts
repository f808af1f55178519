import { Authority } from '../../simulator/ca.ts';
import { asked } from './asked.ts';
import { CERTS_ONLY, certsOnly, csrIn, type StandIn, standIn } from './stand-in.ts';
import type { Open } from './way.ts';
import { granted, type Wish } from './wish.ts';

/**
 * The simulator's EST server. What its CA cannot be told, a stand-in on the same port does; that one has a CA of its own,
 * which the gateway trusts, too.
 */
export const openEst: Open = async (far) => {
  const own = await Authority.create('stand-in', 0);
  const identity = await own.serverIdentity(['localhost'], '127.0.0.1');
  let server: StandIn | undefined;
  let forged = 0;

  const leave = async () => {
    await server?.close();
    server = undefined;
  };
  const obey = async (wish: Wish) => {
    await leave();
    await far.lift('est');
    if ('policy' in wish) return far.setPolicy(wish.policy);
    await far.lay('est', 'port-closed');
    server = await standIn(Number(new URL(far.endpoints.est).port), identity, async (request, response) => {
      if (request.method !== 'POST') return void response.writeHead(404).end();
      forged += 1;
      const answer = certsOnly(await granted(wish, await csrIn(request), far));
      response.writeHead(200, { 'Content-Type': CERTS_ONLY }).end(answer);
    });
  };
  return {
    settings: { 'leaf.issuer': '"est"' },
    way(gateway) {
      gateway.file('est-ca.pem', far.endpoints.estCaPem + own.rootPem);
      return asked(gateway, { obey, issued: () => far.log.count({ event: 'issued' }) + forged });
    },
    close: leave,
  };
};
