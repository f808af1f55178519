import assert from 'node:assert/strict';
import { after, before, beforeEach, suite, test } from 'node:test';
import { insideNetworkNamespace } from '../../namespace.ts';
import { Stage } from './stage.ts';

const WRONG = '0ne00000001';

if (insideNetworkNamespace(import.meta.filename)) {
  suite('another ID scope or registration ID, for a gateway that has a leaf', () => {
    let stage: Stage;
    before(async () => {
      stage = await Stage.open();
    });
    beforeEach(async () => {
      await stage.reset();
      const { code, out, err } = await stage.machine.newleaf([
        'init',
        '--yes',
        ...stage.flags,
        '--new-token',
        'softhsm',
      ]);
      assert.equal(code, 0, `${out}${err}`);
    });
    after(() => stage.close());
    const move = (scope: string) => stage.machine.newleaf(['init', '--yes', '--id-scope', scope]);
    const files = () => stage.machine.sh('cd /etc/newleaf && sha256sum newleaf.toml pin; ls');
    const scopeIn = () => /id_scope = "(.*?)"/.exec(stage.machine.sh('cat /etc/newleaf/newleaf.toml'))?.[1];

    test('DPS does not know it: it is tried without a registration, and nothing is written', async () => {
      const { far } = stage;
      const { idScope } = far.endpoints;
      const [before, since] = [files(), far.log.entries.length];
      const { code, out, err } = await move(WRONG);
      assert.equal(code, 2, `${out}${err}`);
      assert.equal(
        err.replaceAll(/\s+/g, ' ').trim(),
        `NL-CONFIG DPS does not know the ID scope ${WRONG}: it refuses it (CONNACK 3), and accepts ${idScope}. Nothing was written: /etc/newleaf/newleaf.toml keeps ${idScope}. -> Look up the ID scope (Azure portal: DPS instance, Overview), then run \`newleaf init\` again.`,
      );
      assert.equal(files(), before);
      assert.equal(far.log.since(since).filter(({ event }) => event === 'register').length, 0);
      assert.equal((await stage.machine.newleaf(['init'])).code, 0, 'it serves as before');
    });

    test('another registration ID: the leaf has the one before, and nothing is written', async () => {
      const before = files();
      const { code, err } = await stage.machine.newleaf(['init', '--yes', '--registration-id', 'gw-0009']);
      assert.equal(code, 2, err);
      assert.match(
        err.replaceAll(/\s+/g, ' '),
        /^NL-CONFIG --registration-id must be (\S+), the CN of the leaf that this gateway has\. .*newleaf decommission/,
      );
      assert.equal(files(), before);
    });

    test('the right one, where the leaf is not enrolled yet: it is written', async () => {
      const { machine, far } = stage;
      const { idScope } = far.endpoints;
      machine.sh(`sed -i s/${idScope}/${WRONG}/ /etc/newleaf/newleaf.toml`);
      await far.removeEnrollment('gateways');
      const { out, err } = await move(idScope);
      assert.equal(scopeIn(), idScope, `${out}${err}`);
    });

    for (const [outage, ...options] of [['connack', { code: 3 }], ['port-closed']] as const) {
      test(`DPS says nothing about it (${outage}): it is written`, async () => {
        const { far } = stage;
        await far.lay('dps', outage, ...options);
        const { out, err } = await move(WRONG);
        await far.lift('dps', outage);
        assert.equal(scopeIn(), WRONG, `${out}${err}`);
      });
    }

    test('a person is asked again, with the one that works in brackets', async (t) => {
      const { idScope } = stage.far.endpoints;
      const person = stage.person(t, ...stage.flags, '--id-scope', WRONG, '--token', 'newleaf');
      await person.answers('Renew', '');
      await person.sees(/NL-DPS-SCOPE .*does\s+not\s+know\s+the\s+ID\s+scope/);
      await person.answers('Go on all the same? [no]', '');
      await person.answers(`ID scope [${idScope}]: `, '');
      await person.ends(0);
      assert.equal(scopeIn(), idScope);
    });
  });
}
