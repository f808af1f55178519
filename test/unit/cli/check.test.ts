import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkSite } from '../../../agent/cli/checks/command.ts';
import { CHECKS } from '../../../agent/cli/checks/list.ts';
import { Fault } from '../../../agent/failure/failure.ts';
import { TPM_CONFIG } from './checks/tpm.ts';
import { siteWith, slotWith } from './gateway.ts';
import { args, stage } from './stage.ts';

const down = async (): Promise<never> => {
  throw new Fault('NL-DAEMON-DOWN', {
    message: 'The daemon does not run: there is no answer on /run/newleaf/control.sock.',
  });
};

const troubled = siteWith({ status: down, slot: slotWith(0x1_0000), entry: async () => 'absent' });
const asked = args('check', 'pin', 'socket', 'hub-reach');

test('as it looks on a terminal', async () => {
  const io = stage({ LANG: 'C', NO_COLOR: '1' }, true);
  assert.equal(await checkSite(troubled, asked, io), 1);
  assert.equal(
    io.out.text,
    `ok       configuration    /etc/newleaf/newleaf.toml is in order, with 6
                          settings.
ok       state-directory  /var/lib/newleaf can be written, with room for 10.0
                          MiB and 1000 files.
ok       module-loads     /usr/lib/module.so loads.
warning  token-present    Token "newleaf" (serial 0042, SoftHSM project SoftHSM
                          v2) has met a wrong PIN since the last right one.
                          -> Find out who tried: after some more the PIN is
                             locked.
ok       pin              Token "newleaf" accepts the PIN.
skipped  hub-reach        DPS has not assigned a hub yet.
failed   socket           NL-DAEMON-DOWN The daemon does not run: there is no
                          answer on /run/newleaf/control.sock. It has no state:
                          this gateway is new, or was given up.
                          -> A new one: \`newleaf init\`. One that was given up:
                             leave it off, as a daemon that is started begins
                             anew.

4 ok, 1 with a warning, 1 skipped, 1 failed: see above what to do
`,
  );
});

test('colours say the same as the words', async () => {
  const io = stage({ LANG: 'C' }, true);
  await checkSite(troubled, asked, io);
  for (const word of ['\u001b[32mok     ', '\u001b[33mwarning', '\u001b[2mskipped', '\u001b[31mfailed ']) {
    assert.ok(io.out.text.includes(`${word}\u001b[0m`), word);
  }
});

test('elsewhere: one line for each check, and one for what to do', async () => {
  const io = stage();
  assert.equal(await checkSite(troubled, asked, io), 1);
  const lines = io.out.text.split('\n');
  assert.equal(lines.length, 7 + 2 + 3);
  assert.match(
    lines[3] ?? '',
    /^warning {2}token-present {4}Token "newleaf" \(serial 0042, .*since the last right one\.$/,
  );
  assert.match(lines[4] ?? '', /^ +→ Find out who tried: after some more the PIN is locked\.$/);
});

test('warnings are no failure', async () => {
  const io = stage();
  assert.equal(await checkSite(siteWith({ slot: slotWith(0x1_0000) }), args('check', 'pin'), io), 0);
  assert.match(io.out.text, /\n4 ok, 1 with a warning, 0 skipped, 0 failed\n$/);
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
    message: 'The daemon does not run: there is no answer on /run/newleaf/control.sock.',
    advice:
      'Correct what else fails here, then `systemctl start newleaf`. The end of its log: `journalctl -u newleaf -n 20`.',
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

test('--json has every check, in the same form whatever it finds', async () => {
  const io = stage();
  await checkSite(troubled, args('check', '--json'), io);
  const { checks } = JSON.parse(io.out.text);
  assert.deepEqual(
    checks.map(({ id }: { id: string }) => id),
    CHECKS.filter(({ of }) => of !== 'tpm').map(({ id }) => id),
  );
  for (const { id: _, ...check } of checks) {
    const isToBeDone = check.outcome === 'failed' || check.outcome === 'warning';
    assert.deepEqual(
      Object.keys(check).filter((name) => name !== 'advice' || isToBeDone),
      [
        'describes',
        'outcome',
        ...(check.outcome === 'failed' ? ['code'] : []),
        'message',
        ...(isToBeDone ? ['advice'] : []),
      ],
    );
  }
});

test('a gateway that attests by its TPM is not asked for a leaf, but by name', async () => {
  const site = siteWith({ entry: async () => 'absent' }, TPM_CONFIG);
  const io = stage();
  assert.equal(await checkSite(site, args('check'), io), 0, io.out.text);
  assert.match(io.out.text, /^ok +tpm +The TPM at /m);
  assert.doesNotMatch(io.out.text, / (pin|keys|chain|issuer-reach) /);
  const named = stage();
  assert.equal(await checkSite(site, args('check', 'keys'), named), 0);
  assert.match(named.out.text, /^skipped +module-loads +This gateway attests by its TPM: there is no leaf\.$/m);
});

test('a subject that this gateway does not have is told in one line', async () => {
  const shown = async (programs: readonly string[]) => {
    const io = stage();
    await checkSite(siteWith({ programs: async () => programs }), args('check', 'uplink-queue', 'uplink-trouble'), io);
    return io.out.text;
  };
  assert.match(
    await shown([]),
    /^skipped {2}uplink {11}No program[^\n]*\n\n3 ok, 0 with a warning, 1 skipped, 0 failed\n$/m,
  );
  assert.match(await shown(['sensors']), /^ok {7}uplink-queue /m);
});
