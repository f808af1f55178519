import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadConfig } from '../../../agent/config/config.ts';
import { claimSocket } from '../../../agent/control/claim.ts';
import { EXIT, exitOf } from '../../../agent/failure/exit.ts';
import { CODES, type Code, failure } from '../../../agent/failure/failure.ts';
import { failureOf } from '../../../agent/failure/failure-of.ts';
import { createJournal, stateFile } from '../../../agent/state/journal.ts';
import { heldPin, readPin } from '../../../hsm/pin.ts';
import { quietLog } from '../../quiet.ts';
import { fault, scratch } from '../state/disk.ts';
import { tinyDisk } from '../state/tiny-disk.ts';

const PASSING = ['ENOSPC', 'EMFILE', 'ENFILE', 'EIO', 'ENOMEM', 'EAGAIN'];

/** Its memory at address 0 is a file that cannot be read: EIO. */
const UNREADABLE = `/proc/${process.pid}/mem`;

const codeOf = async (work: () => unknown): Promise<Code> => {
  try {
    await work();
  } catch (error) {
    return failureOf(error).code;
  }
  assert.fail('it should have failed');
};

/** A server that the system does not let listen. */
function unlistening(code: string): Server {
  const server = createServer();
  server.listen = () => {
    queueMicrotask(() => server.emit('error', Object.assign(new Error(`listen ${code}`), { code })));
    return server;
  };
  return server;
}

test('what passes by itself never ends in an exit code after which systemd starts nothing', () => {
  for (const [code, { kind }] of Object.entries(CODES))
    if (kind === 'transient')
      assert.ok(![EXIT.usage, EXIT.person].some((one) => one === exitOf(failure(code as Code))), code);
});

for (const code of PASSING)
  test(`a control socket that cannot be made for ${code} is tried again`, async (t) => {
    const claim = () => claimSocket(unlistening(code), join(scratch(t), 'control.sock'), quietLog);
    await assert.rejects(claim(), fault('NL-CONTROL-SOCKET', /^control\.socket cannot be made at .*control\.sock\.$/));
  });

for (const code of ['EACCES', 'EROFS', 'EINVAL'])
  test(`a control socket that cannot be made for ${code} is a matter of the configuration`, async (t) => {
    const claim = () => claimSocket(unlistening(code), join(scratch(t), 'control.sock'), quietLog);
    assert.equal(exitOf(failure(await codeOf(claim))), EXIT.usage);
  });

for (const [what, options, exit] of [
  ['has no inodes left', 'nr_inodes=1', EXIT.failed],
  ['is read-only', 'ro', EXIT.usage],
] as const)
  test(`a control socket whose directory is missing, on a file system that ${what}: exit code ${exit}`, async (t) => {
    const disk = tinyDisk(t, options);
    const claim = () => claimSocket(createServer(), join(disk.path, 'run', 'newleaf', 'control.sock'), quietLog);
    assert.equal(exitOf(failure(await codeOf(claim))), exit);
  });

test('a configuration, and a PIN, that the disk does not give at the moment', async () => {
  assert.equal(await codeOf(() => loadConfig(UNREADABLE)), 'NL-CONFIG-READ');
  assert.equal(await codeOf(() => readPin({ file: UNREADABLE })), 'NL-TOKEN-PIN-READ');
  assert.equal(await codeOf(() => readPin({ file: '/nowhere/pin' })), 'NL-TOKEN-PIN-FILE');
});

test('a state that the disk does not give at the moment is not a damaged one; a full /run is no wrong PIN', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'newleaf-'));
  const full = mkdtempSync(join(tmpdir(), 'newleaf-'));
  writeFileSync(stateFile(directory), '{}');
  execFileSync('mount', ['--bind', UNREADABLE, stateFile(directory)]);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4k,nr_inodes=1', 'newleaf-test', full]);
  t.after(() => {
    execFileSync('umount', [stateFile(directory), full]);
    for (const made of [directory, full]) rmSync(made, { recursive: true });
  });
  const journal = createJournal({ directory, validate: (entry) => entry });
  await assert.rejects(journal.read(), fault('NL-STATE-READ', /state\.json cannot be read\.$/));
  assert.throws(
    () => heldPin('1234', full),
    (error) => {
      const { code, message, advice } = failureOf(error);
      assert.deepEqual([code, message.includes(full)], ['NL-TOKEN-PIN-READ', true]);
      return advice.startsWith(`Make room in ${full}: \`df -h ${full}\``);
    },
  );
  const server = createServer();
  t.after(() => server.close());
  assert.equal(await codeOf(() => claimSocket(server, join(full, 'control.sock'), quietLog)), 'NL-CONTROL-SOCKET');
});
