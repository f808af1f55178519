import { test } from 'node:test';
import { site } from '../stage/site.ts';
import { story } from './story.ts';

const ms = 10_000;

test('provisioning, refusal and roll: handshakes, CONNACKs and registrations take 10 s each', async (t) => {
  const { far, gateway } = await site(t);
  for (const server of ['dps', 'hub1', 'est'] as const) await far.lay(server, 'slow-tls', { ms });
  for (const server of ['dps', 'hub1'] as const) await far.lay(server, 'delay-connack', { ms });
  await far.lay('dps', 'slow-assignment', { ms });
  await story(t, { far, gateway });
});

test('provisioning, refusal and roll: a hub whose twin takes 10 s', async (t) => {
  const { far, gateway } = await site(t);
  await far.lay('hub1', 'delay-twin', { ms });
  await story(t, { far, gateway });
});
