import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkSite } from '../../../agent/cli/check.ts';
import { CHECKS } from '../../../agent/cli/checks/list.ts';
import { Fault } from '../../../agent/roll/failure.ts';
import { siteWith, slotWith } from './gateway.ts';
import { args, stage } from './stage.ts';

const down = async (): Promise<never> => {
  throw new Fault('NL-DAEMON-DOWN', {
    message: 'The daemon does not run: nobody answers on /run/newleaf/control.sock.',
  });
};

test('as it looks', async () => {
  const io = stage({ LANG: 'C' });
  const site = siteWith({ status: down, slot: slotWith(0x1_0000), entry: async () => 'absent' });
  assert.equal(await checkSite(site, args('check', 'pin', 'socket', 'hub-reach'), io), 1);
  assert.equal(
    io.out.text,
    `ok       configuration  /etc/newleaf/newleaf.toml is in order, with 6 settings.
ok       state-file     There is no /var/lib/newleaf/state.json yet: this is a
                        new gateway.
ok       module-loads   /usr/lib/module.so loads.
warning  token-present  Token "newleaf" (serial 0042, SoftHSM project SoftHSM
                        v2) has met a wrong PIN since the last right one.
                        -> Find out who tried: after some more the PIN is
                           locked.
ok       pin            Token "newleaf" accepts the PIN.
failed   socket         NL-DAEMON-DOWN The daemon does not run: nobody answers
                        on /run/newleaf/control.sock.
                        -> Run \`systemctl start newleaf\`.
skipped  hub-reach      DPS has not assigned a hub yet.

4 ok, 1 with a warning, 1 skipped, 1 failed
`,
  );
});

test('warnings are no failure', async () => {
  const io = stage();
  assert.equal(await checkSite(siteWith({ slot: slotWith(0x1_0000) }), args('check', 'pin'), io), 0);
  assert.match(io.out.text, /\n3 ok, 1 with a warning, 0 skipped, 0 failed\n$/);
});

test('--json is one object with every result', async () => {
  const io = stage();
  assert.equal(await checkSite(siteWith({ status: down }), args('check', 'socket', '--json'), io), 1);
  const { checks, ...rest } = JSON.parse(io.out.text);
  assert.deepEqual(rest, {
    schema: 1,
    version: '0.0.0-source',
    at: '2026-11-25T13:49:53.000Z',
    counts: { ok: 1, warning: 0, skipped: 0, failed: 1 },
  });
  assert.deepEqual(checks[1], {
    id: 'socket',
    describes: 'The daemon runs, and answers on its socket.',
    outcome: 'failed',
    code: 'NL-DAEMON-DOWN',
    message: 'The daemon does not run: nobody answers on /run/newleaf/control.sock.',
    advice: 'Run `systemctl start newleaf`.',
  });
});

test('a name that is none: 2, and nothing is looked at', async () => {
  const io = stage();
  const site = siteWith({ config: async () => assert.fail('looked') });
  assert.equal(await checkSite(site, args('check', 'leaf'), io), 2);
  assert.equal(io.err.text, 'There is no check "leaf". Did you mean "leaf-key"?\n');
  const other = stage();
  assert.equal(await checkSite(site, args('check', 'xyzzy'), other), 2);
  for (const { id } of CHECKS) assert.ok(other.err.text.includes(id));
});
