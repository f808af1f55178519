import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { LIBRARIES } from '../contract/modules/alone.ts';
import { PATIENCE_MS } from '../e2e/stage/site.ts';
import { inside } from '../namespace.ts';
import { plugIn as plugInTpm } from './chip.ts';
import { losesEngine } from './engine.ts';
import { APART, type Machine } from './machine.ts';
import { provisioned, type Site } from './site.ts';

const DROP_INS = '/etc/systemd/system/newleaf.service.d';
const PIN_FILE = '/root/token-pin';

/** A module of `hsm/README.md`, set up as that says: it serves in the sandbox of the unit, and rolls, by the engine and by stunnel. */
async function rolls(t: TestContext, plugIn: (machine: Machine) => Promise<readonly string[]>): Promise<void> {
  const { far, machine } = await provisioned(t, plugIn);
  const since = far.log.entries.length;
  await machine.must('systemctl', 'start', 'newleaf');
  const { thumbprint } = await far.log.waitFor({ event: 'connected' }, PATIENCE_MS, since);
  await rollsFrom(thumbprint, { far, machine });
  if (!losesEngine(machine)) return;
  const mark = far.log.entries.length;
  await machine.must('systemctl', 'restart', 'newleaf');
  const again = await far.log.waitFor({ event: 'connected' }, PATIENCE_MS, mark);
  const checks = await rollsFrom(again.thumbprint, { far, machine });
  assert.match(checks.find(({ id }) => id === 'tls-handshake')?.message ?? '', /by stunnel/);
}

/** @returns what `newleaf check` then says */
async function rollsFrom(thumbprint: string | undefined, { far, machine }: Pick<Site, 'far' | 'machine'>) {
  await machine.must('newleaf', 'roll', '--wait');
  assert.notEqual((await far.device('gw-0001'))?.thumbprints.primary, thumbprint);
  const check = await machine.run('newleaf', 'check', '--json');
  const { checks } = JSON.parse(check.out) as { checks: readonly Record<'id' | 'outcome' | 'message', string>[] };
  assert.deepEqual(
    checks.filter(({ outcome }) => outcome === 'failed'),
    [],
  );
  return checks;
}

async function opencryptoki(machine: Machine): Promise<readonly string[]> {
  const configure = (input: string, ...options: string[]) =>
    machine.must('sh', '-c', `echo '${input}' | pkcsconf ${options.join(' ')} -c 3`);
  await machine.must('usermod', '-aG', 'pkcs11', 'newleaf');
  await machine.must('systemctl', 'start', 'pkcsslotd');
  await configure('gateway', '-I', '-S', '87654321');
  await configure('', '-P', '-S', '87654321', '-n', '76543210');
  await configure('', '-u', '-S', '76543210', '-n', '12345678');
  await configure('', '-p', '-U', '12345678', '-n', '123456');
  // Debian's package 3.23 leaves it to root alone.
  await machine.must('chgrp', '-R', 'pkcs11', '/var/lib/opencryptoki/swtok');
  await machine.must('chmod', '-R', 'g+rwX', '/var/lib/opencryptoki/swtok');
  const paths = '/var/lib/opencryptoki /run/lock/opencryptoki';
  machine.write(
    `${DROP_INS}/opencryptoki.conf`,
    `[Service]\nPrivateIPC=no\nPrivateUsers=no\nReadWritePaths=${paths}\n`,
  );
  await machine.must('systemctl', 'daemon-reload');
  machine.write(PIN_FILE, '123456\n', 0o600);
  const module = `${LIBRARIES}/pkcs11/libopencryptoki.so`;
  return ['--module', module, '--token', 'gateway', '--pin-file', PIN_FILE];
}

async function nss(machine: Machine): Promise<readonly string[]> {
  const database = '/var/lib/newleaf/nss';
  machine.write(PIN_FILE, 'Geheim-12\n', 0o600);
  await machine.must('mkdir', database);
  await machine.must('certutil', '-N', '-d', `sql:${database}`, '-f', PIN_FILE);
  await machine.must('chown', '-R', 'newleaf:', database);
  const parameters = `configdir='sql:${database}' certPrefix='' keyPrefix='' secmod='secmod.db' flags=`;
  machine.write(
    '/usr/share/p11-kit/modules/nss.module',
    `module: ${LIBRARIES}/libsoftokn3.so\nx-init-reserved: ${parameters}\n`,
  );
  const module = `${LIBRARIES}/p11-kit-proxy.so`;
  return ['--module', module, '--token', 'NSS Certificate DB', '--pin-file', PIN_FILE];
}

if (inside(import.meta.filename, APART)) {
  test('tpm2-pkcs11 in the sandbox of the unit', (t) => rolls(t, plugInTpm));
  const lacksEc = process.env.NEWLEAF_TEST_SUITE === 'bookworm' && 'opencryptoki 3.8.1 makes no EC keys';
  test('opencryptoki in the sandbox of the unit', { skip: lacksEc }, (t) => rolls(t, opencryptoki));
  test('NSS in the sandbox of the unit', (t) => rolls(t, nss));
}
