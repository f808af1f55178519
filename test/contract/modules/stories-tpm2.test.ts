import { storyContract } from './stories.ts';
import { tpm2 } from './tpm2.ts';

storyContract('tpm2-pkcs11', tpm2);
