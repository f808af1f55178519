import assert from 'node:assert/strict';
import { test } from 'node:test';
import { examine } from '../../../../agent/cli/checks/examine.ts';
import { CHECKS } from '../../../../agent/cli/checks/list.ts';
import { estQuestions } from '../../../../agent/cli/init/est.ts';
import { askInOrder } from '../../../../agent/cli/init/guide.ts';
import { siteHere } from '../../../../agent/cli/proof/site-here.ts';
import { draftConfig } from '../../../../agent/config/config.ts';
import { authority, files, grant, type Script, serve, status } from '../../issuer/est-server.ts';
import { scene } from './stage.ts';

/** Where the credentials are tried. */
const atTrial =
  (answer: Script): Script =>
  (response, seen) =>
    (seen.line.endsWith('/cacerts') ? grant : answer)(response, seen);

async function asked(t: Parameters<typeof serve>[0], answer: Script) {
  const { url } = await serve(t, atTrial(answer));
  const { ca = '', password = '' } = files(t, { ca: authority.rootPem, password: 'secret\n' });
  const flags = { 'est-url': url, 'est-ca': ca, 'est-user': 'gw', 'est-password-file': password };
  const { guide, paper } = scene({ flags, configured: { 'leaf.issuer': 'est' }, typed: ['yes'] });
  await askInOrder(guide, estQuestions());
  return { guide, shown: paper.text.replaceAll(/\s+/g, ' ') };
}

for (const [code, said] of Object.entries({ 404: 'NL-EST-REFUSED', 500: 'NL-EST-SERVER', 503: 'NL-EST-SERVER' })) {
  test(`an EST server that answers the trial with ${code} does not know this gateway: init and check agree`, async (t) => {
    const { guide, shown } = await asked(t, status(Number(code)));
    const draft = guide.answers;
    const config = async () => draftConfig(draft, guide.file);
    const site = siteHere({ config, file: guide.file, env: {}, now: Date.now() });
    const auth = CHECKS.filter(({ id }) => id === 'issuer-auth');
    for await (const found of examine(auth, { ...site, entry: async () => 'absent' })) {
      assert.deepEqual([found.outcome, found.code], ['failed', said]);
      assert.ok(shown.includes(`${said} ${found.message} → `), shown);
    }
    assert.match(shown, /Go on all the same\?/);
    assert.doesNotMatch(shown, /knows this gateway/);
  });
}

test('one that refuses the empty request alone knows it', async (t) => {
  assert.match((await asked(t, status(400))).shown, /ok The EST server knows this gateway\./);
});

test('one that refuses the credentials is told so, with what to do about it', async (t) => {
  const { shown } = await asked(t, status(401));
  assert.match(
    shown,
    /NL-EST-AUTH \S+ does not accept user name and password \(HTTP 401\)\. → Enter asks for them again/,
  );
});
