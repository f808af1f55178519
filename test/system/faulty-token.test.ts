import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { Status } from '../../agent/roll/report.ts';
import { cutLogin, filesOfToken } from '../contract/faulty/cut-login.ts';
import { faultyModule, rv } from '../contract/faulty/faulty.ts';
import { cut, PATIENCE_MS } from '../e2e/stage/site.ts';
import { inside } from '../namespace.ts';
import { APART, isUp, type Machine } from './machine.ts';
import { says } from './says.ts';
import { provisioned, type Site } from './site.ts';

const STATE = '/var/lib/newleaf';
const SOFTHSM = '/var/lib/softhsm';
const AROUND = '/opt/around';
const FAULTY = `[Service]
Environment=FAULTY_MODULE=/usr/lib/softhsm/libsofthsm2.so FAULTY_DIRECTORY=${AROUND}/faulty
`;
/** The rest that newleaf takes before it opens a token again that has cost a process, and what else is in a start. */
const REST_MS = 60_000;
/**
 * Of the leaf that must not end without another. A slot counts as blocked after five attempts to free it, in 90 seconds at
 * most, and the next moment comes after at most 30 more: half a minute is left then.
 */
const LIFETIME_MS = 150_000;
/** Due after 30 seconds, so the last resort may be taken after 90. */
const RENEW_AT = '"20%"';

const serving = async ({ far }: Site): Promise<string> => (await far.device('gw-0001'))?.thumbprints.primary ?? '';

async function statusOf(machine: Machine): Promise<Status> {
  return JSON.parse((await machine.run('newleaf', 'status', '--json')).out);
}

/** Has the unit read its settings anew. Resolves when the hub has a session with the leaf of before. */
async function restart(site: Site): Promise<void> {
  const { far, machine } = site;
  const [since, thumbprint] = [far.log.entries.length, await serving(site)];
  await machine.must('systemctl', 'daemon-reload');
  await machine.must('systemctl', 'restart', 'newleaf');
  await far.log.waitFor({ event: 'connected', thumbprint }, PATIENCE_MS, since);
  await machine.until((unit) => isUp(unit) && unit.StatusText?.includes('online at') === true);
}

/** A roll that succeeds, and frees the slot of the key before. */
async function rolls(machine: Machine): Promise<void> {
  const since = machine.journal.lines.length;
  const [code, text] = await says(machine, 'roll', '--wait');
  assert.equal(code, 0, text);
  await machine.journal.waitFor({ event: 'transition', from: 'retiring-key', to: 'serving' }, { since });
}

/** The moment in a login at which the file that holds label and PIN of the token is empty (hsm/README.md, SoftHSM). */
async function killedInLogin(site: Site): Promise<void> {
  const { far, machine } = site;
  const login = cutLogin(join(machine.root, STATE));
  const within = Object.entries(login.environment).map(([name, path]) => `${name}=${path.slice(machine.root.length)}`);
  machine.dropIn(`[Service]\nEnvironment=${within.join(' ')}\n`);
  await restart(site);
  const files = filesOfToken(join(machine.root, SOFTHSM));
  const [size, since, line] = [files.size(), far.log.entries.length, machine.journal.lines.length];
  login.lay();
  await machine.run('systemctl', 'restart', 'newleaf');
  await machine.journal.waitFor(({ message }) => /code=killed, status=9\/KILL/.test(String(message)), { since: line });
  // It looks at the token after that, and not before.
  await machine.journal.waitFor({ event: 'resting' }, { since: line });
  assert.ok(!existsSync(join(machine.root, STATE, 'cut-login')), 'it met the cut');
  assert.equal(files.size(), 0);

  await far.log.waitFor({ event: 'connected', thumbprint: await serving(site) }, REST_MS, since);
  const { NRestarts } = await machine.until(isUp);
  assert.equal(NRestarts, '1', 'systemd alone has started it, once');
  assert.equal(files.size(), size);
  const [code, text] = await says(machine, 'status');
  assert.equal(code, 0, text);
}

/** Perhaps that of another program, or of a second set-up: its PIN is another, too, and a try would count. */
async function hasTwin(site: Site): Promise<void> {
  const { machine } = site;
  const pins = ['--pin', '81726354', '--so-pin', '56785678'];
  const make = ['softhsm2-util', '--init-token', '--free', '--label', 'newleaf', ...pins];
  await machine.must('runuser', '-u', 'newleaf', '--', ...make);
  const line = machine.journal.lines.length;
  await restart(site);
  const [code, text] = await says(machine, 'status');
  assert.equal(code, 0, text);
  assert.match(text, /What to do Nothing\./);
  const [exit, checks] = await says(machine, 'check');
  assert.equal(exit, 0, checks);
  assert.match(
    checks,
    /warning token-present 2 tokens match label "newleaf": .* newleaf takes the one that has worked before .* → Name it by its serial number: hsm\.uri = "pkcs11:serial=[0-9a-f]+"/,
  );
  await rolls(machine);
  const refused = machine.journal.lines.slice(line).filter(({ code }) => code === 'NL-TOKEN-PIN');
  assert.deepEqual(refused, []);
}

/** As with the tool of a vendor. */
function destroyByHand({ machine, technician }: Site, id: string): void {
  const conf = join(machine.root, SOFTHSM, 'by-hand.conf');
  writeFileSync(conf, `directories.tokendir = ${join(machine.root, SOFTHSM, 'tokens')}\n`);
  const place = ['--module', '/usr/lib/softhsm/libsofthsm2.so', '--token-label', 'newleaf', '--login', '--pin'];
  for (const kind of ['cert', 'pubkey', 'privkey'])
    spawnSync('pkcs11-tool', [...place, technician.pin.trim(), '--delete-object', '--type', kind, '--id', id], {
      env: { ...process.env, SOFTHSM2_CONF: conf },
    });
}

/** Each key that has served stays, so that the next roll but one has no place for another. */
async function destroysNoKey(site: Site): Promise<void> {
  const { far, machine, technician } = site;
  const hsm = faultyModule(join(machine.root, AROUND));
  machine.dropIn(FAULTY);
  technician.set('module', `"${AROUND}/faulty.so"`);
  technician.set('renew_at', RENEW_AT);
  await restart(site);
  hsm.answer('C_DestroyObject', rv('CKR_FUNCTION_FAILED'), -1);
  await far.setPolicy({ lifetimeMs: LIFETIME_MS, backdateMs: 0 });
  const [done, said] = await says(machine, 'roll', '--wait');
  assert.equal(done, 0, said);
  await far.setPolicy({});
  const { leaf } = await statusOf(machine);
  const end = Date.parse(leaf?.notAfter ?? '');
  const [since, line] = [far.log.entries.length, machine.journal.lines.length];

  const blocked =
    /NL-TOKEN-OCCUPIED Slot [ab] still holds the key with CKA_ID ([0-9a-f]+), .*\(CKR_FUNCTION_FAILED\)\. → Destroy it with the tool/;
  let id = '';
  for (const command of [['roll', '--wait', '--timeout', '2min'], ['status']]) {
    const [code, text] = await says(machine, ...command);
    assert.equal(code, 4, text);
    assert.match(text, blocked);
    id = blocked.exec(text)?.[1] ?? id;
  }
  assert.match(JSON.stringify((await far.twin('gw-0001')).reported), /NL-TOKEN-OCCUPIED/);
  assert.equal((await statusOf(machine)).online, true);

  const resort = { event: 'transition', to: 'requesting-leaf' };
  const begins = await machine.journal.waitFor(resort, { since: line, timeoutMs: LIFETIME_MS });
  const after = machine.journal.lines.indexOf(begins);
  await machine.journal.waitFor({ event: 'outcome', reason: 'done' }, { since: after });
  assert.ok(Date.now() < end, 'in time');
  const session = far.log.since(since).find(({ server, event }) => server === 'hub1' && event.endsWith('connected'));
  assert.equal(session?.event, 'connected', 'the session stayed until the next leaf was proven');

  // A moment, not luck: from now on the hub refuses the leaf of before.
  await pause(Math.max(0, end + 1_000 - Date.now()));
  const mark = far.log.entries.length;
  await cut(far);
  const { thumbprint } = await far.log.waitFor({ event: 'connected' }, PATIENCE_MS, mark);
  assert.notEqual(thumbprint, leaf?.thumbprint);
  const renewed = await statusOf(machine);
  assert.deepEqual([renewed.leaf?.thumbprint, renewed.leaf?.slot, renewed.alarm], [thumbprint, leaf?.slot, undefined]);
  assert.ok(Date.parse(renewed.leaf?.notAfter ?? '') > Date.now());

  // What the advice says: another program destroys it, though the module of newleaf still does not.
  destroyByHand(site, id);
  const [rolled, why] = await says(machine, 'roll', '--wait');
  assert.equal(rolled, 0, why);

  hsm.heal();
  await rolls(machine);
  const [code, text] = await says(machine, 'status');
  assert.equal(code, 0, text);
}

if (inside(import.meta.filename, APART)) {
  test('faults of a token that leave the gateway on the air', async (t) => {
    const site = await provisioned(t);
    await t.test('it is killed in its login to SoftHSM: systemd starts it again, and it has its token', () =>
      killedInLogin(site),
    );
    await t.test('a token that destroys no key: a person is named, and the leaf is renewed with its key', () =>
      destroysNoKey(site),
    );
    await t.test('a second token with its label: it takes its own, and says so to who checks', () => hasTwin(site));
  });
}
