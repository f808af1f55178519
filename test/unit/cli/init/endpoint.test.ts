import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { IDENTITY_QUESTIONS } from '../../../../agent/cli/init/identity.ts';
import { prove } from '../../../../agent/cli/init/prove.ts';
import { DAY, mint, mintCa, privateKeyPem } from '../../certificate/mint.ts';
import { authority, files, grant, type Script, serve } from '../../issuer/est-server.ts';
import { leafOf } from '../../roll/machine.ts';
import { fault } from '../../state/disk.ts';
import { scene } from './stage.ts';

const HERE = join(import.meta.dirname, '../../../../package.json');
const ask = IDENTITY_QUESTIONS.at(-1) ?? assert.fail('there is no question for the endpoint');
/** A port of this machine where nothing listens: refused at once. */
const WRONG = '127.0.0.1:9';

test('a DPS endpoint that gives no answer is not the default of the next question', async (t) => {
  const { trust = '' } = files(t, { trust: authority.rootPem });
  const configured = { 'dps.endpoint': '127.0.0.2:9', 'trust.ca_file': trust };
  const { guide, paper } = scene({ configured, typed: [WRONG, 'no', '', 'yes'] });
  await ask(guide);
  assert.deepEqual(paper.text.match(/DPS endpoint \[.*$/gm), [
    `DPS endpoint [127.0.0.2:9]: ${WRONG}`,
    'DPS endpoint [127.0.0.2:9]: ',
  ]);
  assert.equal(guide.answers.get('dps.endpoint'), '127.0.0.2:9');
});

test('at "Name another file?" a path is an answer, and one that is wrong is said to be', async () => {
  const configured = { 'dps.endpoint': WRONG, 'trust.ca_file': '/nowhere/before.pem' };
  const { guide, paper } = scene({ configured, typed: ['', 'maybe', '/nowhere/ca.pem', HERE, 'back'] });
  await ask(guide).catch(() => undefined);
  const shown = paper.text.replaceAll(/\s+/g, ' ');
  assert.match(shown, /must be yes or no, or the path of the file/);
  assert.match(shown, /must be a file that is there: there is no \/nowhere\/ca\.pem/);
  assert.match(shown, /must be a PEM file: there is no certificate in/);
});

test('what is wrong is told of the question, and in a script of the option: nothing is written yet', async (t) => {
  const { trust = '' } = files(t, { trust: authority.rootPem });
  const configured = { 'dps.endpoint': WRONG, 'trust.ca_file': trust };
  for (const [typed, named] of [
    [[], '"DPS endpoint"'],
    [undefined, '--endpoint'],
  ] as const) {
    const { guide } = scene({ configured: { ...configured, 'dps.endpoint': 'name.invalid' }, ...(typed && { typed }) });
    const { failure } = await prove(guide, ['dps-reach'], 'Dialling');
    assert.equal(failure?.code, 'NL-DPS-UNREACHABLE');
    assert.match(failure?.advice ?? '', new RegExp(`^Check the name servers .*, and ${named}\\.$`));
  }
});

test('a clock that is wrong is named, and no file of CAs is blamed', async (t) => {
  const now = Date.now();
  const root = await mintCa({ notBefore: now - DAY, notAfter: now + 2 * DAY });
  const later = { notBefore: now + DAY / 2, notAfter: now + 2 * DAY };
  const { pem, keys } = await mint({ ...later, subject: 'CN=localhost', ip: '127.0.0.1', by: root });
  const script: Script = (response, seen) => {
    response.setHeader('Date', new Date(now + DAY).toUTCString());
    grant(response, seen);
  };
  const { url } = await serve(t, script, { cert: pem, key: privateKeyPem(keys) });
  const { trust = '' } = files(t, { trust: root.pem });
  const { guide } = scene({ configured: { 'dps.endpoint': new URL(url).host, 'trust.ca_file': trust }, typed: [] });
  const { failure } = await prove(guide, ['dps-reach'], 'Dialling');
  assert.equal(failure?.code, 'NL-CLOCK');
  assert.match(failure?.message ?? '', /its identity cannot be checked while the clock is wrong\.$/);
});

test('in a script: a file of CAs for a gateway that has a leaf is proven before it is written', async (t) => {
  const { trust = '' } = files(t, { trust: authority.rootPem });
  const { guide } = scene({ configured: { 'dps.endpoint': WRONG }, flags: { 'trust-ca': trust } });
  await ask(guide);
  await assert.rejects(ask({ ...guide, leaf: leafOf('g1', 'a') }), fault('NL-DPS-UNREACHABLE', /./));
});
