import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { failureIn } from './stage/ended.ts';
import type { Gateway, GatewayOptions } from './stage/gateway.ts';
import { serving, site } from './stage/site.ts';

interface BadStart {
  readonly title: string;
  readonly settings: NonNullable<GatewayOptions['settings']>;
  readonly code: string;
  readonly exit: number;
  /** What the sentence must name. */
  readonly names: (gateway: Gateway) => readonly string[];
}

const starts: readonly BadStart[] = [
  {
    title: 'a configuration key that is not known',
    settings: { 'dps.id_scop': '"0ne"' },
    code: 'NL-CONFIG',
    exit: 2,
    names: ({ configuration }) => [configuration, 'dps.id_scop', 'id_scope', 'line '],
  },
  {
    title: 'a value out of range',
    settings: { 'limits.burst': '0' },
    code: 'NL-CONFIG',
    exit: 2,
    names: ({ configuration }) => [configuration, 'limits.burst', '1000'],
  },
  {
    title: 'a token that is not there',
    settings: { 'hsm.token': '"elsewhere"' },
    code: 'NL-TOKEN-MISSING',
    exit: 1,
    names: () => ['elsewhere', 'newleaf'],
  },
  {
    title: 'a module that is not there',
    settings: { 'hsm.module': '"/nowhere/libnone.so"' },
    code: 'NL-TOKEN-MODULE',
    exit: 1,
    names: () => ['/nowhere/libnone.so'],
  },
  {
    title: 'a PIN file that is not there',
    settings: { 'hsm.pin_file': '"/nowhere/pin"' },
    code: 'NL-TOKEN-PIN-FILE',
    exit: 4,
    names: () => ['/nowhere/pin'],
  },
];

suite('what cannot work is refused in one sentence', { concurrency: true }, () => {
  for (const { title, settings, code, exit, names } of starts) {
    test(title, async (t) => {
      const { far, gateway } = await site(t, { settings });
      const ended = await gateway.command('run');
      assert.equal(ended.code, exit, ended.out + ended.err);
      const told = failureIn(ended);
      assert.equal(told.code, code);
      for (const name of names(gateway)) assert.ok(told.sentence.includes(name), `${told.sentence} names ${name}`);
      assert.deepEqual(far.log.entries, [], 'nothing was sent');
      assert.deepEqual(gateway.token.privateKeys(), []);
    });
  }

  test('a wrong PIN is tried once, also across restarts', async (t) => {
    const { far, gateway } = await site(t);
    gateway.file('pin', '9999\n', 0o600);
    // SoftHSM sets this with a failed login, and clears it with a good one.
    const wasTried = () => gateway.token.flags().includes('user PIN count low');
    const first = await gateway.command('run');
    assert.equal(first.code, 4, first.out + first.err);
    assert.equal(failureIn(first).code, 'NL-TOKEN-PIN');
    assert.equal(wasTried(), true);
    assert.deepEqual(gateway.token.privateKeys(), [], 'the right PIN is still good');
    assert.equal(wasTried(), false);

    const second = await gateway.command('run');
    assert.equal(second.code, 4, second.out + second.err);
    assert.equal(failureIn(second).code, 'NL-TOKEN-PIN');
    assert.match(failureIn(second).sentence, /not tried again/);
    assert.equal(wasTried(), false, 'it was not tried again');
    assert.deepEqual(far.log.entries, []);

    gateway.file('pin', `${gateway.token.hsm.pin}\n`, 0o600);
    await gateway.start();
    await gateway.settled();
    assert.equal(far.log.registrations(), 1);
  });

  test('a second daemon on the same state directory', async (t) => {
    const { far, gateway, session } = await serving(t);
    const ended = await gateway.command('run');
    assert.equal(ended.code, 1, ended.out + ended.err);
    assert.equal(failureIn(ended).code, 'NL-DAEMON-RUNS');
    assert.ok(failureIn(ended).sentence.includes(gateway.stateDirectory));
    assert.equal((await far.callMethod('gw-0001', 'leafStatus')).status, 200);
    assert.equal(far.log.count({ event: 'connected' }), 1);
    assert.equal(far.log.count({ event: 'disconnected', connection: session.connection ?? 0 }), 0);
  });
});
