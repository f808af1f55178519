import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Ground } from './ground.ts';
import { known } from './probe.ts';
import type { Answer } from './question.ts';

const WATCH_MS = 10_000;
const HTTPS = 443;

/** Which messages of the handshake go by, as `openssl s_client -msg` tells; TLS 1.3 cannot renegotiate. */
export async function webSocket(ground: Ground): Promise<Answer> {
  const { hub1, trustPem } = ground.endpoints;
  const { key, cert } = await known(ground, 'q-websocket');
  const directory = mkdtempSync(join(tmpdir(), 'newleaf-field-websocket-'));
  const file = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text, { mode: 0o600 });
    return join(directory, name);
  };
  const files = ['-key', file('key', key), '-cert', file('cert', cert), '-CAfile', file('trust', trustPem)];
  const client = execFile('openssl', [
    's_client',
    '-connect',
    `${hub1}:${HTTPS}`,
    ...files,
    '-tls1_2',
    '-msg',
    '-ign_eof',
  ]);
  let out = '';
  client.stdout?.on('data', (text: string) => {
    out += text;
  });
  const upgraded = [
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Protocol: mqtt',
  ];
  const head = [
    `GET /$iothub/websocket HTTP/1.1`,
    `Host: ${hub1}`,
    ...upgraded,
    'Sec-WebSocket-Key: bmV3bGVhZiBmaWVsZGtpdA==',
  ];
  client.stdin?.write(`${head.join('\r\n')}\r\n\r\n`);
  const ended = new Promise((resolve) => client.once('close', resolve));
  await Promise.race([ended, pause(WATCH_MS, undefined, { ref: false })]);
  client.kill();
  await ended;
  rmSync(directory, { recursive: true });
  const messages = [...out.matchAll(/^(<<<|>>>) .*Handshake.*, (\w+)$/gm)].map(([, way, name]) => `${way} ${name}`);
  const hellos = messages.filter((name) => name === '<<< ServerHello').length;
  const isAsked = messages.includes('<<< CertificateRequest');
  const position = hellos > 1 ? 'renegotiation' : isAsked ? 'handshake' : undefined;
  const status = /^HTTP\/1\.1 .*/m.exec(out)?.[0] ?? 'no answer';
  return {
    positions: position ? { webSocketCertificate: position } : {},
    seen: `${messages.join(' ')} · ${status.trim()}`,
  };
}
