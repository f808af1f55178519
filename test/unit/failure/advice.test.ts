import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isPersonNeeded } from '../../../agent/cli/instance.ts';
import { complaint } from '../../../agent/cli/kit/command.ts';
import { screenOf } from '../../../agent/cli/kit/screen.ts';
import { parseConfig } from '../../../agent/config/config.ts';
import { adviceByIssuer, advisedFor, whole } from '../../../agent/failure/advice.ts';
import { CODES, Fault, failure } from '../../../agent/failure/failure.ts';
import { failureOf } from '../../../agent/failure/failure-of.ts';
import { TokenError } from '../../../hsm/ckr.ts';
import { CONFIG } from '../cli/gateway.ts';

const BROUGHT = '`newleaf csr`, have it signed, then `newleaf install FILE`';
/** What newleaf refuses where a person brings the leaves. */
const ROLL = /newleaf roll(?! --discard)/;

test('no advice for a gateway whose leaves a person brings has a roll, which newleaf refuses there', () => {
  for (const [code, entry] of Object.entries(CODES))
    for (const one of [entry, entry.inCheck ?? '']) assert.doesNotMatch(adviceByIssuer(false, whole(one)), ROLL, code);
  const { advice, byPerson = '' } = CODES['NL-TOKEN-MISSING'];
  assert.match(advice, /`systemctl start newleaf`, `newleaf roll --wait`\.$/);
  assert.match(byPerson, new RegExp(`\`systemctl start newleaf\`, ${BROUGHT}\\.$`));
});

test('a failure takes both from the table, or from where it was met; an advice of its own is for both', () => {
  const { byPerson = '' } = failure('NL-TOKEN-KEY');
  assert.match(byPerson, /get another: `newleaf csr`/);
  assert.equal(new Fault('NL-TOKEN-KEY', failure('NL-TOKEN-KEY')).failure.byPerson, byPerson);
  assert.equal(failure('NL-TOKEN-KEY', { advice: 'Wait.' }).byPerson, undefined);
  const shared = failureOf(new TokenError('failed', 'KEY_ID_SHARED', 'Two keys.'));
  assert.deepEqual([ROLL.test(shared.advice), ROLL.test(shared.byPerson ?? '')], [true, false]);
  const gone = failureOf(new TokenError('missing', 'TOKEN_NOT_FOUND', 'No token.', undefined, 'Roll.', 'Install.'));
  assert.deepEqual(
    [true, false].map((automatic) => advisedFor(automatic)(gone).advice),
    ['Roll.', 'Install.'],
  );
});

test('what is told has one advice, that for its issuer', () => {
  const told = advisedFor(false)(failure('NL-TOKEN-KEY'));
  assert.match(told.advice, /`newleaf csr`/);
  assert.equal('byPerson' in told, false);
});

test('a screen asks for the issuer where the advice depends on it, and for no other', () => {
  const screen = (isByPerson: () => boolean) => screenOf({ write: () => {}, isByPerson }, {});
  const lost = failure('NL-TOKEN-KEY');
  assert.match(
    complaint(
      lost,
      screen(() => true),
    ),
    /newleaf csr/,
  );
  assert.match(
    complaint(
      lost,
      screen(() => false),
    ),
    ROLL,
  );
  assert.match(complaint(lost, screenOf({ write: () => {} }, {})), ROLL);
  assert.match(
    complaint(
      { ...lost, byPerson: undefined },
      screen(() => assert.fail('it is read')),
    ),
    ROLL,
  );
});

test('a command knows the issuer from the configuration, as far as that can be read', () => {
  const by = (issuer: string) => () =>
    parseConfig(CONFIG.replace(/^issuer = .*$/m, `issuer = "${issuer}"`), '/n').config;
  assert.deepEqual(
    ['inbox', 'hub', 'est', 'none'].map((issuer) => isPersonNeeded(by(issuer))),
    [true, true, false, false],
  );
});
