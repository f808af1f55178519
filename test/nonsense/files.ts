import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { parsed } from '../../agent/ask/form.ts';
import { toPem } from '../../agent/certificate/pem.ts';
import { verify } from '../../agent/certificate/verify.ts';
import { parseConfig } from '../../agent/config/config.ts';
import { POSTED_PATHS, readAsk } from '../../agent/control/ask.ts';
import type { Fault } from '../../agent/failure/failure.ts';
import { entryOf, memoryOf } from '../../agent/roll/core/entry.ts';
import { recorded } from '../../agent/roll/core/view.ts';
import { PHASES } from '../../agent/roll/phase.ts';
import { validateEntry } from '../../agent/state/entry.ts';
import { createJournal, stateFile } from '../../agent/state/journal.ts';
import { changedTerms } from '../../agent/state/program-terms.ts';
import { armored } from '../unit/certificate/deliver.ts';
import { NOW } from '../unit/certificate/mint.ts';
import { LEAST } from '../unit/config/least.ts';
import { MEMORIES } from '../unit/roll/memories.ts';
import { lineAndRest } from './inputs.ts';
import { assertRefusal, type Reader } from './laws.ts';
import type { Papers } from './papers.ts';

/** What a CA, a program or a person delivers: PEM, DER or PKCS#7. */
export const deliveries = ({ ca, leaf, chain, indefinite }: Papers): Reader => {
  const expected = { key: { slot: 'a', id: '0a' }, cn: 'gw-0001', now: NOW, renewAt: () => undefined } as const;
  return {
    name: 'certificates',
    seeds: [
      leaf.der,
      Buffer.from(leaf.pem + ca.pem),
      chain,
      indefinite,
      Buffer.from(armored('PKCS7', chain)),
      Buffer.from(`Bag Attributes\r\n${ca.pem}${leaf.pem}`.replaceAll('\n', '\r\n')),
    ],
    async read(input) {
      try {
        const { leaf: accepted } = verify(await toPem(input), { ...expected, spki: leaf.spki });
        assert.deepEqual([accepted.cn, accepted.key], ['gw-0001', expected.key]);
      } catch (error) {
        assertRefusal(error, /^NL-LEAF-/);
      }
    },
  };
};

const MORE = `${LEAST.replace('inbox', 'est')}renew_at = "66%"
key_type = "ec-p256"
rotate_key = true
[issuer.est]
url = "https://ca.example.com/.well-known/est"
ca_file = "/etc/newleaf/est-ca.pem"
username = 'gw-0001'
password_file = """/etc/newleaf/est-password"""
[network]
proxy = "http://proxy.example:3128"
no_proxy = ["localhost", ".internal"]
[uplink]
rate = 20
max_bytes = "64MiB"
[limits]
requests_per_hour = 0x14
min_roll_interval = "30s"
`;

/** The configuration. */
export const configurations: Reader = {
  name: 'toml',
  seeds: [
    Buffer.from(LEAST),
    Buffer.from(MORE),
    Buffer.from(LEAST.replace('[hsm]', 'payload = { site = "north", at = 1979-05-27 }\n[hsm]')),
    Buffer.from('dps = { id_scope = "0ne", registration_id = "gw-0001", attestation = "tpm" }\n# comment\n'),
  ],
  read(input) {
    try {
      const { config } = parseConfig(input.toString(), 'FILE');
      assert.ok(Object.isFrozen(config) && config.dps.registration_id.length > 0);
    } catch (error) {
      assertRefusal(error, /^NL-CONFIG$/);
      for (const line of (error as Fault).failure.message.split('\n')) assert.match(line, /^(FILE|This gateway|…)/);
    }
  },
};

const FORMAT = '{"format":3,"written":"2030-01-01T00:00:00.000Z","entry":';
const entries = Object.values(MEMORIES).map((memory) => JSON.stringify(entryOf(memory)));

/** The state file: damaged, or (after the line `signed`) with another entry under a digest that is right. */
export const journals = (directory: string): Reader => {
  const path = stateFile(directory);
  const journal = createJournal({ directory, validate: validateEntry, now: () => NOW });
  const whole = (entry: string) => `${FORMAT}${entry},"digest":"${createHash('sha256').update(entry).digest('hex')}"}`;
  const [first = '', ...more] = entries;
  return {
    name: 'journal',
    seeds: [
      Buffer.from(whole(first)),
      ...more.map((entry) => Buffer.from(whole(entry))),
      ...entries.map((entry) => Buffer.from(`signed\n${entry}`)),
    ],
    async read(input) {
      const [line, rest] = lineAndRest(input);
      const text = line === 'signed' ? whole(compact(rest.toString())) : input;
      writeFileSync(path, text);
      const before = readFileSync(path);
      try {
        const entry = await journal.read();
        assert.ok(entry !== 'absent');
        assert.ok(PHASES.includes(recorded(memoryOf(entry), NOW).phase));
      } catch (error) {
        assertRefusal(error, /^NL-STATE-(CORRUPT|NEWER|DECOMMISSIONED)$/);
      }
      assert.ok(readFileSync(path).equals(before), 'what was found is left as it is');
    },
  };
};

/** As JSON.stringify writes it, which the digest is made of. */
function compact(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return text;
  }
}

/** Bodies of requests to the control socket: the path, and the body; of `/v1/uplink` the terms of a program. */
export const requests: Reader = {
  name: 'requests',
  seeds: [
    Buffer.from('/v1/reprovision\n{"id":"1","delaySeconds":5}'),
    Buffer.from('/v1/roll\n{"id":"1","discard":true}'),
    Buffer.from('/v1/csr\n{"newKey":true,"onboarding":false}'),
    Buffer.from('/v1/leaf\n{"leaf":"MIIBAA==","id":"2"}'),
    Buffer.from('/v1/uplink\n{"rate":5,"maxBytes":1048576,"maxAgeMs":null,"priority":"bulk"}'),
  ],
  read(input) {
    const [path, body] = lineAndRest(input);
    if (path === '/v1/uplink') {
      const { priority = 'high', ...counts } = changedTerms({}, parsed(body.toString())) ?? {};
      assert.ok(['high', 'normal', 'bulk'].some((one) => one === priority));
      for (const count of Object.values(counts)) assert.ok(Number.isSafeInteger(count) && count > 0);
      return;
    }
    const reading = readAsk(path, body.toString());
    if ('wrong' in reading) assert.ok(reading.wrong.message.startsWith(`${reading.wrong.field} `));
    else {
      assert.ok(POSTED_PATHS.includes(path));
      if (reading.ask.kind === 'install') assert.ok(reading.ask.delivered.length > 0);
    }
  },
};
