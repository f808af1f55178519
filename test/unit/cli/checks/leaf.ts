import { mint, mintCa } from '../../certificate/mint.ts';
import { currentLeaf } from '../gateway.ts';
import { NOW } from '../stage.ts';
import { BY_AZURE, DAY, type Rows, settingIn, withLeaf, withoutLeaf } from './row.ts';

const lasting = { notBefore: NOW - 10 * DAY, notAfter: NOW + 365 * DAY };
const root = await mintCa(lasting);
const inter = await mintCa({ ...lasting, subject: 'CN=Device CA', by: root });
const short = await mintCa({ ...lasting, subject: 'CN=Device CA', by: root, notAfter: NOW + 5 * DAY });
const gone = await mintCa({ ...lasting, subject: 'CN=Device CA', by: root, notAfter: NOW - DAY });
const leafBy = (by: typeof root) => mint({ by, notBefore: NOW - 10 * DAY, notAfter: NOW + 20 * DAY });
const [byInter, byShort, byGone] = [await leafBy(inter), await leafBy(short), await leafBy(gone)];
const chainOf = (...certificates: readonly { readonly pem: string }[]) =>
  withLeaf({ chain: certificates.map(({ pem }) => pem).join('') });

/** The current leaf itself. */
export const LEAF: Rows = {
  'leaf-validity': [
    ['valid', {}, /^ok The leaf expires in 20 days \(2026-12-15 14:49\), renewal in 9 days/],
    ['no leaf', { entry: withoutLeaf }, /^skipped There is no leaf yet\.$/],
    [
      'due',
      { entry: withLeaf({ notBefore: NOW - 90 * DAY }) },
      /^warning The leaf expires in 20 days .*, and its renewal is due since/,
    ],
    [
      'expired, and a person brings the next',
      { entry: withLeaf({ notAfter: NOW }) },
      /^failed NL-LEAF-EXPIRED The current leaf expired now .* -> Run `newleaf csr`/,
    ],
    [
      'expired, and a program brings the next',
      { entry: withLeaf({ notAfter: NOW }) },
      /^failed NL-LEAF-EXPIRED The current leaf expired now .* -> newleaf gets a new one by itself/,
      settingIn('issuer.command', 'argv = ["/bin/sign"]').replace('"inbox"', '"command"'),
    ],
    ['one millisecond left', { entry: withLeaf({ notAfter: NOW + 1 }) }, /^warning /],
    ['renewal off', {}, /^warning .*, and no renewal is planned\./, settingIn('leaf', 'renew_at = "off"')],
  ],
  'registration-id': [
    ['right', {}, /^ok The CN of the leaf and dps\.registration_id are both gw-0001\.$/],
    ['no leaf', { entry: withoutLeaf }, /^skipped There is no leaf yet\.$/],
    [
      'changed since',
      { entry: withLeaf({ ...currentLeaf, cn: 'gw-0002' }) },
      /^failed NL-DPS-REJECTED The CN of the leaf is gw-0002, and dps\.registration_id is gw-0001\. -> /,
    ],
  ],
  chain: [
    ['no leaf', { entry: withoutLeaf }, /^skipped There is no leaf yet\.$/],
    [
      'leaf and intermediate',
      { entry: chainOf(byInter, inter) },
      /^ok The leaf is sent with an intermediate\. DPS must know the leaf, one of these, or "Root"\.$/,
    ],
    [
      'the intermediate is not sent',
      { entry: chainOf(byInter) },
      /^ok The leaf is sent alone\. DPS must know it, or "Device CA"\.$/,
    ],
    [
      'the intermediate ends before the leaf',
      { entry: chainOf(byShort, short) },
      /^warning The intermediate "CN=Device CA" ends on 2026-11-30, before the leaf\. -> Operator of the CA/,
    ],
    [
      'Azure issues it: DPS never sees it',
      { entry: chainOf(byInter, inter) },
      /^ok The leaf is sent with an intermediate, to the hub alone, which trusts its CA "Device CA"\.$/,
      BY_AZURE,
    ],
    ['the intermediate has expired', { entry: chainOf(byGone, gone) }, /^failed NL-LEAF-CHAIN .* -> /],
    ['an impostor', { entry: chainOf(byInter, short) }, /^failed NL-LEAF-CHAIN .* -> /],
    ['unreadable', { entry: withLeaf({ chain: '' }) }, /^failed NL-LEAF-PARSE The current leaf cannot be read\./],
  ],
};
