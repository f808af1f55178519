import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Fault } from '../../../agent/failure/failure.ts';
import { onboardingIdentity } from '../../../agent/keys/onboarding.ts';
import { OnboardingFile } from '../../../agent/keys/onboarding-file.ts';
import { DAY, mint, mintCa, NOW } from '../certificate/mint.ts';
import { scratch } from '../state/disk.ts';

const ca = await mintCa();
const good = await mint({ by: ca });
const findByUri = async () => ({ label: 'onboarding', id: 'fa', spki: good.spki, keyType: 'ec-p256' }) as const;

function stage(t: TestContext, place?: string) {
  const certificate = place ?? join(scratch(t), 'onboarding.pem');
  const key = 'pkcs11:id=%fa';
  const file = new OnboardingFile({
    token: { findByUri },
    key,
    certificate,
    registrationId: 'gw-0001',
    now: () => NOW,
  });
  return { file, certificate };
}

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: unknown) => (error instanceof Fault ? error.failure.code : error),
  );

test('a certificate that is missing, and one that does not fit, are to be brought', async (t) => {
  const { file, certificate } = stage(t);
  assert.equal((await file.lack())?.code, 'NL-ONBOARDING-LEAF');
  const other = await mint({ by: ca });
  const ended = await mint({ by: ca, keys: good.keys, notAfter: NOW - DAY });
  const foreign = await mint({ by: ca, keys: good.keys, subject: 'CN=gw-0002' });
  for (const [pem, code] of [
    [other.pem, 'NL-LEAF-KEY'],
    [ended.pem, 'NL-LEAF-VALIDITY'],
    [foreign.pem, 'NL-LEAF-CN'],
    ['no certificate', 'NL-LEAF-PARSE'],
    [good.pem, undefined],
  ] as const) {
    writeFileSync(certificate, pem);
    assert.equal((await file.lack())?.code, code);
  }
});

test('another certificate takes the place of the one before, which is kept beside it', async (t) => {
  const { file, certificate } = stage(t);
  await file.keep(await file.judge(Buffer.from(good.pem)));
  assert.equal(existsSync(`${certificate}.bak`), false);
  const first = readFileSync(certificate, 'utf8');
  const next = await mint({ by: ca, keys: good.keys, notAfter: NOW + 400 * DAY });
  await file.keep(await file.judge(Buffer.from(next.pem)));
  assert.equal(readFileSync(`${certificate}.bak`, 'utf8'), first);
  assert.notEqual(readFileSync(certificate, 'utf8'), first);
  await file.keep(await file.judge(Buffer.from(next.pem)));
  assert.equal(readFileSync(`${certificate}.bak`, 'utf8'), first, 'the same again replaces nothing');
  for (const path of [certificate, `${certificate}.bak`]) assert.equal(statSync(path).mode & 0o7777, 0o644);
});

test('a place that newleaf may not write: the command for root', async (t) => {
  const { file } = stage(t, '/proc/onboarding.pem');
  const leaf = await file.judge(Buffer.from(good.pem));
  await assert.rejects(file.keep(leaf), ({ failure }: Fault) => {
    return failure.code === 'NL-STATE-WRITE' && /install -m 644 FILE \/proc\/onboarding\.pem/.test(failure.advice);
  });
});

test('one in the token is not replaced, and nothing is missing', async () => {
  const file = new OnboardingFile({
    token: { findByUri },
    key: 'pkcs11:id=%fa',
    registrationId: 'gw-0001',
    now: () => NOW,
  });
  assert.equal(await file.lack(), undefined);
  assert.equal(await codeOf(Promise.resolve().then(() => file.demandFile())), 'NL-CONFIG');
});

test('an identity whose file is missing says what to bring', async (t) => {
  const { certificate } = stage(t);
  const token = { findByUri, certificates: async () => [] };
  const asked = onboardingIdentity({ token, key: 'pkcs11:id=%fa', certificate, caFile: '/dev/null' });
  await assert.rejects(asked, /NL-ONBOARDING-LEAF .*onboarding\.pem/);
});
