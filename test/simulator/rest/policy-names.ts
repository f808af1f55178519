import * as v from 'valibot';
import { NAMESPACE, type Namespace, type PolicyReference } from '../adr/namespace.ts';
import type { Enrollment } from '../enrollments.ts';
import { policyNames } from '../versions.ts';
import { RestRefusal } from './route.ts';

const Name = v.nullish(v.string());
/** Three names since 2026-11-01, one in the preview: how an enrollment names the policy that issues to its devices. */
export const PolicyNames = {
  namespaceName: Name,
  certificateAuthorityName: Name,
  certificatePolicyName: Name,
  credentialPolicyName: Name,
};

type Names = { readonly [Field in keyof typeof PolicyNames]?: string | null | undefined };

/** "All three or none; partial is rejected"; without a namespace both are (words of azure-iot-sdks-e2e-fx). */
export function policyIn(names: Names, version: string, namespace: Namespace): PolicyReference | undefined {
  const family = policyNames(version);
  if (family === 'none') return undefined;
  const reference = family === 'one' ? oneName(names) : threeNames(names);
  if (reference !== undefined && !namespace.exists) {
    throw bad('A Device Registry Namespace is required to be set on this DPS instance.');
  }
  return reference;
}

function oneName({ credentialPolicyName }: Names): PolicyReference | undefined {
  return credentialPolicyName ? { policy: credentialPolicyName } : undefined;
}

function threeNames(names: Names): PolicyReference | undefined {
  const { namespaceName: namespace, certificateAuthorityName: authority, certificatePolicyName: policy } = names;
  if (!namespace && !authority && !policy) return undefined;
  if (!namespace || !authority || !policy) {
    throw bad('namespaceName, certificateAuthorityName and certificatePolicyName belong together.');
  }
  return { namespace, authority, policy };
}

/** The same for a read. A policy that was written by the other family is shown by the names of this one. */
export function policyBody({ certificatePolicy }: Enrollment, version: string, namespace: Namespace): object {
  const family = policyNames(version);
  if (certificatePolicy === undefined || family === 'none') return {};
  const { policy, authority = namespace.policy(certificatePolicy)?.authority } = certificatePolicy;
  return family === 'one'
    ? { credentialPolicyName: policy }
    : { namespaceName: NAMESPACE, certificateAuthorityName: authority ?? null, certificatePolicyName: policy };
}

const bad = (message: string): RestRefusal => new RestRefusal(400004, 'ArgumentInvalid', message);
