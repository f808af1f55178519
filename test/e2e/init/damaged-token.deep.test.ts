import assert from 'node:assert/strict';
import { after, before, beforeEach, suite, test } from 'node:test';
import { insideNetworkNamespace } from '../../namespace.ts';
import type { Ended } from '../stage/gateway.ts';
import { Stage } from './stage.ts';

const FILES = '/var/lib/softhsm/tokens/*/token';

if (insideNetworkNamespace(import.meta.filename)) {
  suite('a login to SoftHSM was cut off: the file of the token is empty', () => {
    let stage: Stage;
    let file = '';
    let issued = 0;
    const newlyIssued = () => stage.far.log.count({ event: 'issued' }) - issued;
    const init = (...more: readonly string[]) => stage.machine.newleaf(['init', '--yes', ...more]);
    const ends = ({ code, out, err }: Ended, expected: number) => assert.equal(code, expected, `${out}${err}`);
    before(async () => {
      stage = await Stage.open();
    });
    beforeEach(async () => {
      await stage.reset();
      ends(await init(...stage.flags, '--new-token', 'softhsm'), 0);
      file = stage.machine.sh(`ls ${FILES}.object`).trim();
      stage.machine.sh(`: >${file}`);
      issued = stage.far.log.count({ event: 'issued' });
    });
    after(() => stage.close());

    test('the copy is put back, with the leaf that it has', async () => {
      ends(await init(), 0);
      assert.equal(newlyIssued(), 0);
      assert.equal(stage.rootsOwn(), '');
    });

    test('without a copy, the file is named; a new token gets a new key and a new leaf', async () => {
      const { machine, flags } = stage;
      machine.sh(`rm ${FILES}.object.newleaf`);
      for (const told of [await machine.newleaf(['init']), await init(...flags)]) {
        ends(told, 1);
        const words = told.err.replaceAll(/\s+/g, ' ');
        assert.ok(words.includes(`${file} is damaged: it is empty`), words);
        assert.match(words, /from a backup.*`newleaf init --new-token softhsm`/);
      }
      ends(await init('--new-token', 'softhsm'), 0);
      assert.equal(newlyIssued(), 1);
      ends(await init(), 0);
    });

    test('the same where a person signs: the CSR of the new key is shown', async () => {
      const { machine } = stage;
      machine.sh(`rm ${FILES}.object.newleaf`);
      const told = await init('--issuer', 'inbox', '--new-token', 'softhsm');
      ends(told, 4);
      assert.match(told.out, /BEGIN CERTIFICATE REQUEST/);
    });
  });
}
