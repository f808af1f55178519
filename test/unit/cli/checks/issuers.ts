import { Unreached } from '../../../../agent/cli/proof/dial.ts';
import { Fault } from '../../../../agent/failure/failure.ts';
import { entry } from '../gateway.ts';
import { NOW } from '../stage.ts';
import { answers, DAY, errno, fails, type Rows, settingIn, shows, under, withLeaf } from './row.ts';

const wrongClock = { entry: async () => ({ ...entry, lastSeen: NOW + DAY }) };
const EST = settingIn('issuer.est', 'url = "https://ca.example/est/"\nca_file = "/ca.pem"').replace('"inbox"', '"est"');
const PASSWORD = `${EST}username = "gw"\npassword_file = "/password"\n`;
const COMMAND = settingIn('issuer.command', 'argv = ["/bin/sign"]').replace('"inbox"', '"command"');
const expired = { entry: withLeaf({ notAfter: NOW }), text: async () => 'secret\n' };

/** Whoever signs. */
export const ISSUERS: Rows = {
  'issuer-reach': [
    ['inbox', {}, /^ok Leaves are signed elsewhere, and delivered by the inbox or by hand\.$/],
    ...under(EST, [
      ['EST', { exchange: answers(200) }, /^ok ca\.example is trusted, and gives its CA certificates\.$/],
      [
        'EST, wrong path',
        { exchange: answers(404) },
        /^failed NL-EST-REFUSED ca\.example answers HTTP 404 under https:\/\/ca\.example\/est\/cacerts\. -> Check the path/,
      ],
      [
        'EST, ill',
        { exchange: answers(503) },
        /^failed NL-EST-SERVER ca\.example answers HTTP 503 under .* -> Operator/,
      ],
      [
        'EST, away',
        { dial: fails(new Unreached('dns', 'No.', 443, undefined)) },
        /^failed NL-EST-UNREACHABLE No\. -> Check the name servers .*, and issuer\.est\.url\.$/,
      ],
      [
        'EST, and a clock that is wrong',
        { dial: shows({ distrust: 'CERT_NOT_YET_VALID' }), ...wrongClock },
        /^skipped ca\.example:443 answers at .*; its identity cannot be checked while the clock is wrong\.$/,
      ],
      [
        'EST that wants a certificate of everybody',
        { exchange: fails(new Fault('NL-EST-AUTH')) },
        /^ok ca\.example is trusted, and speaks only to clients with a certificate\.$/,
      ],
    ]),
    ...under(COMMAND, [
      ['program', {}, /^ok \/bin\/sign can be run\.$/],
      [
        'program that is not there',
        { access: fails(errno('ENOENT')) },
        /^failed NL-CMD-UNCONFIGURED There is no \/bin\/sign\. -> /,
      ],
      [
        'program that the daemon may not run',
        { access: fails(errno('EACCES')), user: 'newleaf' },
        /^failed NL-CMD-UNCONFIGURED The user newleaf may not run \/bin\/sign\. -> `chmod 0755/,
      ],
    ]),
  ],
  'issuer-auth': [
    ['inbox', {}, /^skipped Only an EST server gets credentials\.$/],
    ...under(EST, [
      [
        'leaf',
        {
          exchange: async ({ url }, _, as) =>
            answers(as === 'leaf' && url.endsWith('/simplereenroll') ? 400 : 401)({} as never, '', as),
        },
        /^ok ca\.example accepts the current leaf: to a request without CSR, HTTP 400 is its answer\.$/,
      ],
      [
        'leaf that is refused',
        { exchange: answers(401) },
        /^failed NL-EST-AUTH ca\.example does not accept the current leaf \(HTTP 401\)\. -> Operator of the CA/,
      ],
      ['key that does not work', { rehearse: fails(new Fault('NL-TOKEN-FAILED')) }, /^skipped needs tls-handshake$/],
      [
        'leaf that is refused in the handshake',
        { exchange: fails(new Fault('NL-EST-AUTH')) },
        /^failed NL-EST-AUTH ca\.example does not accept the current leaf in the TLS handshake\. -> Operator of the CA/,
      ],
      ['damaged state', { entry: fails(new Fault('NL-STATE-CORRUPT')) }, /^skipped needs state-file$/],
      ['nothing to show', expired, /^failed NL-EST-AUTH There is no valid leaf, and nothing else/],
      [
        'wrong label',
        { exchange: answers(404) },
        /^failed NL-EST-REFUSED ca\.example answers HTTP 404 under .*simplereenroll\. -> /,
      ],
      [
        'ill',
        { exchange: answers(500) },
        /^failed NL-EST-SERVER ca\.example answers HTTP 500 under .*simplereenroll\. -> Operator of the CA/,
      ],
      [
        'elsewhere',
        { exchange: answers(302) },
        /^failed NL-EST-REFUSED ca\.example answers HTTP 302 under .*simplereenroll\. -> Check the path/,
      ],
    ]),
    ...under(PASSWORD, [
      [
        'password',
        {
          ...expired,
          exchange: async ({ headers }, _, as) =>
            answers(as === 'none' && headers?.Authorization === 'Basic Z3c6c2VjcmV0' ? 400 : 401)({} as never, '', as),
        },
        /^ok ca\.example accepts user name and password: /,
      ],
      [
        'password that is refused',
        { ...expired, exchange: answers(403) },
        /^failed NL-EST-AUTH ca\.example does not accept user name and password \(HTTP 403\)\. -> Check issuer\.est\.username/,
      ],
      [
        'leaf that is refused, where a password is not',
        {
          text: async () => 'secret',
          exchange: async (_, __, as) => answers(as === 'leaf' ? 401 : 400)({} as never, '', as),
        },
        /^warning ca\.example does not accept the current leaf \(HTTP 401\)\. Until then other credentials work: ca\.example accepts user name and password: .* -> Operator of the CA/,
      ],
    ]),
  ],
};
