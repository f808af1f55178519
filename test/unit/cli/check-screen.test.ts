import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkSite } from '../../../agent/cli/checks/command.ts';
import { CHECKS } from '../../../agent/cli/checks/list.ts';
import type { Site } from '../../../agent/cli/proof/site.ts';
import { parseConfig } from '../../../agent/config/config.ts';
import { Fault } from '../../../agent/failure/failure.ts';
import { TokenError } from '../../../hsm/ckr.ts';
import { CONFIG, siteWith as gatewayWith, slotWith } from './gateway.ts';
import { args, stage } from './stage.ts';

/** Before its first leaf. */
const siteWith = (change: Partial<Site> = {}, toml?: string) =>
  gatewayWith({ entry: async () => 'absent', ...change }, toml);

/** The screen that a person has at the end, where the prompt has the last of its lines. */
async function lastScreen(site: Site, rows = 24, columns = 80) {
  const io = stage({ LANG: 'C', NO_COLOR: '1' }, true);
  Object.assign(io.out, { rows, columns });
  const exit = await checkSite(site, args('check'), io);
  const lines = io.out.text.split('\n');
  return { exit, all: io.out.text, screen: lines.slice(-rows).join('\n') };
}

const down = async (): Promise<never> => {
  throw new Fault('NL-DAEMON-DOWN');
};
const noToken = async (): Promise<never> => {
  throw new Fault('NL-TOKEN-MISSING');
};
const withNoToken: Partial<Site> = { slot: noToken, token: noToken };

describe('80x24, a serial console that cannot scroll back', () => {
  test('red and yellow are repeated below the sum, red first', async () => {
    const { exit, screen } = await lastScreen(siteWith({ status: down, slot: slotWith(0x1_0000) }));
    assert.equal(exit, 1);
    const [, repeated] = screen.split(/^\d+ ok, .*\n/m);
    const heads = String(repeated).match(/^\S+ +\S+/gm);
    assert.deepEqual(heads, ['failed   socket', 'warning  token-present', 'warning  keys']);
    assert.match(String(repeated), /^ {26}-> Find out who tried/m);
  });

  test('what was skipped is one line for each reason', async () => {
    const { all } = await lastScreen(siteWith(withNoToken));
    const folded = all.replaceAll(/\n {9}(?=\S)/g, ' ');
    assert.match(folded, /^skipped {2}pin, keys, leaf-key, tls-handshake, [^\n]*: token-present failed\.$/m);
    assert.match(folded, /^skipped {2}uplink: No program of this gateway sends through newleaf\.$/m);
    assert.match(folded, /^skipped {2}leaf-validity, registration-id, chain: There is no leaf yet\.$/m);
    assert.equal(folded.match(/^skipped/gm)?.length, 6, folded);
  });

  test('what does not fit is named: the first red one is never lost', async () => {
    const broken = async (): Promise<never> => {
      throw new Fault('NL-INTERNAL', { message: `${'word '.repeat(60)}.`, advice: 'See the log.' });
    };
    const site = siteWith({ loadModule: broken, dial: broken, tlsWay: broken, status: down });
    for (const rows of [16, 24, 40]) {
      const { screen } = await lastScreen(site, rows);
      assert.match(screen, /^\d+ ok, /m, `${rows} rows`);
      assert.match(screen, /\n\nfailed {3}module-loads /, `${rows} rows`);
      if (rows < 40) assert.match(screen, /^\.\.\. and \d+ more: `newleaf check \S/m, `${rows} rows`);
    }
  });

  test('a run that is seen as a whole repeats nothing', async () => {
    const { all } = await lastScreen(siteWith(withNoToken), 80);
    assert.equal(all.match(/NL-TOKEN-MISSING/g)?.length, 1);
    assert.match(all, /\d failed: see above what to do\n$/);
  });

  test('a gateway that is not set up: one screen', async () => {
    const config = async () => parseConfig('[dps]\n[hsm]\n[leaf]\n', '/etc/newleaf/newleaf.toml');
    const { exit, all } = await lastScreen(siteWith({ config }));
    assert.equal(exit, 2, 'as of every command');
    assert.ok(all.split('\n').length <= 24, all);
    assert.match(all, /^failed {3}configuration {4}NL-CONFIG This gateway is not set up yet\.\n {26}-> newleaf init$/m);
  });

  test('a line for each mistake of the configuration', async () => {
    const toml = CONFIG.replace('[hsm]', 'nonsense = 1\n[hsm]\nmore = 2');
    const { all } = await lastScreen(siteWith({ config: async () => parseConfig(toml, '/n.toml') }));
    assert.match(all, /^failed {3}configuration {4}NL-CONFIG \/n\.toml:4: dps\.nonsense is not/m);
    assert.match(all, /^ {26}\/n\.toml:6: hsm\.more is not/m);
  });
});

describe('a user without the rights to look', () => {
  const denied = (path: string) => async (): Promise<never> => {
    throw Object.assign(new Error('EACCES'), { code: 'EACCES', path });
  };
  const stranger: Partial<Site> = {
    isStranger: true,
    entry: denied('/var/lib/newleaf/state.json'),
    access: denied('/var/lib/newleaf'),
    slot: async () => {
      throw new TokenError('missing', 'TOKEN_NOT_FOUND', 'no token');
    },
  };

  test('ends with 4, and is told how many checks that leaves out', async () => {
    const { exit, all, screen } = await lastScreen(siteWith(stranger));
    assert.equal(exit, 4, all);
    const [, count] = /^(\d+) checks need sudo: `newleaf check`$/m.exec(screen) ?? [];
    assert.ok(Number(count) > 10, all);
    const [, skipped] = /(\d+) skipped, 0 failed$/m.exec(screen) ?? [];
    assert.equal(Number(skipped) - Number(count), 3, 'issuer-auth, unit and uplink have nothing to look at');
    assert.equal(all.match(/`newleaf check`/g)?.length, 1);
  });

  test('the same in a pipe, where each check has its line, and with --json', async () => {
    const io = stage();
    assert.equal(await checkSite(siteWith(stranger), args('check'), io), 4);
    for (const { id, of, under } of CHECKS) {
      if (of !== 'tpm' && under === undefined) assert.match(io.out.text, new RegExp(`^(ok|skipped) +${id} `, 'm'));
    }
    assert.match(io.out.text, /\n\d+ checks need sudo: `newleaf check`\n$/);
    const json = stage();
    assert.equal(await checkSite(siteWith(stranger), args('check', '--json'), json), 4);
    assert.deepEqual(Object.keys(JSON.parse(json.out.text)), ['schema', 'version', 'at', 'counts', 'checks']);
  });

  const rows: readonly (readonly [name: string, change: Partial<Site>, checks: readonly string[], exit: number])[] = [
    ['a check that can be made', stranger, ['dps-reach'], 0],
    ['a PIN that only root can read', { isStranger: true, mode: async () => 0o700 }, ['pin'], 4],
    ['a fault counts more', { ...stranger, status: down }, [], 1],
    ['nothing to look at yet', {}, [], 0],
  ];
  for (const [name, change, checks, exit] of rows) {
    test(`${name}: ${exit}`, async () => {
      const io = stage();
      const toml = name.startsWith('a PIN') ? CONFIG.replace(/pin_file.*\n/, '') : CONFIG;
      assert.equal(await checkSite(siteWith(change, toml), args('check', ...checks), io), exit, io.out.text);
    });
  }
});
