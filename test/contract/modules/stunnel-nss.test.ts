import { nss } from './nss.ts';
import { stunnelContract } from './stunnel.ts';

stunnelContract('NSS', async () => nss());
