import assert from 'node:assert/strict';
import {
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { askSetting } from '../../../../agent/cli/init/ask-setting.ts';
import { existing } from '../../../../agent/cli/init/configuration.ts';
import { noCertificate } from '../../../../agent/cli/init/settings.ts';
import { scratch } from '../../state/disk.ts';
import { account, scene } from './stage.ts';

const CERTIFICATE = '-----BEGIN CERTIFICATE-----\nMIAA\n-----END CERTIFICATE-----\n';
const trust = { name: 'trust.ca_file', flag: 'trust-ca', words: 'CAs', file: { name: 'trust.pem' } };

/** A file of another user, and one that only root can read; `swap` is the work of that user. */
function place(t: TestContext, secret: string) {
  const [etc, home, root] = [scratch(t), scratch(t), scratch(t)];
  const below = join(home, 'below');
  mkdirSync(below);
  const given = join(below, 'ca.pem');
  writeFileSync(given, CERTIFICATE, { mode: 0o600 });
  for (const path of [home, below, given]) chownSync(path, account.uid, account.gid);
  writeFileSync(join(root, 'ca.pem'), secret, { mode: 0o600 });
  return { etc, given, below, root };
}

const copiesIn = (directory: string) =>
  readdirSync(directory).map((name) => readFileSync(join(directory, name), 'utf8'));

describe('a file that its owner changes for one of root while root takes it over', () => {
  const swaps = {
    'a link': ({ given, root }: ReturnType<typeof place>) => {
      rmSync(given, { force: true });
      symlinkSync(join(root, 'ca.pem'), given);
    },
    'a link on the way': ({ below, root }: ReturnType<typeof place>) => {
      rmSync(`${below}.old`, { force: true, recursive: true });
      renameSync(below, `${below}.old`);
      symlinkSync(root, below);
    },
  };
  for (const [what, swap] of Object.entries(swaps)) {
    for (const look of [1, 2]) {
      for (const [kind, secret] of [
        ['no certificate', 'root:$y$secret'],
        ['a certificate', `secret\n${CERTIFICATE}`],
      ] as const) {
        test(`${what}, to ${kind}, at look ${look}: no word of it comes out`, async (t) => {
          const there = place(t, secret);
          let looks = 0;
          const whyUnreadable = async () => {
            looks += 1;
            if (looks === look) swap(there);
            return 'EACCES';
          };
          const { guide } = scene({ flags: { 'trust-ca': there.given }, errands: { whyUnreadable } });
          const asked = { ...guide, account, file: join(there.etc, 'newleaf.toml') };
          const { message } =
            (await askSetting(asked, { ...trust, objection: noCertificate }).catch((error) => error)) ?? {};
          assert.doesNotMatch(`${copiesIn(there.etc)} ${message}`, /secret/);
          if (looks === look) assert.match(message, /--trust-ca must be a file .*a link/);
        });
      }
    }
  }
});

test('the configuration is read in the same way: its former text is kept for all to read', (t) => {
  const { given, root } = place(t, 'root:$y$secret');
  rmSync(given);
  symlinkSync(join(root, 'ca.pem'), given);
  assert.throws(() => existing(given, true), /NL-CONFIG The configuration .* cannot be read.*a link/);
});
