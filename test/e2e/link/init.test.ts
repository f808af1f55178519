import assert from 'node:assert/strict';
import { after, before, beforeEach, suite, test } from 'node:test';
import { insideNetworkNamespace } from '../../namespace.ts';
import { environment } from '../init/machine.ts';
import { Person } from '../init/person.ts';
import { Stage } from '../init/stage.ts';
import { site } from '../stage/site.ts';
import { line } from './line.ts';
import { STEP_MS } from './story.ts';

const SLOW = { delay: 1, loss: 0.05 };

if (insideNetworkNamespace(import.meta.filename)) {
  suite('init over 1 s each way, where every twentieth packet is lost', () => {
    let stage: Stage;
    before(async () => {
      stage = await Stage.open();
      // The servers are at the other end of the line.
      stage.machine.write('/etc/hosts', '11.9.0.2 localhost\n');
    });
    beforeEach(() => stage.reset());
    after(() => stage.close());

    for (const how of ['a person', 'a script'] as const) {
      test(`${how}: each answer is tried in time, and the gateway gets to its hub`, async (t) => {
        const { enter } = await line(t, SLOW);
        const options = [...stage.flags, '--new-token', 'softhsm', ...(how === 'a script' ? ['--yes'] : [])];
        const argv = [...enter, ...stage.machine.argv(['newleaf', 'init', ...options])];
        const began = performance.now();
        const person = new Person(t, argv, { ...environment(), TERM: 'xterm', LANG: 'C.UTF-8' }, STEP_MS);
        if (how === 'a person') {
          await person.sees('trusted (issued by');
          await person.sees('The EST server knows this gateway.');
          for (const question of ['Renew', 'Name of the new', 'PIN for it']) await person.answers(question, '');
        }
        await person.sees('Connected to');
        await person.ends(0);
        t.diagnostic(`${Math.round(performance.now() - began)} ms`);
        assert.doesNotMatch(person.transcript, /NL-|!!/);
        assert.deepEqual(
          [stage.far.log.registrations('gw-0001') > 0, stage.far.log.count({ event: 'issued' }) > 0],
          [true, true],
        );
      });
    }
  });

  test('roll --wait over the same line follows the roll to its end', async (t) => {
    const { runner } = await line(t, SLOW);
    const { far, gateway } = await site(t, { runner });
    await gateway.start();
    await far.log.waitFor({ event: 'connected' }, STEP_MS);
    await gateway.until(({ phase, online, request }) => phase === 'serving' && online && !request, STEP_MS);
    const began = performance.now();
    const { code, out, err } = await gateway.command('roll', '--wait');
    assert.equal(code, 0, `${out}${err}`);
    t.diagnostic(`${Math.round(performance.now() - began)} ms`);
    assert.deepEqual([far.log.registrations('gw-0001'), far.log.count({ event: 'issued' })], [2, 2]);
  });
}
