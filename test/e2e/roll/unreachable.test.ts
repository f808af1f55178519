import assert from 'node:assert/strict';
import { PATIENCE_MS } from '../stage/site.ts';
import { begin, ID, scene, usually } from './scene.ts';

usually(
  'a roll that DPS sends to a hub nobody reaches: the operator assigns another, and a technician asks',
  async (t) => {
    const made = await scene(t);
    const { far, gateway, operator } = made;
    await far.trustCa(far.endpoints.estCaPem);
    operator.keep('issuing-ca.pem', far.endpoints.issuerPem);
    await operator.types('enroll add group gateways --certificate issuing-ca.pem');
    await begin(made);
    await far.assign(ID, 'hub2');
    await far.lay('hub2', 'port-closed');
    await operator.types('enroll reprovision gw-0001 --action roll --wait 0');
    await gateway.log.waitFor({ event: 'failed', action: 'connect', phase: 'connecting-next' });
    await far.assign(ID, 'hub1');
    const since = far.log.entries.length;
    const { code, out, err } = await gateway.command('reprovision', '--wait');
    assert.equal(code, 0, out + err);
    await far.log.waitFor({ event: 'connected', server: 'hub1' }, PATIENCE_MS, since);
    const { next, person } = await gateway.settled();
    assert.deepEqual({ next, person }, { next: undefined, person: false }, 'the candidate has become current');
  },
);
