import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { settingsIn } from '../../../../agent/cli/bundle/settings.ts';
import { STATE_PARTS } from '../../../../agent/cli/bundle/state-parts.ts';
import { mint } from '../../certificate/mint.ts';
import { scratch } from '../../state/disk.ts';

test('the onboarding certificate is in a support bundle, without what else its file has; and nothing where none is named', async (t) => {
  const directory = scratch(t);
  const { pem } = await mint({});
  const place = join(directory, 'onboarding.pem');
  writeFileSync(place, `-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n${pem}`);
  const part = STATE_PARTS.find(({ name }) => name === 'onboarding.pem');
  const made = (toml: string) => {
    writeFileSync(join(directory, 'newleaf.toml'), toml);
    const settings = settingsIn(join(directory, 'newleaf.toml'));
    return part?.make({ settings, env: {}, now: 0, itself: [] });
  };
  const [found, none] = [
    await made(`[onboarding]\ncertificate = "${place}"\n`),
    await made('[leaf]\nissuer = "est"\n'),
  ];
  assert.equal(String(found).trim(), pem.trim());
  assert.equal(none, undefined);
});
