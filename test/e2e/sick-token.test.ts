import { chmodSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { AS_OTHERS } from '../as-others.ts';
import { type FaultyToken, faulty, rv } from '../contract/faulty/faulty.ts';
import { endsForNothing, servesOnWhatItHas } from './stage/sick-token.ts';
import { PATIENCE_MS, serving } from './stage/site.ts';

const timeout = 6 * PATIENCE_MS;

test('a module that answers each new key by a general error costs one restart, and never the session', {
  timeout,
}, async (t) => {
  let hsm: FaultyToken | undefined;
  const around = (at: Parameters<typeof faulty>[0]) => {
    hsm = faulty(at);
    return hsm;
  };
  const site = await serving(t, { around });
  await servesOnWhatItHas(site, {
    sicken: () => hsm?.answer('C_GenerateKeyPair', rv('CKR_GENERAL_ERROR'), -1),
    heal: () => hsm?.heal(),
  });
});

test('a token whose files became read-only opens for no new process: none is risked, and the session comes back', {
  timeout,
}, async (t) => {
  const site = await serving(t, { runner: AS_OTHERS });
  const tokens = join(site.gateway.token.hsm.directory, 'tokens');
  const all = readdirSync(tokens, { recursive: true }).map((name) => join(tokens, String(name)));
  const allow = (mode: number) => {
    for (const one of [tokens, ...all]) chmodSync(one, statSync(one).isDirectory() ? mode | 0o111 : mode);
  };
  const why = /as a new process could not use the leaf: .*CKR_GENERAL_ERROR/;
  await endsForNothing(site, { sicken: () => allow(0o444), heal: () => allow(0o644) }, why);
});

test('a directory of the token that cannot be written costs one restart, and never the session', {
  timeout,
}, async (t) => {
  const site = await serving(t, { runner: AS_OTHERS });
  const tokens = join(site.gateway.token.hsm.directory, 'tokens');
  const directories = [tokens, ...readdirSync(tokens).map((name) => join(tokens, name))];
  const allow = (mode: number) => {
    for (const one of directories) chmodSync(one, mode);
  };
  await servesOnWhatItHas(site, { sicken: () => allow(0o555), heal: () => allow(0o755) });
});

test('an operation that the module did not end keeps nobody off the air', { timeout }, async (t) => {
  let hsm: FaultyToken | undefined;
  const around = (at: Parameters<typeof faulty>[0]) => {
    hsm = faulty(at);
    return hsm;
  };
  const { far, gateway } = await serving(t, { around });
  const { pid } = gateway;
  hsm?.answer('C_FindObjectsFinal', rv('CKR_FUNCTION_FAILED'));
  const since = far.log.entries.length;
  await far.lay('hub1', 'port-closed');
  await far.lift('hub1', 'port-closed');
  await far.log.waitFor({ event: 'connected' }, PATIENCE_MS, since);
  await gateway.settled();
  if (gateway.pid !== pid) throw new Error('it was started again');
});
