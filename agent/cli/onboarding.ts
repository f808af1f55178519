import { join } from 'node:path';
import type { Answerer } from '../ask/ask.ts';
import type { Code, Failure } from '../failure/failure.ts';
import type { OnboardingCertificate } from '../roll/onboarding-status.ts';
import { writeAtomically } from '../state/durable.ts';
import type { Screen } from './kit/screen.ts';
import { digestRows } from './status/screen.ts';

/** The screen of a person, who waits. */
interface Telling {
  readonly screen: Screen;
  paragraph(words: string): void;
  say(words: string): void;
  copy(text: string): void;
  pause(ms: number, abort: AbortSignal): Promise<void>;
}

interface Unissued {
  readonly dialogue: Pick<Telling, 'screen' | 'paragraph' | 'copy'>;
  readonly running: {
    readonly daemon: { readonly onboarding?: { readonly told: OnboardingCertificate | undefined } | undefined };
  };
}

/**
 * Where Azure issues the leaves: DPS sees the onboarding certificate alone, and the group names the policy. Tells the operator
 * of DPS what to do.
 * @param code why no leaf came
 * @returns whether it is for the operator
 */
export async function tellOperator({ dialogue: tell, running }: Unissued, code: Code | undefined): Promise<boolean> {
  const { told } = running.daemon.onboarding ?? {};
  if (told === undefined || code === undefined) return false;
  const [why, task] = UNISSUED[code] ?? [];
  if (why === undefined) return false;
  tell.paragraph(`DPS ${why} yet. The operator of DPS ${task}`);
  const rows = [`  issued by    ${told.issuer}`, `  valid until  ${told.notAfter}`];
  tell.copy(['', ...digestRows('SHA-256', told.thumbprint, tell.screen), ...rows].join('\n'));
  if (code === 'NL-DPS-DISABLED') return true;
  tell.paragraph('With namespace, issuing CA and policy in Azure Device Registry, one of:');
  tell.copy(COMMANDS[code === 'NL-AZURE-POLICY' ? 'update' : 'create']);
  return true;
}

const UNISSUED: Partial<Record<Code, readonly [why: string, task: string]>> = {
  'NL-DPS-401002': [
    'does not accept the onboarding certificate',
    'enrolls its issuer for a group, with the policy by which Azure issues the leaves:',
  ],
  'NL-AZURE-POLICY': [
    'issues no leaf for this gateway',
    'names the policy in the group of its onboarding certificate:',
  ],
  'NL-DPS-DISABLED': ['does not accept this gateway', 'enables its enrollment:'],
};
const AZ = (verb: string, more = '') => `    az iot dps enrollment-group ${verb} --dps-name DPS --resource-group RG \\
      --enrollment-id GROUP${more} \\
      --adr-namespace NS --adr-ca-name CA --adr-cert-policy-name POLICY`;
const COMMANDS = {
  create: `${AZ('create', ' --certificate-path onboarding-ca.pem')}
    scripts/enroll add group GROUP --certificate onboarding-ca.pem \\
      --issuing-policy NS/CA/POLICY`,
  update: `${AZ('update')}
    scripts/enroll set-policy GROUP NS/CA/POLICY`,
};

/** Of a person who watches the daemon. */
interface Watching {
  readonly dialogue: Telling;
  readonly running: {
    readonly daemon: {
      readonly answer: Answerer;
      /** `lack`: why there is no certificate; undefined where there is one. */
      readonly onboarding?: { readonly certificate: { readonly lack: () => Promise<Failure | undefined> } } | undefined;
    };
  };
  readonly config: { readonly state: { readonly directory: string } };
  readonly isPatient: boolean;
  readonly abort: AbortSignal;
  readonly late: { readonly forPerson: AbortSignal };
}

const LOOK_MS = 2_000;

/**
 * Shows the CSR of the onboarding key, where its certificate is missing, and waits for the person who brings it.
 * @returns "there" also where the token cannot tell
 */
export async function awaitCertificate(watch: Watching): Promise<'there' | 'brought' | 'missing'> {
  const { dialogue: tell, config, isPatient } = watch;
  const { onboarding, answer } = watch.running.daemon;
  let why = await onboarding?.certificate.lack();
  const answered = why && (await answer({ kind: 'onboarding-csr' }));
  if (answered?.is !== 'csr') return 'there';
  const { csr, cn } = answered;
  const file = join(config.state.directory, 'csr', `${cn}.onboarding.pem`);
  await writeAtomically(file, csr, 0o644);
  tell.paragraph(
    `DPS is to know ${cn} by its onboarding key, whose certificate is missing. Have this CSR signed, with its subject unchanged, by a CA that is enrolled in DPS, or will be:`,
  );
  tell.copy(`\n${csr}`);
  tell.paragraph(`It also lies in ${file}. Bring the certificate with \`newleaf install --onboarding FILE\`.`);
  if (!isPatient) return 'missing';
  tell.say('init waits for it; Ctrl-C ends the wait, and nothing is lost.');
  const over = AbortSignal.any([watch.abort, watch.late.forPerson]);
  while (why !== undefined && !over.aborted) {
    await tell.pause(LOOK_MS, over);
    why = await onboarding?.certificate.lack();
  }
  return why === undefined ? 'brought' : 'missing';
}
