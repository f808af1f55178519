import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SCHEMA } from '../../../agent/config/schema.ts';
import { EXIT, exitOf } from '../../../agent/failure/exit.ts';
import { CODES, type Code, Fault, failure, sentence } from '../../../agent/failure/failure.ts';

/** Scripts and alerts match on these: a code may be added, but none may vanish or change its kind. */
const PROMISED = {
  transient: `
    NL-DPS-ALLOCATION NL-DPS-OTHER NL-DPS-SCOPE NL-DPS-THROTTLED NL-DPS-CONFLICT NL-DPS-SERVER NL-DPS-BODY NL-DPS-UNREACHABLE
    NL-DPS-TIMEOUT NL-DPS-UNTRUSTED NL-HUB-UNAVAILABLE NL-HUB-UNREACHABLE NL-HUB-UNTRUSTED NL-HUB-CLOSED NL-HUB-LOST
    NL-HUB-TWIN NL-HUB-FLAPPING NL-EST-UNREACHABLE NL-EST-UNTRUSTED NL-EST-SERVER NL-EST-WAIT NL-EST-BODY
    NL-CMD-WAIT NL-CMD-UNREACHABLE NL-CMD-FAILED
    NL-LEAF-NOT-YET NL-TPM-BLOB NL-CLOCK NL-BUDGET NL-BUSY NL-DAEMON-DOWN NL-INTERNAL
    NL-UPLINK-THROTTLED NL-NETWORK-PROXY NL-NETWORK-PROXY-AUTH NL-NETWORK-PROXY-REFUSED NL-NETWORK-PORTAL
    NL-NETWORK-WEBSOCKET NL-NETWORK-IDLE`,
  refused: `
    NL-DPS-401002 NL-DPS-404201 NL-DPS-DISABLED NL-DPS-REJECTED NL-DPS-REFUSED NL-HUB-REJECTED NL-EST-AUTH NL-EST-REFUSED
    NL-CMD-REFUSED
    NL-ISSUER-PERSON NL-ISSUER-NEW-KEY NL-LEAF-EXPIRED NL-LEAF-PARSE NL-LEAF-KEY NL-LEAF-CN NL-LEAF-CA NL-LEAF-EKU NL-LEAF-VALIDITY NL-LEAF-CHAIN
    NL-LEAF-WEAK NL-TPM-KEY NL-TPM-NO-LEAF NL-CONTROL-DENIED NL-UPLINK-FULL NL-UPLINK-POISON
    NL-UPLINK-PROGRAM NL-UPLINK-STANDS NL-UPLINK-CONTENT
    NL-UPLINK-UNTAKEN`,
  broken: `
    NL-CMD-UNCONFIGURED
    NL-TOKEN-MODULE NL-TOKEN-ENGINE NL-TOKEN-MISSING NL-TOKEN-PIN NL-TOKEN-PIN-LOCKED NL-TOKEN-PIN-FILE NL-TOKEN-KEY
    NL-TOKEN-OCCUPIED NL-TOKEN-FAILED NL-TOKEN-POISONED NL-TPM-MISSING NL-TPM-DENIED NL-TPM-FAILED NL-CONFIG NL-STATE-CORRUPT NL-STATE-WRITE NL-DAEMON-RUNS
    NL-UPLINK-DISK NL-UPLINK-SOCKET NL-UPLINK-KEY`,
} as const;

const AREAS =
  /^NL-(NETWORK|DPS|HUB|AZURE|ONBOARDING|EST|CMD|ISSUER|LEAF|TOKEN|TPM|CONFIG|STATE|UPLINK|CLOCK|BUDGET|BUSY|DAEMON|CONTROL|INTERNAL|NO)(-[A-Z0-9]+)*$/;
const codes = Object.keys(CODES) as Code[];
const sections: Record<string, object> = SCHEMA;

/** The settings that a text mentions, as section and key: `issuer.est.url`. */
function settingsIn(text: string): readonly (readonly [section: string, key: string])[] {
  const mentioned = text.matchAll(
    /\b((?:dps|hsm|tpm|leaf|issuer\.est|issuer\.command|issuer\.azure|onboarding|trust|network|state|control|uplink|log)\.)([a-z_]+)/g,
  );
  return [...mentioned]
    .filter(([written]) => !/\.(json|pem)$/.test(written))
    .map(([, section = '', key = '']) => [section.slice(0, -1), key] as const);
}

describe('codes are a contract', () => {
  for (const [kind, list] of Object.entries(PROMISED)) {
    test(`what was promised as ${kind} is there, and is ${kind}`, () => {
      for (const code of list.trim().split(/\s+/)) assert.equal(CODES[code as Code]?.kind, kind, code);
    });
  }
});

test('codes that end a command, or the daemon, with another number than 1', () => {
  const of = (exit: keyof typeof EXIT) => codes.filter((code) => exitOf({ code }) === EXIT[exit]);
  const persons = `NL-ONBOARDING-LEAF NL-STATE-CORRUPT NL-STATE-DECOMMISSIONED NL-STATE-NEWER NL-STATE-OWNER NL-TOKEN-OCCUPIED
    NL-TOKEN-PIN NL-TOKEN-PIN-FILE NL-TOKEN-PIN-LOCKED`;
  assert.deepEqual(of('person').sort(), persons.split(/\s+/));
  assert.deepEqual(of('usage'), ['NL-CONFIG']);
  assert.deepEqual([of('restart'), of('down')], [['NL-TOKEN-POISONED'], ['NL-DAEMON-DOWN']]);
});

describe('each code', () => {
  for (const code of codes) {
    test(`${code} is named after its area, and says in whole sentences what is next`, () => {
      assert.match(code, AREAS);
      const { means, advice } = CODES[code];
      for (const text of [means, advice]) assert.match(text, /^([A-Z]|newleaf).*\.$/);
      for (const [section, key] of settingsIn(`${means} ${advice}`)) {
        assert.ok(key in (sections[section] ?? {}), `there is no setting ${section}.${key}`);
      }
      const command = /`[^`]+`/.test(advice);
      const person = /^Operator( of the (CA|hub|program|proxy|network))?[:,]/.test(advice);
      const nobody = advice === 'Nothing to do: newleaf keeps trying.';
      assert.ok(
        command || person || nobody || settingsIn(advice).length > 0,
        `names neither command nor person: ${advice}`,
      );
    });
  }

  test('that sends people to `newleaf check` says there what comes after it', () => {
    const circles = codes.filter((code) => /^(?!.*then `newleaf check`).*`newleaf check`/.test(CODES[code].advice));
    assert.ok(circles.length > 0);
    for (const code of circles)
      assert.match(CODES[code].inCheck?.advice ?? '', /^[A-Z](?!.*newleaf check`).*\.$/, code);
  });

  test('has a meaning of its own', () => {
    assert.equal(new Set(codes.map((code) => CODES[code].means)).size, codes.length);
  });

  test('that only a person can cure does not say "nothing to do"', () => {
    const idle = codes.filter((code) => CODES[code].kind !== 'transient' && CODES[code].advice.startsWith('Nothing'));
    assert.deepEqual(idle, []);
  });
});

describe('failure', () => {
  test('takes kind, message and advice from the table', () => {
    const { kind, means, advice } = CODES['NL-DPS-SERVER'];
    assert.deepEqual(failure('NL-DPS-SERVER'), { kind, code: 'NL-DPS-SERVER', message: means, advice });
  });

  test('keeps what the adapter knows better, and shortens the words of others', () => {
    const made = failure('NL-EST-REFUSED', {
      message: 'm.',
      advice: 'a.',
      retryAfterMs: 7,
      cause: new Error('e'.repeat(999)),
    });
    assert.deepEqual(made, {
      kind: 'refused',
      code: 'NL-EST-REFUSED',
      message: 'm.',
      advice: 'a.',
      retryAfterMs: 7,
      cause: 'e'.repeat(300),
    });
  });

  test('is one line with its code in front and its advice at the end', () => {
    const fault = new Fault('NL-CLOCK', { cause: 'year\n  1970' });
    assert.equal(fault.message, sentence(fault.failure));
    assert.match(fault.message, /^NL-CLOCK The clock .* \(year 1970\) Check NTP/);
    assert.doesNotMatch(fault.message, /\n/);
  });
});
