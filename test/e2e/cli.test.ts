import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { failureIn } from './stage/ended.ts';
import type { Ended } from './stage/gateway.ts';
import { holds } from './stage/holds.ts';
import { PATIENCE_MS, serving, site } from './stage/site.ts';

const ID = 'gw-0001';

/** Asserts the exit code; everything that was printed is shown where it is another one. */
function exits(ended: Ended, code: number): Ended {
  assert.equal(ended.code, code, `${ended.out}${ended.err}`);
  return ended;
}

/** A field of a CSR, whose signature is verified. */
const read = (csr: string, field: '-subject' | '-pubkey'): string =>
  execFileSync('openssl', ['req', '-noout', '-verify', field], { input: csr, stdio: 'pipe' }).toString();

suite('exit codes tell what happened at the far side', { concurrency: true }, () => {
  test('2 usage and configuration, 0 what needs no daemon', async (t) => {
    const { gateway } = await site(t);
    for (const args of [[], ['nonsense'], ['roll', '--nonsense'], ['status', 'surplus']]) {
      const { out, err } = exits(await gateway.command(...args), 2);
      assert.equal(out, '');
      assert.match(err, /newleaf/);
    }
    for (const args of [['help'], ['help', 'roll'], ['status', '--help'], ['version'], ['config']]) {
      const { out, err } = exits(await gateway.command(...args), 0);
      assert.notEqual(out, '');
      assert.equal(err, '');
    }
    gateway.configure(['dps.nonsense = 1']);
    for (const args of [['config'], ['status'], ['roll']]) {
      assert.equal(failureIn(exits(await gateway.command(...args), 2)).code, 'NL-CONFIG');
    }
  });

  test('2 not set up: every command says so in one sentence, and names the next command', async (t) => {
    const { gateway } = await site(t);
    gateway.configure([]);
    const asking = [
      'status',
      'status --json',
      'status --watch',
      'roll --wait',
      'reprovision',
      'csr',
      'install -',
      'config',
    ];
    const others = ['uplink add x', 'uplink list', 'uplink show x', 'uplink remove x --yes', 'decommission --yes'];
    for (const line of [...asking, ...others]) {
      const { out, err } = exits(await gateway.command(...line.split(' ')), 2);
      if (line === 'status --json') assert.equal(JSON.parse(out).failure.code, 'NL-CONFIG');
      else assert.equal(out, '', line);
      const words = err.replaceAll(/\s+/g, ' ').trim();
      assert.equal(words, `NL-CONFIG This gateway is not set up yet. → newleaf init --config ${gateway.configuration}`);
    }
    const { out } = exits(await gateway.command('check'), 2);
    assert.match(out, /^failed +configuration +NL-CONFIG This gateway is not set up yet\.\n +→ newleaf init/m);
    assert.match(out, /^skipped +state-file +needs configuration$/m);
  });

  test('5 without a daemon, and no traceback', async (t) => {
    const { gateway } = await site(t);
    for (const args of [['status'], ['status', '--json'], ['reprovision'], ['roll', '--wait'], ['csr']]) {
      const { err } = exits(await gateway.command(...args), 5);
      assert.match(err, /NL-DAEMON-DOWN/);
      assert.doesNotMatch(err, /^\s+at /m);
    }
  });

  test('0 done: status, check, reprovision, roll', async (t) => {
    const { far, gateway, thumbprint } = await serving(t);
    assert.ok(
      exits(await gateway.command('status'), 0)
        .out.replaceAll(/\s/g, '')
        .includes(thumbprint),
    );
    holds(JSON.parse(exits(await gateway.command('status', '--json'), 0).out), {
      schema: 1,
      phase: 'serving',
      online: true,
      leaf: { thumbprint, cn: ID },
      hub: { host: far.endpoints.hub1 },
    });
    exits(await gateway.command('check'), 0);
    const checks = JSON.parse(exits(await gateway.command('check', '--json'), 0).out);
    assert.ok(JSON.stringify(checks).length > 100);

    exits(await gateway.command('reprovision', '--wait', '--id', 'again'), 0);
    assert.equal(far.log.registrations(ID), 2);
    exits(await gateway.command('reprovision', '--id', 'again'), 0);
    assert.equal(far.log.registrations(ID), 2, 'the same request again only gives its outcome');

    exits(await gateway.command('roll', '--wait'), 0);
    const rolled = far.log.matching({ event: 'connected' }).at(-1)?.thumbprint ?? '';
    assert.notEqual(rolled, thumbprint);
    const leaf = readFileSync(join(gateway.stateDirectory, 'leaf.pem'));
    const printed = execFileSync('openssl', ['x509', '-noout', '-fingerprint', '-sha256'], { input: leaf }).toString();
    assert.ok(printed.replaceAll(':', '').includes(rolled), 'leaf.pem is there when the command ends');

    await gateway.settled();
    const first = exits(await gateway.command('csr'), 0).out;
    const again = exits(await gateway.command('csr'), 0).out;
    assert.match(read(first, '-subject'), /CN ?= ?gw-0001/);
    assert.equal(read(again, '-pubkey'), read(first, '-pubkey'), 'the next key is made once');
    assert.deepEqual(gateway.token.privateKeys(), ['newleaf-a', 'newleaf-b']);
  });

  test('4 a person: the enrollment does not know the next leaf; 0 when it does', async (t) => {
    const { far, gateway, thumbprint } = await serving(t);
    const file = (name: string) => readFileSync(join(gateway.stateDirectory, name), 'utf8');
    await far.enrollIndividual({ registrationId: ID, primary: file('leaf.pem') });
    assert.match(exits(await gateway.command('roll', '--wait'), 4).err, /NL-DPS-401002/);
    assert.match(exits(await gateway.command('status'), 4).out, /next\.pem/);
    // The current leaf is registered again, and that is done; the next one still waits.
    exits(await gateway.command('reprovision', '--wait'), 0);
    exits(await gateway.command('status'), 4);
    assert.equal(far.log.count({ event: 'connected' }), 1);

    await far.replaceCertificates(ID, { primary: file('leaf.pem'), secondary: file('next.pem') });
    exits(await gateway.command('reprovision', '--wait'), 0);
    const rolled = far.log.matching({ event: 'connected' }).at(-1)?.thumbprint;
    assert.notEqual(rolled, thumbprint);
    await gateway.settled();
    exits(await gateway.command('status'), 0);
  });

  test('3 kept: DPS takes the next leaf, and the hub refuses it for good', async (t) => {
    const { far, gateway, session, thumbprint } = await serving(t);
    await far.lay('hub1', 'connack', { code: 5 });
    const rolling = gateway.command('roll', '--wait');
    // A technician does not wait for the ladder of the grace period: each question tries at once.
    let refusals = 0;
    const isNext = ({ event, action }: { readonly event?: unknown; readonly action?: unknown }) =>
      event === 'failed' && action === 'connect' && ++refusals > 0;
    for (let since = gateway.log.lines.length; refusals < 10; since = gateway.log.lines.length) {
      await gateway.log.waitFor(isNext, { since, timeoutMs: PATIENCE_MS });
      if (refusals < 10) assert.equal((await gateway.post('/v1/reprovision')).status, 409);
    }
    assert.match(exits(await rolling, 3).err, /NL-HUB-REJECTED/);
    await gateway.until(({ phase, next }) => phase === 'serving' && next?.standing === 'parked');

    const registered = far.log.matching({ event: 'register' }).map((entry) => entry.thumbprint);
    assert.equal(registered.length, 3);
    assert.equal(registered.at(-1), thumbprint, 'going back is a registration, too');
    assert.equal((await far.device(ID))?.thumbprints.primary, thumbprint);
    assert.deepEqual(gateway.token.privateKeys(), ['newleaf-a', 'newleaf-b'], 'it is asked for again, by its ladder');
    assert.equal(far.log.count({ event: 'disconnected', connection: session.connection ?? 0 }), 0);
    assert.equal((await far.callMethod(ID, 'leafStatus')).status, 200);
  });

  test('the daemon has its own name, and keeps its command line', async (t) => {
    const { gateway } = await serving(t);
    assert.equal(readFileSync(`/proc/${gateway.pid}/comm`, 'utf8'), 'newleaf\n');
    assert.match(readFileSync(`/proc/${gateway.pid}/cmdline`, 'utf8'), /\0run\0/);
  });
});

test('a socket that was removed under the daemon: status, check and roll say so, and the restart that brings it back', async (t) => {
  const { gateway } = await serving(t);
  rmSync(gateway.socket);
  for (const command of ['status', 'check', 'roll'] as const) {
    const { code, out, err } = await gateway.command(command);
    assert.equal(code, 1);
    assert.match((out + err).replaceAll(/\s+/g, ' '), /NL-CONTROL-GONE The daemon runs, .*`systemctl restart newleaf`/);
  }
  await gateway.stop();
  assert.equal((await gateway.command('status')).code, 5);
});
