import { createNotify } from '../../../agent/machine/notify.ts';

// A daemon of its own, which systemd has started.
const notify = createNotify(process.env, (cause) => console.log(cause.message));
void notify.ready();
void notify.watchdog();
await notify.stopping();
