import type { Site } from '../../../../agent/cli/proof/site.ts';
import { Fault } from '../../../../agent/failure/failure.ts';
import { TokenError } from '../../../../hsm/ckr.ts';
import type { Protection } from '../../../../hsm/key-pair.ts';
import { CONFIG, key, slotWith, tokenWith } from '../gateway.ts';
import { errno, fails, type Rows, settingIn, withoutLeaf } from './row.ts';

const protectedBy =
  (change: Partial<Protection>): Site['token'] =>
  async () =>
    tokenWith({ describe: async () => ({ ...(await tokenWith({}).describe({} as never)), ...change }) });
const withoutPinFile = CONFIG.replace(/pin_file.*\n/, '');
const denied = errno('EACCES', '/etc/newleaf/pin');

/** Module, token, keys. */
export const TOKEN: Rows = {
  'module-loads': [
    ['right', {}, /^ok \/usr\/lib\/module\.so loads\.$/],
    [
      'the daemon of another container has the token',
      { loadModule: fails(new Fault('NL-DAEMON-RUNS', { message: 'It has.', advice: 'Check it there.' })) },
      /^skipped It has\. -> Check it there\.$/,
    ],
    [
      'missing',
      { loadModule: fails(new TokenError('module', 'MODULE_NOT_LOADED', 'no')) },
      /^failed NL-TOKEN-MODULE no\. -> /,
    ],
    [
      'hangs',
      { loadModule: fails(new Fault('NL-TOKEN-HUNG', { message: 'It hangs.' })) },
      /^failed NL-TOKEN-HUNG It hangs\. -> Restart the daemon behind the module/,
    ],
    [
      'for a user who has nothing to do with the daemon',
      { isStranger: true, loadModule: fails(new TokenError('failed', 'CKR_GENERAL_ERROR', 'It does not work.')) },
      /^skipped This user may not use the token as the daemon does: It does not work\. -> `newleaf check`$/,
    ],
  ],
  'token-present': [
    ['right', {}, /^ok Token "newleaf" \(serial 0042, SoftHSM project SoftHSM v2\) is there\.$/],
    [
      'none',
      { slot: fails(new TokenError('missing', 'TOKEN_NOT_FOUND', 'No token.')) },
      /^failed NL-TOKEN-MISSING No token\. -> /,
    ],
    [
      'two of one label',
      { slot: fails(new TokenError('missing', 'TOKEN_AMBIGUOUS', '2 tokens match.')) },
      /^failed NL-TOKEN-MISSING 2 tokens match\. -> Name one of them by its serial number: hsm\.uri = /,
    ],
    [
      'two of one label, and one has worked before',
      {
        slot: async () => ({
          ...(await slotWith(0)()),
          doubt: '2 tokens match. newleaf takes the one with serial 0042.',
        }),
      },
      /^warning 2 tokens match\. newleaf takes the one .* -> Name it by its serial number: hsm\.uri = "pkcs11:serial=0042"/,
    ],
    ['somebody guesses', { slot: slotWith(0x1_0000) }, /^warning .* has met a wrong PIN since the last right one\./],
  ],
  pin: [
    ['right', {}, /^ok Token "newleaf" accepts the PIN\.$/],
    [
      'refused',
      { token: fails(new TokenError('pin', 'CKR_PIN_INCORRECT', 'The PIN is wrong')) },
      /^failed NL-TOKEN-PIN The PIN is wrong\. -> /,
    ],
    [
      'locked',
      { token: fails(new TokenError('pin-locked', 'CKR_PIN_LOCKED', 'Locked.')) },
      /^failed NL-TOKEN-PIN-LOCKED /,
    ],
    [
      'nowhere to note a refusal',
      { mode: async () => 'absent', token: fails(new Error('tried')) },
      /^skipped The PIN was not tried: there is no \/var\/lib\/newleaf yet, where a refusal would be noted\. -> /,
    ],
    [
      'file for root only',
      { token: fails(new TokenError('pin-file', 'PIN_FILE', 'no', denied)) },
      /^skipped This user may not read \/etc\/newleaf\/pin/,
    ],
    [
      'file closed to the daemon',
      { token: fails(new TokenError('pin-file', 'PIN_FILE', 'no', denied)), user: 'newleaf' },
      /^failed NL-TOKEN-PIN-FILE The user newleaf may not read \/etc\/newleaf\/pin\. -> `chown newleaf /,
    ],
    [
      'a systemd credential',
      { token: fails(new Error('tried')) },
      /^skipped The PIN is a systemd credential/,
      withoutPinFile,
    ],
    ['a systemd credential that root has read', { holdsPin: true }, /^ok /, withoutPinFile],
  ],
  keys: [
    ['one', {}, /^ok newleaf-a: ec-p256, made in the token, never extractable\.$/],
    [
      'none',
      { token: async () => tokenWith({ find: async () => undefined }) },
      /^ok There is no key in newleaf-a or newleaf-b yet\.$/,
    ],
    [
      'readable',
      { token: protectedBy({ extractable: true }) },
      /^warning newleaf-a: .* NOT protected \(sensitive true, extractable true,/,
    ],
    ['once readable', { token: protectedBy({ neverExtractable: false }) }, /^warning .* NOT protected/],
    ['silent token', { token: protectedBy({ sensitive: undefined }) }, /^warning .*sensitive undefined/],
    ['given', {}, /^ok newleaf-a: .*; newleaf-a: /, settingIn('hsm', 'key = "pkcs11:object=x"')],
    [
      'one of somebody else, in the way of the next',
      { token: async () => tokenWith({ generations: async (label) => [{ id: label }] }) },
      /^warning newleaf-a holds a key, and the records of newleaf do not say .* \(CKA_ID newleaf-a\): .* stops there\. -> Let it stay/,
    ],
    [
      'one, and no leaf yet: the way on that the daemon tells, too',
      { entry: async () => 'absent' },
      /stops there\. -> Left by an earlier newleaf, .*`newleaf decommission`/,
    ],
    [
      'one, and no leaf yet, that decommission does not touch',
      {
        entry: async () => 'absent',
        token: async () => tokenWith({ generations: async () => [{ id: '' }] }),
      },
      /stops there\. -> Let it stay/,
    ],
    [
      'no state, so nobody knows of whom',
      {
        token: async () => tokenWith({ find: async (label) => ({ ...key, label, id: label }) }),
        entry: fails(new Fault('NL-STATE-CORRUPT')),
      },
      /^ok newleaf-a: /,
    ],
  ],
  'leaf-key': [
    ['no leaf', { entry: withoutLeaf }, /^skipped There is no leaf yet\.$/],
    [
      'gone',
      { token: async () => tokenWith({ findById: async () => undefined }) },
      /^failed NL-TOKEN-KEY Token "newleaf" has no key with the id 01 \(slot a\)\. -> /,
    ],
  ],
  'tls-engine': [
    ['installed', {}, /^ok The PKCS#11 engine /],
    ['stunnel in its place', { tlsWay: async () => 'helper' }, /^ok stunnel and pkcs11-provider, /],
    [
      'missing',
      { tlsWay: fails(new TokenError('engine', 'ENGINE_NOT_FOUND', 'no')) },
      /^failed NL-TOKEN-ENGINE no\. -> /,
    ],
  ],
  'tls-handshake': [
    ['works', {}, /^ok TLS 1\.2 and 1\.3 work with the token's key\.$/],
    ['by stunnel', { tlsWay: async () => 'helper' }, /^ok .*, by stunnel\.$/],
    [
      'by stunnel, with an RSA key of a TPM',
      { tlsWay: async () => 'helper', rehearse: async () => ['TLSv1.2'] },
      /^ok TLS 1\.2 works with the token's key, by stunnel: for 1\.3 an RSA key needs RSA-PSS, /,
    ],
    [
      'the token cannot sign it',
      { rehearse: fails(new Fault('NL-TOKEN-FAILED', { message: 'TLSv1.3: no PSS.' })) },
      /^failed NL-TOKEN-FAILED TLSv1\.3: no PSS\. -> /,
    ],
  ],
};
