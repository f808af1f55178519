import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Serving } from '../e2e/stage/site.ts';
import type { Truth } from './told.ts';

/** A setting that is changed between two starts, while a roll is in flight. */
export interface Change {
  /** The new value as TOML; undefined takes the setting away. */
  readonly to: string | ((at: Serving) => string);
  /** Other settings that must change with it. */
  readonly with?: Readonly<Record<string, string | undefined>>;
  /** What is told; left out where the gateway serves with the new value. */
  readonly told?: Truth;
  /** Asserts what the new value has done to the roll; where it is left out, that it was done is enough. */
  readonly proves?: (at: Serving) => unknown;
}

const text = (value: string): string => JSON.stringify(value);
/** The same server by another name: its certificate has both. */
const byAddress = (host: string): string => text(host.replace('localhost', '127.0.0.1'));
const copied =
  (name: string) =>
  ({ gateway }: Serving) => {
    const to = join(gateway.directory, `copy-of-${name}`);
    copyFileSync(join(gateway.directory, name), to);
    return text(to);
  };
/** The daemon ends, and says why. */
const ends = (code: RegExp, exit = 5): Truth => ({ code, exit, session: 'down' });
const refused = ends(/^NL-CONFIG$/, 2);

/** For every setting of the schema. */
export const CHANGES: Readonly<Record<string, Change>> = {
  'dps.endpoint': { to: ({ far }) => byAddress(far.endpoints.dps) },
  'dps.id_scope': { to: text('0ne0000FFFF'), told: { code: /^NL-DPS-SCOPE$/, exit: 1, session: 'open' } },
  'dps.registration_id': {
    to: text('gw-0002'),
    told: { code: /^NL-DPS-REJECTED$/, exit: 4, session: 'open' },
  },
  'dps.attestation': { to: text('tpm'), told: ends(/^NL-(TPM-MISSING|CONFIG)$/) },
  'dps.payload': {
    to: '{ site = "north" }',
    proves({ far }) {
      const { body } = far.log.matching({ event: 'register' }).at(-1) ?? {};
      assert.deepEqual(JSON.parse(String(body)).payload, { site: 'north' });
    },
  },
  'dps.allowed_hubs': { to: '["localhost"]' },
  'hsm.module': { to: text('/nowhere/libnone.so'), told: ends(/^NL-TOKEN-MODULE$/) },
  'hsm.token': { to: text('elsewhere'), told: ends(/^NL-TOKEN-MISSING$/) },
  'hsm.uri': { to: text('pkcs11:token=newleaf'), with: { 'hsm.token': undefined } },
  'hsm.pin_file': { to: text('/nowhere/pin'), told: ends(/^NL-TOKEN-PIN-FILE$/) },
  'hsm.tls': { to: text('engine') },
  'hsm.key': { to: text('pkcs11:object=factory') },
  'hsm.label_prefix': {
    to: text('other'),
    // The key that it no longer names is destroyed by the next roll all the same.
    async proves({ gateway }) {
      assert.equal((await gateway.command('roll', '--wait')).code, 0);
      const { leaf } = await gateway.settled();
      assert.deepEqual(gateway.token.privateKeys(), [`other-${leaf?.slot}`]);
    },
  },
  'tpm.device': { to: text('/dev/tpm7') },
  'leaf.key_type': {
    to: text('ec-p384'),
    // The key that waited for its leaf is made anew.
    proves({ gateway }) {
      const leaf = new X509Certificate(readFileSync(join(gateway.stateDirectory, 'leaf.pem')));
      assert.equal(leaf.publicKey.asymmetricKeyDetails?.namedCurve, 'secp384r1');
      assert.equal(gateway.token.privateKeys().length, 1);
    },
  },
  'leaf.rotate_key': { to: 'false' },
  'leaf.renew_at': { to: text('50%') },
  'leaf.issuer': { to: text('inbox'), told: { code: /^NL-ISSUER-PERSON$/, exit: 4, session: 'open' } },
  'issuer.est.url': { to: ({ far }) => byAddress(far.endpoints.est) },
  'issuer.est.ca_file': { to: copied('est-ca.pem') },
  'issuer.est.username': { to: text('somebody') },
  'issuer.est.password_file': { to: copied('est-password') },
  'issuer.est.bootstrap_cert': { to: text('pkcs11:object=x'), told: refused },
  'issuer.est.bootstrap_key': { to: text('pkcs11:object=x'), told: refused },
  'issuer.command.argv': { to: '["/bin/false"]' },
  'issuer.azure.dps_api_version': { to: text('2025-07-01-preview') },
  'issuer.azure.hub_api_version': { to: text('2025-08-01-preview') },
  // Of an issuer that this gateway has not.
  'onboarding.key': { to: text('pkcs11:object=x') },
  'onboarding.certificate': { to: text('/nowhere/onboarding.pem') },
  'trust.ca_file': { to: copied('trust.pem') },
  'network.transport': { to: text('mqtt') },
  'network.keepalive': { to: text('60s') },
  'network.proxy': { to: text('http://127.0.0.1:9'), told: { code: /^NL-NETWORK-PROXY$/, exit: 1, session: 'none' } },
  'network.proxy_username': { to: text('somebody'), told: refused },
  'network.proxy_password_file': { to: text('/nowhere/password'), told: refused },
  'network.no_proxy': { to: '["localhost"]' },
  'state.directory': {
    to: ({ gateway }) => text(join(gateway.directory, 'other-state')),
    told: { code: /^NL-TOKEN-OCCUPIED$/, exit: 4, session: 'none' },
  },
  'control.socket': { to: ({ gateway }) => text(join(gateway.directory, 'other.sock')) },
  'uplink.sockets': { to: ({ gateway }) => text(join(gateway.directory, 'other-programs')) },
  'uplink.tcp': { to: text('127.0.0.1:18883') },
  'uplink.hosts': { to: '["gateway.example"]' },
  'uplink.max_bytes': { to: text('1MiB') },
  'uplink.max_age': { to: text('1day') },
  'uplink.when_full': { to: text('drop-oldest') },
  'uplink.rate': { to: '1' },
  'log.level': { to: text('debug') },
  'limits.requests_per_hour': { to: '1' },
  'limits.burst': { to: '1' },
  'limits.min_roll_interval': { to: text('1day') },
};
