import type { Dialled } from '../../../agent/cli/proof/dial.ts';
import type { Site } from '../../../agent/cli/proof/site.ts';
import { parseConfig } from '../../../agent/config/config.ts';
import type { Leaf } from '../../../agent/roll/leaf.ts';
import { type RollState, unprovisioned } from '../../../agent/roll/state.ts';
import type { Protection } from '../../../hsm/key-pair.ts';
import type { PublicKey } from '../../../hsm/public-key.ts';
import type { Token } from '../../../hsm/token.ts';
import { NOW, statusWith } from './stage.ts';

export const CONFIG = `[dps]
id_scope = "0ne00000000"
registration_id = "gw-0001"
[hsm]
module = "/usr/lib/module.so"
token = "newleaf"
pin_file = "/etc/newleaf/pin"
[leaf]
issuer = "inbox"
`;

const DAY = 86_400_000;

export const currentLeaf: Leaf = {
  key: { slot: 'a', id: '01' },
  chain: '',
  thumbprint: 'AA',
  cn: 'gw-0001',
  serial: '01',
  issuer: 'CA',
  notBefore: NOW - 10 * DAY,
  notAfter: NOW + 20 * DAY,
};

export const entry: RollState = {
  ...unprovisioned,
  phase: 'serving',
  current: currentLeaf,
  assignment: { hub: 'hub-1.azure-devices.net', deviceId: 'gw-0001' },
};

const slot = {
  slot: Buffer.alloc(8),
  name: { label: 'newleaf', serial: '0042', manufacturer: 'SoftHSM project', model: 'SoftHSM v2' },
  flags: 0,
  doubt: undefined,
};

export const dialled: Dialled = { address: '192.0.2.7', port: 8883, issuer: 'DigiCert Global Root G2' };

export const key: PublicKey = { label: 'newleaf-a', id: '01', spki: Buffer.from('spki'), keyType: 'ec-p256' };

const refuse = async (): Promise<never> => {
  throw new Error('a check must not ask for this');
};

const PROTECTED: Protection = {
  sensitive: true,
  extractable: false,
  alwaysSensitive: true,
  neverExtractable: true,
  local: true,
};

/** A token that only answers questions. */
export function tokenWith(change: Partial<Token>): Token {
  return {
    name: slot.name,
    doubt: undefined,
    makesKeysHere: false,
    noted: refuse,
    find: async (label) => (label === key.label ? key : undefined),
    generations: async (label) => (label === key.label ? [{ id: key.id, protection: PROTECTED }] : []),
    findById: async (id) => (id === key.id ? key : undefined),
    findByUri: async () => key,
    findMade: refuse,
    describe: async () => PROTECTED,
    sign: refuse,
    generate: refuse,
    importKey: refuse,
    usable: refuse,
    listsPss: refuse,
    storeCertificate: refuse,
    certificates: refuse,
    destroy: refuse,
    forget() {
      throw new Error('a check must not ask for this');
    },
    ...change,
  };
}

/** A gateway on which all is well; the change is what the test is about. */
export function siteWith(change: Partial<Site> = {}, toml = CONFIG): Site {
  return {
    now: NOW,
    env: {},
    user: undefined,
    isStranger: false,
    holdsPin: false,
    config: async () => parseConfig(toml, '/etc/newleaf/newleaf.toml'),
    entry: async () => entry,
    text: async () => '',
    authorities: async () => '',
    isOfGroup: async () => false,
    closedOn: () => undefined,
    access: async () => {},
    room: async () => ({ bytes: 10 * 1024 * 1024, files: 1000 }),
    mode: async (path) => (path.endsWith('tpm-next-key') ? 'absent' : path.endsWith('pin') ? 0o600 : 0o700),
    loadModule: async () => {},
    slot: async () => slot,
    token: async () => tokenWith({}),
    tlsWay: async () => 'engine',
    rehearse: async () => ['TLSv1.2', 'TLSv1.3'],
    tpmSigns: async () => {},
    programs: async () => [],
    misplaced: async () => undefined,
    status: async () => statusWith({ version: '0.0.0-source' }),
    dial: async () => dialled,
    shake: async () => ({ verdict: 'taken', protocol: 'TLSv1.3' }),
    connack: async () => 0,
    exchange: refuse,
    serverTime: async () => ({ at: NOW, here: NOW, from: 'dps.example', isProven: true }),
    unit: async () => undefined,
    close() {},
    ...change,
  };
}

export const slotWith = (flags: number) => async () => ({ ...slot, flags });
