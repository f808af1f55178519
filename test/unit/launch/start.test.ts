import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { REPAIR } from '../../../agent/launch/damaged.ts';
import { scratch } from '../state/disk.ts';

const START = join(import.meta.dirname, '..', '..', '..', 'scripts', 'start');
const POLICY = '/etc/crypto-policies/back-ends/opensslcnf.config';

/** What /usr/bin/newleaf is, for a program that says how it was called. @param policy the path of that of the system */
function installed(directory: string, policy = '/nowhere') {
  const [node, start] = [join(directory, 'node'), join(directory, 'newleaf')];
  writeFileSync(node, '#!/bin/sh\necho "$OPENSSL_CONF $*"\n', { mode: 0o755 });
  writeFileSync(join(directory, 'newleaf.js'), 'program');
  const made = readFileSync(join(START, 'newleaf.sh'), 'utf8').replaceAll('@NODE@', node).replaceAll(POLICY, policy);
  writeFileSync(start, made.replaceAll('@PROGRAM@', directory), { mode: 0o755 });
  return (env: NodeJS.ProcessEnv = {}) => spawnSync(start, ['status', '--json'], { env, encoding: 'utf8' });
}

for (const [what, damage] of [
  ['node is not there', (at: string) => rmSync(join(at, 'node'))],
  ['node may not be run', (at: string) => chmodSync(join(at, 'node'), 0o644)],
  ['newleaf.js is empty', (at: string) => writeFileSync(join(at, 'newleaf.js'), '')],
] as const)
  test(`${what}: one sentence, with the cure`, (t) => {
    const at = scratch(t);
    const call = installed(at);
    damage(at);
    const { status, stdout, stderr } = call();
    assert.deepEqual([status, stdout], [1, '']);
    assert.match(stderr, /^newleaf cannot start: \S+\/(node|newleaf\.js) is not there, or cannot be run\. /);
    assert.ok(stderr.endsWith(`${REPAIR}\n`), stderr);
  });

test('the configuration of OpenSSL is not that of the system; its crypto policy is, and another one can be named', (t) => {
  const at = scratch(t);
  const args = `${at}/newleaf.js status --json\n`;
  assert.equal(installed(at)().stdout, `/dev/null ${args}`);
  const policy = join(at, 'policy');
  writeFileSync(policy, '');
  assert.equal(installed(at, policy)().stdout, `${at}/openssl.cnf ${args}`);
  assert.equal(installed(at)({ OPENSSL_CONF: '/etc/other.cnf' }).stdout, `/etc/other.cnf ${args}`);
});

test('Node takes that configuration with a policy in the form of Fedora', (t) => {
  const at = scratch(t);
  const [policy, conf] = [join(at, 'policy'), join(at, 'openssl.cnf')];
  const ofProvider = '[openssl_init]\nalg_section = evp\n[evp]\nrh-allow-sha1-signatures = no\n';
  writeFileSync(policy, `CipherString = @SECLEVEL=2:kEECDH\nTLS.MinProtocol = TLSv1.2\n${ofProvider}`);
  writeFileSync(conf, readFileSync(join(START, 'openssl.cnf'), 'utf8').replace(POLICY, policy));
  const script = 'require("node:tls").createSecureContext(); console.log("up")';
  const { stdout } = spawnSync(process.execPath, ['-e', script], { env: { OPENSSL_CONF: conf }, encoding: 'utf8' });
  assert.equal(stdout, 'up\n');
});
