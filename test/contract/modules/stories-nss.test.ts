import { nss } from './nss.ts';
import { storyContract } from './stories.ts';

storyContract('NSS', async () => nss());
