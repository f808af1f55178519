import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Terminal } from '../unit/terminal.ts';
import { BUNDLE, NODE } from './stage/gateway.ts';
import { PATIENCE_MS, serving } from './stage/site.ts';

test('Ctrl-C ends the wait for a roll: it says so, and that the roll goes on', { timeout: PATIENCE_MS }, async (t) => {
  const { gateway, far } = await serving(t);
  await gateway.settled();
  await far.lay('est', 'silent');
  const env = { ...gateway.token.hsm.environment, NEWLEAF_CONFIG: gateway.configuration, NO_COLOR: '1' };
  const terminal = new Terminal(t, [NODE, BUNDLE, 'roll', '--wait'], { env });
  await terminal.screen.shows('waiting for the issuer');
  terminal.type('\u0003');
  assert.equal(await terminal.ended, 1);
  const said = terminal.screen.text.replaceAll(/\s+/g, ' ');
  assert.match(said, /Interrupted\. In flight for \S+ s: waiting for the issuer .*\. The request \S+ goes on\./);
  assert.equal((await gateway.status()).request?.action, 'roll');
});
