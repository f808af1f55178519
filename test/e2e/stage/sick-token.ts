import assert from 'node:assert/strict';
import { EXIT } from '../../../agent/failure/exit.ts';
import { lastWords } from '../../../agent/state/last-words.ts';
import { holds } from './holds.ts';
import { PATIENCE_MS, type Serving } from './site.ts';

/** A token that can be made unable to make a key, and able again. */
export interface Sickness {
  sicken(): void;
  heal(): void;
}

const SAID = /Generating the key "newleaf-b": .*\(CKR_GENERAL_ERROR\)/;

/**
 * A token makes no key, and says so by a general error, which may also mean that the module has lost its state.
 * @param attempts of the process that goes on
 */
export async function servesOnWhatItHas(
  { far, gateway, thumbprint }: Serving,
  { sicken, heal }: Sickness,
  attempts = 1,
): Promise<void> {
  sicken();
  await gateway.post('/v1/roll', { id: 'asked' });
  // The first time, a new process may heal it.
  assert.equal(await gateway.ended(), EXIT.restart);
  const words = await lastWords(gateway.stateDirectory);
  assert.match(words?.message ?? '', SAID);

  const since = far.log.entries.length;
  const line = gateway.log.lines.length;
  await gateway.start();
  await far.log.waitFor({ event: 'connected', thumbprint }, PATIENCE_MS, since);
  const told = await gateway.until(({ last }) => last?.id === 'asked', PATIENCE_MS);
  holds(told, { phase: 'serving', online: true, last: { outcome: 'kept', code: 'NL-TOKEN-FAILED' } });
  assert.match(told.next?.trouble?.message ?? '', SAID);
  const events = gateway.log.lines.slice(line);
  const at = (event: string) => events.findIndex((one) => one.event === event);
  assert.ok(at('connected') !== -1 && at('connected') < at('failed'), 'the session comes first');

  // Whoever asks again is told at once, and no process is lost for it.
  const { pid } = gateway;
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const asked = await gateway.command('roll', '--wait');
    assert.equal(asked.code, EXIT.kept, asked.err);
    assert.match(flat(asked.err), SAID);
  }
  assert.equal((await gateway.status()).online, true);
  for (const command of ['status', 'check'] as const) {
    const { out, err } = await gateway.command(command);
    assert.match(flat(out + err), SAID, command);
  }
  assert.match(JSON.stringify(await far.twin(gateway.registrationId)), /NL-TOKEN-FAILED.*CKR_GENERAL_ERROR/);
  assert.equal(gateway.pid, pid);

  heal();
  const rolled = await gateway.command('roll', '--wait');
  assert.equal(rolled.code, EXIT.done, rolled.err);
  const { leaf, next, trouble } = await gateway.settled();
  assert.notEqual(leaf?.thumbprint, thumbprint);
  assert.deepEqual([next, trouble, gateway.pid], [undefined, undefined, pid]);
}

/** As one line: a screen breaks them where it likes. */
const flat = (text: string): string => text.replaceAll(/\s+/g, ' ');
