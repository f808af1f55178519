import assert from 'node:assert/strict';
import { after, before, beforeEach, suite, type TestContext, test } from 'node:test';
import { insideNetworkNamespace } from '../../namespace.ts';
import { HttpProxy } from '../../simulator/proxy.ts';
import type { Ended } from '../stage/gateway.ts';
import { Stage } from './stage.ts';

const [NAME, PASSWORD] = ['newleaf', 'through-the-wall'] as const;
const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ');
/** The sentence, wherever the lines of the screen end. */
const wrapped = (sentence: string): RegExp =>
  new RegExp(
    sentence
      .replaceAll(/[.()]/g, '\\$&')
      .replaceAll(/ADDRESS|NUMBER/g, '\\S+')
      .replaceAll(/ +/g, '\\s+'),
  );
const hostIn = (connectionString: string): string => /HostName=([^;]+)/.exec(connectionString)?.[1] ?? '';

if (insideNetworkNamespace(import.meta.filename)) {
  suite('init finds the way to DPS, and says which', () => {
    let stage: Stage;
    before(async () => {
      stage = await Stage.open();
    });
    beforeEach(() => stage.reset());
    after(() => stage.close());
    const script = (...options: readonly string[]): Promise<Ended> =>
      stage.machine.newleaf(['init', '--yes', ...stage.flags, '--new-token', 'softhsm', ...options]);
    const written = (): string => stage.machine.sh('cat /etc/newleaf/newleaf.toml');
    const nothingIsWritten = () =>
      assert.equal(stage.machine.sh("ls /etc/newleaf | grep -E 'toml|draft|^pin' || true"), '');
    /** DPS as Azure has it: 8883 and 443 of one host. */
    const host = (): string => hostIn(stage.far.endpoints.dpsService);

    async function proxyFor(t: TestContext, credentials?: string): Promise<HttpProxy> {
      const proxy = await HttpProxy.start(credentials);
      t.after(() => proxy[Symbol.asyncDispose]());
      return proxy;
    }

    async function closed(t: TestContext): Promise<void> {
      await stage.far.lay('dps', 'port-closed');
      t.after(() => stage.far.lift('dps', 'port-closed'));
    }

    test('8883 is closed: it says that 443 is used, and the gateway gets to its hub', async (t) => {
      await closed(t);
      const person = stage.person(t, ...stage.flags, '--endpoint', host(), '--new-token', 'softhsm');
      await person.sees(
        wrapped(':443 answers at ADDRESS port 443, trusted (issued by "server CA root"). newleaf uses 443 by itself.'),
      );
      for (const question of ['Renew', 'Name of the new', 'PIN for it']) await person.answers(question, '');
      await person.sees('Connected to');
      await person.ends(0);
      assert.doesNotMatch(written(), /transport/);
    });

    test('the same in a script', async (t) => {
      await closed(t);
      const { code, out, err } = await script('--endpoint', host(), '--transport', 'auto');
      assert.equal(code, 0, `${out}${err}`);
      assert.match(oneLine(out), /Port 8883 is blocked here .* newleaf uses 443 by itself\./);
      assert.match(written(), /transport = "auto"/);
    });

    test('--transport says over which port, and no other is tried', async (t) => {
      const { code, out, err } = await script('--endpoint', host(), '--transport', 'mqtt-ws');
      assert.equal(code, 0, `${out}${err}`);
      assert.match(oneLine(out), /:443 answers at \S+ port 443, trusted/);
      await stage.reset();
      await closed(t);
      const person = stage.person(t, ...stage.flags, '--endpoint', host(), '--transport', 'mqtt');
      await person.sees(/NL-DPS-UNREACHABLE\s.*8883\s+cannot\s+be\s+reached:.*ECONNREFUSED/s);
      await person.sees('Go on all the same? [no]');
    });

    test('--transport and --proxy in the words of the schema, and nothing is written', async () => {
      for (const [flag, value, words, more = []] of [
        ['--transport', 'https', /--transport must be/],
        ['--proxy', 'https://proxy.example.com', /--proxy must be "http:\/\/host:port"/],
        [
          '--proxy',
          `http://${NAME}:${PASSWORD}@proxy.example.com:3128`,
          /--proxy must not hold a user name or a password/,
        ],
        ['--proxy-user', 'a:b', /--proxy-user must be/],
        [
          '--proxy-password-file',
          '/nowhere',
          /--proxy-password-file must be a file that is there/,
          ['--proxy', 'http://127.0.0.1:9', '--proxy-user', NAME],
        ],
        ['--proxy-user', NAME, /NL-CONFIG --proxy-user needs --proxy-password-file and --proxy\./],
      ] as const) {
        const { code, out, err } = await script(flag, value, ...more);
        assert.equal(code, 2, `${out}${err}`);
        assert.match(oneLine(err), words);
        nothingIsWritten();
        assert.equal(stage.machine.sh('ls /var/lib/softhsm/tokens'), '');
      }
    });

    test('a proxy: DPS, the hub and the EST server are asked through it, by init, too', async (t) => {
      const proxy = await proxyFor(t);
      const { endpoints: at } = stage.far;
      const est = new URL(at.est).host;
      const mark = stage.far.log.entries.length;
      const flags = stage.flags.slice(0, stage.flags.indexOf('--est-url'));
      const person = stage.person(t, ...flags, '--proxy', proxy.url, '--new-token', 'softhsm');
      await person.sees(wrapped('answers at 127.0.0.1 (the proxy) port NUMBER, trusted (issued by "server CA root").'));
      await person.answers('URL of the EST server', at.est);
      await person.answers('File with the CA of its', '/etc/newleaf/est-ca.pem');
      await person.sees('The EST server answers.');
      assert.deepEqual([...new Set(proxy.asked.map(({ to }) => to))], [at.dps, est]);
      const reached = stage.far.log.since(mark).filter(({ server, event }) => server === 'est' && event === 'tcp');
      assert.equal(reached.length, proxy.asked.filter(({ to }) => to === est).length, 'and not past it');
      await person.answers('Which one', '1');
      await person.answers('User name', at.estUsername);
      await person.answers('Password', at.estPassword);
      await person.sees('The EST server knows this gateway.');
      for (const question of ['Renew', 'Name of the new', 'PIN for it']) await person.answers(question, '');
      await person.sees('Connected to');
      await person.ends(0);
      assert.ok(proxy.asked.some(({ to }) => to === at.hub1));
    });

    test('a proxy that wants a password: asked for where it is missed, and again where it is wrong', async (t) => {
      const proxy = await proxyFor(t, `${NAME}:${PASSWORD}`);
      const person = stage.person(t, ...stage.flags, '--proxy', proxy.url, '--new-token', 'softhsm');
      await person.sees(/NL-NETWORK-PROXY-AUTH .*\(HTTP 407\)/s);
      await person.answers('Go on all the same? [no]', '');
      await person.answers('User name for the proxy', NAME);
      await person.answers('Password for the proxy (not shown)', 'wrong');
      await person.sees('NL-NETWORK-PROXY-AUTH');
      await person.answers('Go on all the same? [no]', '');
      await person.answers(`User name for the proxy [${NAME}]`, '');
      await person.answers('Password for the proxy', PASSWORD);
      await person.sees(/\(the\s+proxy\)/);
      for (const question of ['Renew', 'Name of the new', 'PIN for it']) await person.answers(question, '');
      await person.sees('Connected to');
      await person.ends(0);
      assert.ok(!person.transcript.includes(PASSWORD), 'the password is not shown');
      assert.equal(stage.machine.sh('stat -c "%a %U" /etc/newleaf/proxy-password'), '600 newleaf\n');
      assert.match(written(), /^proxy_username = "newleaf".*\nproxy_password_file = "\/etc\/newleaf\/proxy-password"/m);
    });

    test('a proxy that is not there is asked for again', async (t) => {
      const proxy = await proxyFor(t);
      const person = stage.person(t, ...stage.flags, '--proxy', 'http://127.0.0.1:9', '--new-token', 'softhsm');
      await person.sees(wrapped('NL-NETWORK-PROXY The proxy 127.0.0.1:9 cannot be reached'));
      await person.answers('Go on all the same? [no]', '');
      await person.answers('HTTP proxy [http://127.0.0.1:9]', proxy.url);
      await person.sees(/\(the\s+proxy\)/);
    });

    test('in a script a wrong password and a proxy that is not there end it before anything is written', async (t) => {
      const proxy = await proxyFor(t, `${NAME}:${PASSWORD}`);
      const { machine, far } = stage;
      const registrations = far.log.registrations();
      machine.write('/root/proxy-password', 'wrong\n', 0o600);
      const credentials = ['--proxy-user', NAME, '--proxy-password-file', '/root/proxy-password'];
      for (const [options, words] of [
        [['--proxy', proxy.url], /NL-NETWORK-PROXY-AUTH .*HTTP 407.* -> Add --proxy-user and --proxy-password-file;/],
        [['--proxy', proxy.url, ...credentials], /NL-NETWORK-PROXY-AUTH .*HTTP 407.* -> Correct --proxy-user and/],
        [
          ['--proxy', 'http://127.0.0.1:9'],
          /The proxy 127\.0\.0\.1:9 cannot be reached.* -> Name the right one with --proxy;/,
        ],
      ] as const) {
        const { code, out, err } = await script(...options);
        assert.equal(code, 1, `${out}${err}`);
        assert.match(oneLine(err), words);
        assert.doesNotMatch(out, /copied/, 'the copy is gone again');
        nothingIsWritten();
      }
      assert.equal(far.log.registrations(), registrations);
      machine.write('/root/proxy-password', `${PASSWORD}\n`, 0o600);
      const { code, out, err } = await script('--proxy', proxy.url, ...credentials);
      assert.equal(code, 0, `${out}${err}`);
      assert.match(oneLine(out), / answers at 127\.0\.0\.1 \(the proxy\)/);
      assert.match(
        oneLine(out),
        /is copied to \/etc\/newleaf\/proxy-password: only the user newleaf can read it\. ok The conf/,
      );
      assert.equal(machine.sh('stat -c "%a %U" /etc/newleaf/proxy-password'), '600 newleaf\n');
    });

    test('HTTPS_PROXY of the environment is taken where nothing else is said, unless it has a password', async (t) => {
      const proxy = await proxyFor(t);
      const line = ['init', '--yes', ...stage.flags, '--new-token', 'softhsm'];
      const { code, out, err } = await stage.machine.newleaf(line, '', { HTTPS_PROXY: proxy.url });
      assert.equal(code, 0, `${out}${err}`);
      assert.match(written(), new RegExp(`proxy = "${proxy.url}"`));
      await stage.reset();
      const gone = await stage.machine.newleaf(line, '', { HTTPS_PROXY: '127.0.0.1:9' });
      assert.equal(gone.code, 1, `${gone.out}${gone.err}`);
      assert.match(oneLine(gone.out), /The proxy http:\/\/127\.0\.0\.1:9 is taken from HTTPS_PROXY\./);
      assert.match(oneLine(gone.err), /NL-NETWORK-PROXY .* -> Name the right one with --proxy;/);
      nothingIsWritten();
      const secret = proxy.url.replace('//', `//${NAME}:${PASSWORD}@`);
      const direct = await stage.machine.newleaf(line, '', { HTTPS_PROXY: secret });
      assert.equal(direct.code, 0, `${direct.out}${direct.err}`);
      assert.doesNotMatch(written(), /proxy/);
      assert.match(
        oneLine(direct.out),
        /HTTPS_PROXY of the environment is not taken\. It holds a user name or a password/,
      );
      assert.doesNotMatch(`${direct.out}${direct.err}`, new RegExp(PASSWORD));
    });
  });
}
