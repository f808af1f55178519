import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { startSimulator } from '../simulator/simulator.ts';
import { Gateway } from './stage/gateway.ts';

/** As after `apt-get purge`, answered with "no": the token has the keys, and nothing says of whom they are. */
test('keys whose records were purged', async (t) => {
  const far = await startSimulator();
  const gateway = new Gateway(far.endpoints);
  t.after(async () => {
    await gateway.remove();
    await far.close();
  });
  await far.enrollGroup({ groupId: 'factory', primary: far.endpoints.issuerPem });
  await gateway.start();
  const { leaf } = await gateway.settled();
  await gateway.token.stores('newleaf-a', leaf?.thumbprint ?? '');
  await gateway.stop();
  const purge = () => rmSync(gateway.stateDirectory, { recursive: true });
  const begin = async () => {
    const { code, out, err } = await gateway.command('init', '--yes', '--timeout', '20s');
    return { code, out, err: err.replaceAll(/\s+/g, ' ') };
  };
  const [left] = gateway.token.privateKeys();

  await t.test('init names them, claims nothing of their maker, and says what to do', async () => {
    purge();
    const { code, err } = await begin();
    assert.equal(code, 4);
    assert.match(err, /NL-TOKEN-OCCUPIED .*"newleaf-a".* the records of newleaf do not say that newleaf made it\./);
    assert.match(err, /`newleaf decommission` shows it, asks, and destroys it; then `newleaf init`/);
    const checked = await gateway.command('check', 'keys');
    assert.match(
      checked.out.replaceAll(/\s+/g, ' '),
      /newleaf-a holds a key, .* `newleaf decommission` shows it, asks, and destroys it; then `newleaf init`/,
    );
  });

  await t.test('other names, and they stay', async () => {
    const settings = readFileSync(gateway.configuration, 'utf8');
    writeFileSync(gateway.configuration, `hsm.label_prefix = "another"\n${settings}`);
    assert.equal((await begin()).code, 0);
    assert.deepEqual(gateway.token.privateKeys(), ['another-a', left]);
    assert.equal((await gateway.command('decommission', '--yes')).code, 0);
    assert.deepEqual(gateway.token.privateKeys(), [left]);
    writeFileSync(gateway.configuration, settings);
  });

  await t.test('decommission destroys them, and init begins anew', async () => {
    assert.equal((await begin()).code, 4);
    const { code, out } = await gateway.command('decommission', '--yes');
    assert.equal(code, 0);
    assert.match(out, /key newleaf-a \(id [0-9a-f]{32}\)/);
    assert.deepEqual(gateway.token.privateKeys(), []);
    assert.equal((await begin()).code, 0);
    assert.deepEqual(gateway.token.privateKeys(), ['newleaf-a']);
  });
});
