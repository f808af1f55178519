import type { AccessToken, TokenCredential } from '@azure/identity';
import { Failed, Misuse } from '../../agent/cli/kit/command.ts';
import type { Desk } from './desk.ts';

/** Earlier than azure-iot-http-base 1.12.3 asks for a new one, which is 9 minutes before the end. */
const RENEW_MS = 10 * 60_000;
const MOST_WORDS = 400;

/**
 * A login to Entra ID. Exactly one way is tried, so that it is certain who acts, and a failure has one cause: what
 * AZURE_TOKEN_CREDENTIALS names, else the service principal of AZURE_CLIENT_ID, else the user of `az login`. The whole chain of
 * DefaultAzureCredential would ask for a managed identity before `az`.
 */
export async function login({ env, now }: Desk): Promise<TokenCredential> {
  const { AzureCliCredential, DefaultAzureCredential, EnvironmentCredential } = await import('@azure/identity');
  if (!env.AZURE_TOKEN_CREDENTIALS && env.AZURE_CLIENT_ID) demandPrincipal(env);
  const open = (): TokenCredential => {
    if (env.AZURE_TOKEN_CREDENTIALS) return new DefaultAzureCredential();
    return env.AZURE_CLIENT_ID ? new EnvironmentCredential() : new AzureCliCredential();
  };
  try {
    return shared(open(), now);
  } catch (error) {
    throw refused(error);
  }
}

/** @throws Misuse where a part of the service principal is missing: EnvironmentCredential 4.13 names none */
function demandPrincipal(env: NodeJS.ProcessEnv): void {
  const hasProof = env.AZURE_CLIENT_SECRET || env.AZURE_CLIENT_CERTIFICATE_PATH;
  const missing = [
    ...(env.AZURE_TENANT_ID ? [] : ['AZURE_TENANT_ID']),
    ...(hasProof ? [] : ['AZURE_CLIENT_SECRET (or AZURE_CLIENT_CERTIFICATE_PATH)']),
  ];
  if (missing.length === 0) return;
  throw new Misuse(
    `The service principal of AZURE_CLIENT_ID is not whole, as this is missing: ${missing.join(' and ')}.`,
    {
      advice: 'To log in as the user of `az login`, unset AZURE_CLIENT_ID.',
    },
  );
}

/** One token for all: each client asks for itself, and for each call under way, and `az` is a process that takes a second. */
export function shared(credential: TokenCredential, now: () => number): TokenCredential {
  let asked: Promise<AccessToken> | undefined;
  let renewAt = Number.POSITIVE_INFINITY;

  async function ask(scopes: string | string[]): Promise<AccessToken> {
    try {
      const token = await credential.getToken(scopes);
      if (token === null) throw new Error('there is no token.');
      renewAt = token.expiresOnTimestamp - RENEW_MS;
      return token;
    } catch (error) {
      asked = undefined;
      throw refused(error);
    }
  }

  return {
    getToken(scopes) {
      if (asked === undefined || now() >= renewAt) {
        renewAt = Number.POSITIVE_INFINITY;
        asked = ask(scopes);
      }
      return asked;
    },
  };
}

/** The sentences of @azure/identity 4.13 name the next step: `az login`, or where the Azure CLI is. */
function refused(error: unknown): Failed {
  const words = error instanceof Error ? error.message : String(error);
  const line = words.replaceAll(/\s+/g, ' ').trim().slice(0, MOST_WORDS);
  return new Failed(`The login to Entra ID failed: ${line}`, { cause: error });
}
