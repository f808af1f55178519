import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { scratch } from '../state/disk.ts';

const FALLBACK = join(import.meta.dirname, '..', '..', '..', 'systemd', 'fallback');
const STARTS = 'start --no-block newleaf.service';
const RESETS = 'reset-failed newleaf.service';

const LOCKED = 'NL-TOKEN-PIN-LOCKED The PIN of the token is locked.';

interface Row {
  readonly name: string;
  /** What `systemctl show` says; and `is-enabled`, under "enabled". */
  readonly unit: Readonly<Record<string, string>>;
  /** What is asked of systemd. */
  readonly does: readonly string[];
  /** What goes to the journal; nothing where all is well. */
  readonly alarm?: RegExp;
}

const ROWS: readonly Row[] = [
  { name: 'it runs', unit: { ActiveState: 'active' }, does: [RESETS] },
  { name: 'it runs after a restart', unit: { ActiveState: 'active', NRestarts: '4' }, does: [RESETS] },
  {
    name: 'it runs at the moment',
    unit: { ActiveState: 'active', NRestarts: '5' },
    does: [RESETS],
    alarm: /again and again/,
  },
  { name: 'it is being started', unit: { ActiveState: 'activating' }, does: [] },
  { name: 'it is being stopped', unit: { ActiveState: 'deactivating' }, does: [] },
  { name: 'somebody has stopped it', unit: { ActiveState: 'inactive' }, does: [] },
  {
    name: 'it is not set up yet',
    unit: { ActiveState: 'inactive', Result: 'exec-condition', ExecCondition: '{ path=/bin/sh ; status=1 }' },
    does: [],
  },
  {
    name: 'its user was deleted',
    unit: { ActiveState: 'inactive', Result: 'exec-condition', ExecCondition: '{ path=/bin/sh ; status=217 }' },
    does: [],
    alarm: /A person is needed: its user or its group does not exist/,
  },
  {
    name: 'it ends as soon as it is started',
    unit: { ActiveState: 'activating', NRestarts: '12' },
    does: [],
    alarm: /12 restarts\).* again and again.*It ended/,
  },
  {
    name: 'systemd has given up',
    unit: { ActiveState: 'failed', ExecMainStatus: '1' },
    does: [RESETS, STARTS],
    alarm: /It is started again\..*It ended/,
  },
  {
    name: 'systemd has given up on one that a signal 4 ended',
    unit: { ActiveState: 'failed', ExecMainCode: '2', ExecMainStatus: '4' },
    does: [RESETS, STARTS],
    alarm: /It is started again\..*It ended/,
  },
  {
    name: 'the configuration is wrong',
    unit: { ActiveState: 'failed', ExecMainStatus: '2', StatusText: 'NL-CONFIG The configuration is wrong.' },
    does: [],
    alarm: /A person is needed/,
  },
  {
    name: 'a PKCS#11 module has called exit(2)',
    unit: { ActiveState: 'failed', ExecMainStatus: '2', StatusText: 'serving, online at hub; NL-TOKEN-PIN old' },
    does: [RESETS, STARTS],
    alarm: /It is started again\..*It ended/,
  },
  {
    name: 'the PIN is wrong',
    unit: { ActiveState: 'failed', ExecMainStatus: '4', StatusText: 'NL-TOKEN-PIN The token refused the PIN.' },
    does: [],
    alarm:
      /A person is needed.*NL-DAEMON-DOWN It ended: CN=corp\\client \\n<0>\. → What to do\. The leaf: Expires in 3 days/,
  },
  {
    name: 'the PIN is locked: a TPM opens by itself',
    unit: { ActiveState: 'failed', ExecMainStatus: '4', StatusText: LOCKED },
    does: [RESETS, STARTS],
    alarm: /It is started again\..*It ended/,
  },
  {
    name: 'the PIN is locked, and somebody has disabled it',
    unit: { ActiveState: 'failed', ExecMainStatus: '4', StatusText: LOCKED, enabled: 'disabled' },
    does: [],
    alarm: /A person is needed/,
  },
  {
    name: 'the PIN is wrong, and its file has the other code in its name',
    unit: { ActiveState: 'failed', ExecMainStatus: '4', StatusText: `NL-TOKEN-PIN wrong: /root/${LOCKED}` },
    does: [],
    alarm: /A person is needed/,
  },
];

/** Runs the fallback where systemctl tells of this unit. */
function fallback(t: TestContext, unit: Row['unit'], ...names: readonly string[]) {
  const directory = scratch(t);
  const program = (name: string, lines: readonly string[]) =>
    writeFileSync(join(directory, name), ['#!/bin/sh', ...lines, ''].join('\n'), { mode: 0o755 });
  const { enabled = 'enabled', ...shows } = unit;
  const known = {
    NRestarts: '0',
    ExecMainCode: '1',
    ExecMainStatus: '0',
    StatusText: '',
    Result: 'success',
    ExecCondition: '',
    ...shows,
  };
  const shown = Object.entries(known).map(([name, value]) => `  *--property=${name}*) echo '${value}' ;;`);
  shown.push(`  *is-enabled*) test ${enabled} = enabled ;;`);
  program('systemctl', ['case "$*" in', ...shown, `  *) echo "$*" >>'${directory}/asked' ;;`, 'esac']);
  program('newleaf', [
    // One that is starting has no words of its end.
    `if grep -q '^start ' '${directory}/asked'; then echo 'NL-CONTROL-GONE it is starting' >&2; exit 5; fi`,
    'case "$*" in',
    "  status) printf '  Issuer       CA\\n  Expires      in 3 days\\n' ;;",
    // echo(1) of dash takes them for orders: the first ends the line, the second begins one of any priority.
    "  *) printf '%s\\n' 'NL-DAEMON-DOWN It ended:' '  CN=corp\\client \\n<0>.' '→ What to do.' >&2 ;;",
    'esac',
    'exit 5',
  ]);
  writeFileSync(join(directory, 'asked'), '');
  const env = { ...process.env, PATH: `${directory}:${process.env.PATH}` };
  const input = readFileSync(FALLBACK, 'utf8').replace('/usr/bin/newleaf', join(directory, 'newleaf'));
  const { status, stdout, stderr } = spawnSync('sh', ['-s', ...names], { env, input, encoding: 'utf8' });
  const asked = spawnSync('cat', [join(directory, 'asked')], { encoding: 'utf8' }).stdout;
  return { status, said: `${stdout}${stderr}`, does: asked.split('\n').filter((line) => line !== '') };
}

for (const { name, unit, does, alarm } of ROWS) {
  test(`the fallback, when ${name}`, (t) => {
    const ended = fallback(t, unit);
    assert.deepEqual(ended.does, does);
    assert.equal(ended.status, alarm === undefined ? 0 : 1);
    if (alarm === undefined) assert.equal(ended.said, '');
    else assert.match(ended.said, new RegExp(`^<2>.*${alarm.source}.*\\n$`));
  });
}

test('the fallback of another daemon looks at that one, and names it', (t) => {
  const failed = fallback(t, { ActiveState: 'failed', ExecMainStatus: '1' }, 'plant');
  assert.deepEqual(failed.does, ['reset-failed newleaf@plant.service', 'start --no-block newleaf@plant.service']);
  const { said } = fallback(t, { ActiveState: 'failed', ExecMainStatus: '4', StatusText: 'NL-CONFIG' }, 'plant');
  assert.match(said, /systemctl restart newleaf@plant\./);
});
