import { nss } from './nss.ts';
import { opencryptoki } from './opencryptoki.ts';
import { remoteToken } from './p11-kit.ts';
import { storyContract } from './stories.ts';
import { tpm2 } from './tpm2.ts';

storyContract('p11-kit remoting', remoteToken);
storyContract('opencryptoki', opencryptoki);
storyContract('NSS', async () => nss());
storyContract('tpm2-pkcs11', tpm2);
