import { fileURLToPath } from 'node:url';
import { insideNetworkNamespace } from '../../namespace.ts';

if (insideNetworkNamespace(fileURLToPath(import.meta.url))) await import('./enrolment.ts');
