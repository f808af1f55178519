import { suite } from 'node:test';
import { fileURLToPath } from 'node:url';
import { insideNetworkNamespace } from '../../namespace.ts';

if (insideNetworkNamespace(fileURLToPath(import.meta.url))) {
  const { firstEnrolment } = await import('./first-enrolment.ts');
  const { hangingServer } = await import('./hanging-server.ts');
  const { reenrolment } = await import('./reenrolment.ts');
  suite('newleaf and libest', { concurrency: true }, () => {
    reenrolment();
    hangingServer();
    firstEnrolment();
  });
}
