import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { leftOver } from '../../../../agent/cli/init/idle.ts';
import { tokenByFlags } from '../../../../agent/cli/init/token.ts';
import { current } from '../../daemon/gateway.ts';
import { NOW } from '../../roll/machine.ts';
import { fault, scratch } from '../../state/disk.ts';
import { SOFTHSM, scene, surveyed, token } from './stage.ts';

const URI = 'pkcs11:token=plant;manufacturer=SoftHSM%20project;model=SoftHSM%20v2;serial=01';
const leaf = { ...current, cn: 'gw-7', issuer: 'Device CA', notAfter: NOW };

test('the configuration is lost: what the state says of leaf, registration and token is taken over, and said', async (t) => {
  const directory = scratch(t);
  writeFileSync(join(directory, 'token-uri'), `${URI}\n`);
  const { guide, paper } = scene({ configured: { 'state.directory': directory } });
  assert.equal(await leftOver(guide, { leaf, registered: '0ne1/gw-7@dps.example' }), URI);
  const { answers } = guide;
  const names = ['dps.id_scope', 'dps.registration_id', 'dps.endpoint'];
  assert.deepEqual(
    names.map((name) => answers.text(name)),
    ['0ne1', 'gw-7', 'dps.example'],
  );
  assert.match(
    paper.text.replaceAll(/\s+/g, ' '),
    /there is a leaf: CN gw-7, issued by Device CA, valid until .* in the token pkcs11:token=plant/,
  );
  const whole = scene({ configured: { 'state.directory': directory, 'hsm.module': SOFTHSM.path } });
  assert.equal(await leftOver(whole.guide, { leaf }), undefined);
  assert.equal(await leftOver(scene().guide, { leaf: undefined }), undefined);
});

test('the state is that of another gateway than the one that is to be set up: it is said whose, and nothing is taken over', async (t) => {
  const directory = scratch(t);
  const { guide } = scene({ configured: { 'state.directory': directory }, flags: { 'registration-id': 'gw-8' } });
  await assert.rejects(
    leftOver(guide, { leaf, registered: '0ne1/gw-7@dps.example' }),
    fault('NL-CONFIG', /state of another gateway: gw-7, .* issued by Device CA.*--registration-id says gw-8/),
  );
  assert.equal(guide.answers.size, 1);
  const same = scene({ configured: { 'state.directory': directory }, flags: { 'registration-id': 'gw-7' } });
  await leftOver(same.guide, { leaf });
  assert.match(same.paper.text, /goes on with it/);
});

test('no token is made beside the one with the key of the leaf; without options it is that one', () => {
  const [other, ours] = ['other', 'plant'].map((label) => ({ module: SOFTHSM, token: token(label) }));
  assert(other !== undefined && ours !== undefined);
  const free = [{ module: SOFTHSM, token: token('', { isInitialised: false, hasPin: false }) }];
  const pick = (flags: Readonly<Record<string, string>>, tokens: readonly (typeof ours)[]) =>
    tokenByFlags({ ...scene({ flags }).guide, left: URI }, surveyed({ tokens, free }));
  assert.equal(pick({}, [other, ours]), ours);
  assert.throws(
    () => pick({ 'new-token': 'softhsm' }, [other, ours]),
    /token "plant", which is here: no other one is made/,
  );
  assert.equal(pick({ 'new-token': 'softhsm' }, [other]), 'softhsm', 'that token is lost');
  assert.equal(pick({ token: 'other' }, [other, ours]), other);
});
