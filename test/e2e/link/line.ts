import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

const sh = (script: string): string => execFileSync('sh', ['-euc', script], { encoding: 'utf8' });

/** What the gateway has: IPv4 only, IPv6 only, or IPv6 only with a NAT64 (RFC 6146) on the way to servers with IPv4. */
export type Family = 'ipv4' | 'ipv6' | 'nat64';

/** The servers, as the gateway sees them. */
// tayga 0.9.2 translates no private address behind 64:ff9b::/96 (RFC 6052 section 3.1), so the servers have a public one.
const SERVERS: Readonly<Record<Family, string>> = { ipv4: '11.9.0.2', ipv6: 'fd09:4::2', nat64: '64:ff9b::b09:2' };

export interface LineOptions {
  /** Each way, in seconds. */
  readonly delay?: number;
  /** Of all packets, 0 to 1. */
  readonly loss?: number;
  readonly family?: Family;
}

export interface Line {
  /** A command that runs another at the gateway's end of the line, with the names of here. */
  readonly enter: readonly string[];
  /** The same with the name of the servers. */
  readonly runner: readonly string[];
  /** Bytes of IP packets since the start, both ways. */
  bytes(): number;
}

/** Servers on 127.0.0.1 of this network namespace, reached by the name `localhost` over a line; it goes away with the test. */
export async function line(t: TestContext, options: LineOptions = {}): Promise<Line> {
  const { delay = 0, loss = 0, family = 'ipv4' } = options;
  const directory = mkdtempSync(join(tmpdir(), 'newleaf-line-'));
  const hosts = join(directory, 'hosts');
  writeFileSync(hosts, `${SERVERS[family]} localhost\n`);
  const made = spawn(join(import.meta.dirname, 'line.py'), [`${delay}`, `${loss}`], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.after(async () => {
    made.stdin.end();
    if (made.exitCode === null) await once(made, 'close');
    if (family !== 'ipv4') sh(`kill "$(cat ${directory}/tayga.pid)"; sleep 0.1; ip link delete nat64`);
    sh('nft delete table ip line');
    rmSync(directory, { recursive: true });
  });
  await once(made.stdout, 'data');
  sh(`nft 'table ip line { chain in { type nat hook prerouting priority dstnat; ip daddr 11.9.0.2 dnat to 127.0.0.1; }; }'
      echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet`);
  if (family !== 'ipv4') translate(directory, family);
  const address =
    family === 'ipv4'
      ? 'ip address add 11.9.0.1/24 dev gateway0'
      : // No IPv4 at all, 127.0.0.1 of loopback neither.
        'ip address del 127.0.0.1/8 dev lo; ip address add fd09::1/64 dev gateway0 nodad; ip route add default via fd09::2 dev gateway0';
  const enter = ['nsenter', `--net=/proc/${made.pid}/ns/net`];
  execFileSync('nsenter', [...enter.slice(1), 'sh', '-euc', address]);
  const own = `mount --bind ${hosts} /etc/hosts && exec "$@"`;
  return {
    enter,
    runner: [...enter, 'unshare', '--mount', '--propagation', 'unchanged', 'sh', '-c', own, 'sh'],
    bytes() {
      const [{ stats64 }] = JSON.parse(sh('ip -json -statistics link show near0'));
      return stats64.rx.bytes + stats64.tx.bytes;
    },
  };
}

/** From IPv6 to IPv4, packet by packet. */
function translate(directory: string, family: Family): void {
  const conf = `tun-device nat64
    ipv4-addr 10.9.4.1
    ipv6-addr fd09:5::2
    prefix 64:ff9b::/96
    dynamic-pool 10.9.4.0/24
    ${family === 'ipv6' ? 'map 11.9.0.2 fd09:4::2' : ''}
    data-dir ${directory}`;
  writeFileSync(join(directory, 'tayga.conf'), conf);
  sh(`tayga --mktun --config ${directory}/tayga.conf >/dev/null
      ip link set nat64 up
      ip address add 10.9.5.1/32 dev nat64
      ip address add fd09:5::1/128 dev nat64
      ip route add 10.9.4.0/24 dev nat64
      ip route add 64:ff9b::/96 dev nat64
      ip route add fd09:4::2 dev nat64
      echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
      echo 1 >/proc/sys/net/ipv4/ip_forward
      tayga --config ${directory}/tayga.conf --pidfile ${directory}/tayga.pid >/dev/null`);
}
