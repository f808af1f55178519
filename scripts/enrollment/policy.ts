import { Failed, Misuse, textOption } from '../../agent/cli/kit/command.ts';
import { valued } from '../../agent/cli/kit/tool.ts';
import type { Call } from './command.ts';
import type { Version } from './provisioning.ts';
import { statusOf, wordsOf } from './refusal.ts';

/** The certificate policy by which Azure Device Registry issues leaves to the devices of an enrollment. */
export interface IssuingPolicy {
  /** Both are absent in the preview, where a DPS has one namespace with one CA. */
  readonly namespace?: string;
  /** The issuing CA, never the root. */
  readonly authority?: string;
  readonly policy: string;
}

type Body = Readonly<Record<string, unknown>>;

const SHOWN = 'NS/CA/POLICY';

export const POLICY_OPTION = {
  'issuing-policy': valued(SHOWN, 'Azure issues the leaves: by this policy, of this CA, in this namespace.'),
} as const;

const textIn = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

/** What an enrollment names: three names from 2026-11-01 on, one in 2025-07-01-preview. */
export function policyIn(body: Body): IssuingPolicy | undefined {
  const policy = textIn(body.certificatePolicyName) ?? textIn(body.credentialPolicyName);
  if (policy === undefined) return undefined;
  const [namespace, authority] = [textIn(body.namespaceName), textIn(body.certificateAuthorityName)];
  return { ...(namespace && { namespace }), ...(authority && { authority }), policy };
}

const NAMES = ['namespaceName', 'certificateAuthorityName', 'certificatePolicyName', 'credentialPolicyName'] as const;

/** The body with another policy, or with none: null in place of each name, as az iot dps sends it. */
export function withPolicy(body: Body, policy: IssuingPolicy | undefined): Body {
  const none = Object.fromEntries(NAMES.flatMap((name) => (textIn(body[name]) ? [[name, null]] : [])));
  if (policy === undefined) return { ...body, ...none };
  const { namespace, authority, policy: name } = policy;
  if (namespace === undefined || authority === undefined) return { ...body, ...none, credentialPolicyName: name };
  const named = { namespaceName: namespace, certificateAuthorityName: authority, certificatePolicyName: name };
  return { ...body, ...none, ...named };
}

export const policyText = ({ namespace, authority, policy }: IssuingPolicy): string =>
  [namespace, authority, policy].filter((name) => name !== undefined).join('/');

export const samePolicy = (one: IssuingPolicy | undefined, other: IssuingPolicy | undefined): boolean =>
  (one && policyText(one))?.toLowerCase() === (other && policyText(other))?.toLowerCase();

/** @throws Misuse where it is neither three names nor one */
export function readPolicy(text: string): IssuingPolicy {
  const names = text.split('/');
  const [first = '', authority = '', policy = ''] = names;
  if (names.every((name) => name.trim() === name && name !== '')) {
    if (names.length === 1) return { policy: first };
    if (names.length === 3) return { namespace: first, authority, policy };
  }
  throw new Misuse(
    `A policy is named ${SHOWN} (namespace, issuing CA and policy), or in 2025-07-01-preview by its name alone; not "${text}".`,
  );
}

export function policyGiven(call: Call): IssuingPolicy | undefined {
  const text = textOption(call, 'issuing-policy');
  return text === undefined ? undefined : readPolicy(text);
}

/** Each version names a policy in its own way, and drops the names of the other. @throws Failed */
export function demandSpoken(policy: IssuingPolicy | undefined, version: Version): void {
  if (policy === undefined) return;
  const wanted: Version = policy.namespace === undefined ? '2025-07-01-preview' : '2026-11-01';
  if (wanted === version) return;
  const known =
    version === '2021-10-01'
      ? 'This DPS is asked in the api-version 2021-10-01, which knows no policies.'
      : `This DPS is asked in the api-version ${version}, which names a policy ${version === '2026-11-01' ? `by ${SHOWN}` : 'by its name alone'}.`;
  throw new Failed(`Nothing was changed: ${known}`, {
    advice: `Name it so, or ask in the other version, if DPS knows it: NEWLEAF_DPS_API_VERSION=${wanted}`,
  });
}

/** "Only a group linked to a CA can issue an operational cert for a CSR; a plain individual enrollment cannot" (ci-c-e2e-csr.yml of Azure/azure-iot-sdk). */
export const INDIVIDUAL =
  'An individual enrollment may issue nothing: the tests of Microsoft say that only a group does, though DPS takes the policy of both. Go on?';

/** Said at the end. */
export const ISSUES = (policy: IssuingPolicy): string =>
  ` Azure issues its leaves by ${policyText(policy)}: leaf.issuer is "azure" on the gateway.`;

/**
 * A refusal that is about the namespace, and passes: DPS hears of a new link, and of the role of its own identity, minutes later
 * (scripts of Azure/iot-sdks-e2e-fx).
 */
export function unlinked(error: unknown, policy: IssuingPolicy | undefined): Failed | undefined {
  if (policy === undefined) return undefined;
  const [status, words] = [statusOf(error), wordsOf(error)];
  const isUnlinked = status === 400 && /Device Registry Namespace/i.test(words);
  if (!isUnlinked && status !== 403) return undefined;
  return new Failed(`DPS refuses (${status}): ${words}`, {
    cause: error,
    advice: isUnlinked
      ? 'Link the namespace to this DPS (`az iot adr ns link dps add`). After that it takes minutes: repeat.'
      : 'The identity of DPS needs the role "Azure Device Registry Contributor" at the namespace, which takes minutes: repeat. And your own role must write.',
  });
}
